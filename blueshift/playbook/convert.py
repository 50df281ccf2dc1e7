"""From the tree to a settings type, strictly, with every error of the tree at once."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar, cast

import msgspec
from msgspec import inspect

from blueshift.errors import BlueshiftError, Errors
from blueshift.playbook import files, kinds, names
from blueshift.playbook.duration import SCALAR as DURATION
from blueshift.playbook.duration import parse_seconds
from blueshift.playbook.tree import (
    Items,
    Mapping,
    Node,
    Scalar,
    described,
    invalid,
    plain,
    suggestion,
)

T = TypeVar("T")

LocalPath: TypeAlias = Annotated[str, msgspec.Meta(extra={"scalar": "path"})]
"""A path in a settings type: `~` is the home folder, and a relative one begins at the file that says it."""

NameOrPath: TypeAlias = Annotated[str, msgspec.Meta(extra={"scalar": "name-or-path"})]
"""A plain name stays as it is; what has a slash or ends in .yaml is a `LocalPath`."""


Raw: TypeAlias = Annotated[Any, msgspec.Meta(extra={"scalar": "node"})]
"""The Node itself, for what is converted later."""


_LONGEST_NAME = 255
"""Bytes of one name in a path, on every file system of Linux."""


class _Failed(Exception):
    """The error is already in the list."""


def convert(node: Node, kind: type[T]) -> T:
    """Return the node as a `kind`: a Struct, or what a Struct's field may be.

    Raises the Invalid, or Errors if there are several.
    """
    errors: list[BlueshiftError] = []
    value = collect(node, kind, errors)
    raise_all(errors)
    return cast(T, value)


def raise_all(errors: list[BlueshiftError]) -> None:
    """Raise what was collected, if anything was."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Errors(errors)


def collect(node: Node, kind: type[T], errors: list[BlueshiftError]) -> T | None:
    """Like `convert`, but add the errors to a list and then return None."""
    try:
        return cast(T, _Converter(errors).value(node, inspect.type_info(kind)))
    except _Failed:
        return None


