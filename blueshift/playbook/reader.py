"""Reads YAML into the tree, within the bounds of `files` and `bounds`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from blueshift.playbook import files
from blueshift.playbook.bounds import TAG, bounded, unprintable
from blueshift.playbook.tree import Entry, Invalid, Items, Mapping, Node, Place, Scalar, invalid

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # some builds of PyYAML are without libyaml


class Source(msgspec.Struct, frozen=True):
    """A text and where it came from."""

    text: str
    name: str
    """Shown in errors: the path as the user gave it."""
    folder: str = "."
    """What its relative paths are relative to."""
    lines: bool = True
    """False for an option of the command line: its places are the option alone."""


def read_file(path: str | Path) -> Source:
    """Read a file. Raises BlueshiftError if there is none, it is too big, or it is not UTF-8."""
    text = files.text(files.read(path), str(path))
    return Source(text, str(path), str(files.expanded(path).parent))


def parse(source: Source) -> Node:
    """Return the tree of one YAML document. Raises Invalid at the first fault."""
    place = Place(source.name, int(source.lines), int(source.lines), source.folder)
    if found := unprintable(source.text, source.name):
        where, why = found
        raise Invalid(why, place=where if source.lines else source.name, hint="write it out, or take it out")
    try:
        node = _Composer(source).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = _place(source, mark) if mark is not None else place
        problem = error.problem or error.context or "something else"
        raise invalid(at, f"this is no YAML: {problem}", hint="check indentation and quotes") from None
    if node is None:
        raise invalid(place, "there is nothing in it", hint="is this the right file?")
    return node


def _place(source: Source, mark: Any) -> Place:
    if not source.lines:
        return Place(source.name, folder=source.folder)
    return Place(source.name, mark.line + 1, mark.column + 1, source.folder)


class _Composer:
    """Builds the tree from the parser's events, since bounds must hold before anything is built."""

    def __init__(self, source: Source) -> None:
        self._source = source
        events = yaml.parse(source.text, Loader=_LOADER)
        self._events: Iterator[Any] = bounded(events, self._error)
        self._anchors: dict[str, Node] = {}
        self._resolve: Any = yaml.resolver.Resolver().resolve

    def document(self) -> Node | None:
        node: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error(
                        event, "there is a second document in it", "keep one, and drop the `---`"
                    )
                node = self._node(next(self._events))
        return node

    def _node(self, event: Any) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._anchors[str(event.anchor)]
        node = self._fresh(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _fresh(self, event: Any) -> Node:
        place = _place(self._source, event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, place)
        if isinstance(event, yaml.SequenceStartEvent):
            nodes = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                nodes.append(self._node(inner))
            return Items(tuple(nodes), place)
        return Mapping(tuple(self._entries()), place)

    def _entries(self) -> Iterator[Entry]:
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event)
            if not isinstance(key, Scalar):
                raise self._error(event, "a key must be text")
            if key.text == "<<":
                raise self._error(event, "merge keys (`<<`) are not supported", "write the keys out")
            yield Entry(key, self._node(next(self._events)))

    def _scalar(self, event: Any, place: Place) -> Scalar:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._resolve(yaml.ScalarNode, event.value, event.implicit)
        try:
            return Scalar(_value(tag.removeprefix(TAG), event.value), event.value, place)
        except ValueError as error:
            raise self._error(event, str(error)) from None

    def _error(self, event: Any, message: str, hint: str | None = None) -> Invalid:
        return invalid(_place(self._source, event.start_mark), message, hint=hint)


def _value(tag: str, text: str) -> bool | int | float | str | None:
    """Return a scalar's value as YAML 1.1 has it, which is what Helm reads too.

    Dates stay text, and so do numbers in base 60 (`1:30`): Helm's YAML knows neither.
    """
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in {"yes", "true", "on"}
    if tag in {"int", "float"} and ":" not in text:
        digits = text.replace("_", "").lower()
        return _integer(digits) if tag == "int" else _float(digits)
    if tag in {"str", "int", "float", "timestamp", "value", "merge"}:
        return text
    raise ValueError(f"the tag {tag} is not supported")


def _integer(digits: str) -> int:
    sign = -1 if digits.startswith("-") else 1
    bare = digits.lstrip("+-")
    if len(bare) > 40:
        raise ValueError("a number with more than 40 digits")
    if bare.startswith("0x"):
        return sign * int(bare, 16)
    if bare.startswith("0b"):
        return sign * int(bare, 2)
    return sign * int(bare, 8 if bare.startswith("0") and len(bare) > 1 else 10)


def _float(digits: str) -> float:
    return float(digits.replace(".inf", "inf").replace(".nan", "nan"))
