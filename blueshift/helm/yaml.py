"""YAML as Helm reads it: only what JSON has. No dates, no `1:30` for ninety.

A contract test compares it with helm, scalar by scalar.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from blueshift.errors import BlueshiftError
from blueshift.playbook import files
from blueshift.playbook.bounds import TAG, bounded, unprintable

MOST_NODES = 1_000_000
"""Aliases expanded. Ten times what a person may write: helm's own answers are read here as well."""
_MEND = "correct it there: indentation, quotes, or what an alias stands for"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader with the scalars and keys of sigs.k8s.io/yaml, which Helm uses."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        """Keys are strings: `1:` is "1" and `y:` is "true"."""
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ConstructorError(None, None, "a key must be text", key.start_mark)
        self.flatten_mapping(node)  # merges what `<<` names
        return {
            _text(self.construct_object(key, deep=True)): self.construct_object(value, deep)
            for key, value in node.value
        }


def _text(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _int(loader: Any, node: yaml.ScalarNode) -> int | float:
    """What is beyond 64 bits is a float64, as in Go."""
    if len(node.value) > _LONGEST_NUMBER:
        raise ConstructorError(None, None, "a number with more than 100 digits", node.start_mark)
    value: int = _number(loader.construct_yaml_int, node)
    return value if -(2**63) <= value < 2**64 else float(value)


def _float(loader: Any, node: yaml.ScalarNode) -> float | str:
    """What is beyond a float64 is text, as in Go; JSON has no infinity."""
    value: float = _number(loader.construct_yaml_float, node)
    return value if math.isfinite(value) else str(node.value)


def _number(construct: Callable[[yaml.ScalarNode], Any], node: yaml.ScalarNode) -> Any:
    try:
        return construct(node)
    except ValueError:
        raise ConstructorError(None, None, "this is no number", node.start_mark) from None


_LONGEST_NUMBER = 100
"""Python itself refuses some thousands of digits; nobody means a number by so many."""
_SCALARS = (
    (
        "bool",
        r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$",
        "yYnNtTfFoO",
    ),
    (
        "int",
        r"^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$",
        "-+0123456789",
    ),
    (
        "float",
        r"^[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$",
        "-+0123456789.",
    ),
)
_OURS = {f"{TAG}{name}" for name in ("bool", "int", "float", "timestamp")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OURS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(f"{TAG}{_name}", re.compile(_pattern), list(_first))
_Loader.add_constructor(
    f"{TAG}bool", lambda loader, node: loader.construct_scalar(node).lower() in ("y", "yes", "true", "on")
)
_Loader.add_constructor(f"{TAG}int", _int)
_Loader.add_constructor(f"{TAG}float", _float)
_Loader.add_constructor(f"{TAG}value", lambda loader, node: loader.construct_scalar(node))


def load(text: str | bytes, place: str, *, unique: bool = False) -> dict[str, Any]:
    """One document that is a mapping, or empty. Raises BlueshiftError with `place` as file:line:column.

    `unique`: a key that stands twice is an error. Helm takes the last one and says nothing.
    """
    documents, begins = _documents(text, place, unique=unique)
    if len(documents) > 1:
        hint = "keep one, and drop the `---`"
        raise BlueshiftError("has more than one document", place=_at(place, begins[1]), hint=hint)
    return documents[0] if documents else {}


def load_all(text: str | bytes, place: str) -> list[dict[str, Any]]:
    """All documents that are not empty. Raises BlueshiftError with `place` as file:line:column."""
    return _documents(text, place, unique=False)[0]


def _documents(text: str | bytes, place: str, *, unique: bool) -> tuple[list[dict[str, Any]], list[Any]]:
    """The documents that are not empty, and where each one begins, the empty ones too."""
    written = files.text(text, place) if isinstance(text, bytes) else text
    if found := unprintable(written, place):
        where, why = found
        raise BlueshiftError(why, place=where, hint=_MEND)

    def fault(event: Any, why: str) -> BlueshiftError:
        return BlueshiftError(why, place=_at(place, event.start_mark), hint=_MEND)

    try:
        events = bounded(yaml.parse(written, Loader=_Loader), fault, most=MOST_NODES, unique=unique)
        begins = [event.start_mark for event in events if isinstance(event, yaml.DocumentStartEvent)]
        documents = [document for document in yaml.load_all(written, _Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context
        raise BlueshiftError(f"is not YAML: {problem}", place=_at(place, mark), hint=_MEND) from error
    for document in documents:
        if not isinstance(document, dict):
            raise BlueshiftError("is not a mapping", place=f"{place}:1:1", hint="write `key: value` lines")
    return documents, begins


def _at(place: str, mark: yaml.Mark | None) -> str:
    return place if mark is None else f"{place}:{mark.line + 1}:{mark.column + 1}"


def dump(document: Mapping[str, Any]) -> str:
    """Block style, keys sorted: for people and differences, never as input of Helm."""
    text: str = yaml.safe_dump(dict(document), default_flow_style=False, sort_keys=True, width=1000)
    return text