class _Converter:
    def __init__(self, errors: list[BlueshiftError]) -> None:
        self._errors = errors

    def value(self, node: Node, kind: inspect.Type, scalar: str = "") -> Any:
        match kind:
            case inspect.Metadata():
                marked = (kind.extra or {}).get("scalar", "")
                return node if marked == "node" else self.value(node, kind.type, marked)
            case inspect.StructType():
                return self._struct(node, kind)
            case inspect.UnionType():
                return self._union(node, kind, scalar)
            case inspect.ListType() | inspect.VarTupleType():
                return self._items(node, kind)
            case inspect.DictType():
                return self._dict(node, kind)
            case inspect.AnyType():
                return plain(node)
        if not isinstance(node, Scalar):
            raise self._fail(node, f"expected {kinds.called(kind, scalar)}, found {described(node)}")
        return self._scalar(node, kind, scalar)

    def _fail(self, node: Node, message: str) -> _Failed:
        self._errors.append(invalid(node.place, message))
        return _Failed()

    def _struct(self, node: Node, kind: inspect.StructType) -> Any:
        fields = {field.encode_name: field for field in kind.fields}
        if not isinstance(node, Mapping):
            keys = ", ".join(fields)
            raise self._fail(node, f"expected a mapping with keys of: {keys}; found {described(node)}")
        before = len(self._errors)
        values: dict[str, Any] = {}
        for entry in node.entries:
            field = fields.get(entry.key.text)
            if field is None:
                self._fail(entry.key, f"unknown key {entry.key.text!r} {suggestion(entry.key.text, fields)}")
                continue
            try:
                values[field.name] = self.value(entry.node, field.type)
            except _Failed:
                continue
        present = {entry.key.text for entry in node.entries}
        for name, field in fields.items():
            if field.required and name not in present:
                self._fail(node, f"the key {name!r} is missing")
        if len(self._errors) > before:
            raise _Failed
        try:
            return kind.cls(**values)
        except (ValueError, TypeError) as error:
            raise self._fail(node, str(error)) from None

    def _items(self, node: Node, kind: inspect.ListType | inspect.VarTupleType) -> Any:
        if not isinstance(node, Items):
            raise self._fail(node, f"expected {kinds.called(kind, '')}, found {described(node)}")
        before = len(self._errors)
        values = []
        for item in node.nodes:
            try:
                values.append(self.value(item, kind.item_type))
            except _Failed:
                continue
        if len(self._errors) > before:
            raise _Failed
        return values if isinstance(kind, inspect.ListType) else tuple(values)

    def _dict(self, node: Node, kind: inspect.DictType) -> Any:
        if not isinstance(node, Mapping):
            raise self._fail(node, f"expected a mapping, found {described(node)}")
        before = len(self._errors)
        values = {}
        for entry in node.entries:
            try:
                values[entry.key.text] = self.value(entry.node, kind.value_type)
            except _Failed:
                continue
        if len(self._errors) > before:
            raise _Failed
        return values

    def _union(self, node: Node, kind: inspect.UnionType, scalar: str) -> Any:
        """Choose by the node's shape; among scalars the first that fits."""
        if isinstance(node, Scalar) and node.value is None and kind.includes_none:
            return None
        choices = [choice for choice in kind.types if not isinstance(choice, inspect.NoneType)]
        fitting = [choice for choice in choices if kinds.shape(choice) in {_shape_of(node), "any"}]
        if isinstance(node, Scalar) and len(fitting) > 1:
            for choice in fitting:
                try:
                    return _Converter([]).value(node, choice, scalar)
                except _Failed:
                    continue
        if fitting:
            return self.value(node, fitting[0], scalar)
        if len(choices) == 1:
            return self.value(node, choices[0], scalar)
        expected = " or ".join(kinds.called(choice, scalar) for choice in choices)
        raise self._fail(node, f"expected {expected}, found {described(node)}")

    def _scalar(self, node: Scalar, kind: inspect.Type, scalar: str) -> Any:
        found = f"expected {kinds.called(kind, scalar)}, found {described(node)}"
        value = node.value
        match kind:
            case inspect.FloatType() if scalar == DURATION:
                value = self._seconds(node, found)
            case inspect.StrType():
                if not isinstance(value, str):
                    quote = f' (write it in quotes: "{node.text}")' if node.text else ""
                    raise self._fail(node, found + quote)
                value = self._worded(node, value, scalar)
            case inspect.BoolType() if isinstance(value, bool):
                return value
            case inspect.IntType() if isinstance(value, int) and not isinstance(value, bool):
                pass
            case inspect.FloatType() if isinstance(value, int | float) and not isinstance(value, bool):
                value = float(value)
                if not math.isfinite(value):
                    raise self._fail(node, f"expected a number, found {node.text}")
            case inspect.LiteralType() | inspect.EnumType():
                return self._choice(node, kind)
            case inspect.NoneType() if value is None:
                return None
            case _:
                raise self._fail(node, found)
        problem = kinds.out_of_bounds(value, kind)
        if problem:
            raise self._fail(node, problem)
        return value

    def _worded(self, node: Scalar, value: str, scalar: str) -> str:
        if scalar in names.FORMS:
            if why := names.wrong(scalar, value):
                raise self._fail(node, f"{value!r} cannot be the name of a {scalar}: {why}")
            return value
        if scalar and any(len(part.encode()) > _LONGEST_NAME or "\0" in part for part in value.split("/")):
            raise self._fail(node, f"a name in a path has no NUL, and at most {_LONGEST_NAME} bytes")
        return _path(node, scalar) if scalar else value

    def _seconds(self, node: Scalar, found: str) -> float:
        if isinstance(node.value, bool) or node.value is None:
            raise self._fail(node, found)
        try:
            return parse_seconds(node.text)
        except ValueError as error:
            raise self._fail(node, str(error)) from None

    def _choice(self, node: Scalar, kind: inspect.LiteralType | inspect.EnumType) -> Any:
        options = kind.cls if isinstance(kind, inspect.EnumType) else kind.values
        allowed: dict[str, Any] = {str(getattr(option, "value", option)): option for option in options}
        # `on`, `off` and numbers as a choice mean their text
        if node.value is None or node.text not in allowed:
            word = node.text or "nothing"
            raise self._fail(node, f"{word!r} is not one of the choices {suggestion(word, allowed)}")
        return allowed[node.text]


def _path(node: Scalar, scalar: str) -> str:
    if scalar == "name-or-path" and "/" not in node.text and not node.text.endswith((".yaml", ".yml")):
        return node.text
    # Absolute, so that a resume from another folder means the same; links are left as they are.
    return os.path.abspath(Path(node.place.folder) / files.expanded(node.text))  # noqa: PTH100


def _shape_of(node: Node) -> str:
    return {Scalar: "scalar", Mapping: "mapping", Items: "items"}[type(node)]
