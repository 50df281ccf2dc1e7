"""Bounds of YAML, held while it is parsed and before anything is built: depth, size, and plain keys.

PyYAML has none: deep nesting overflows the stack, and aliases of aliases ("billion laughs") are small until
somebody walks over them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from blueshift.playbook.files import at

MAX_DEPTH = 50
MAX_NODES = 100_000
"""After aliases are expanded."""

TAG = "tag:yaml.org,2002:"
_TAGS = {None, "!", *(f"{TAG}{name}" for name in ("null", "bool", "int", "float", "str", "map", "seq"))}
_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE

Fault = Callable[[Any, str], Exception]
"""(event, what is wrong with it) → the error to raise."""


@dataclass
class _Open:
    """A collection whose end has not come."""

    anchor: str | None
    before: int
    """Nodes before it."""
    keys: dict[str, int] | None
    """Keys of a mapping with their lines; None for a sequence."""
    at_key: bool
    deepest: int


def bounded(
    events: Iterable[Any], fault: Fault, *, most: int = MAX_NODES, unique: bool = True
) -> Iterator[Any]:
    """The parser's events; raises `fault` at the first that goes beyond a bound.

    Keys are scalars, and each stands once in its mapping where they must be `unique`; tags are those of JSON.
    """
    walk = _Walk(fault, most, unique)
    for event in events:
        walk.take(event)
        yield event


def unprintable(text: str, name: str) -> tuple[str, str] | None:
    """What YAML allows nowhere, as place and sentence: control characters, half characters."""
    found = _UNPRINTABLE.search(text)
    if found is None:
        return None
    return at(name, text, found.start()), f"the character {ord(found[0]):#04x} may stand nowhere in YAML"


@dataclass
class _Walk:
    fault: Fault
    most: int
    unique: bool
    nodes: int = 0
    opened: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Anchors of what is finished → its nodes, and its height."""

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self.anchors.clear()
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.NodeEvent):
            self._place_in_mapping(event)
            self._node(event)

    def _node(self, event: Any) -> None:
        nodes, height = 1, 0
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self.fault(
                    event, f"the alias *{event.anchor} stands for nothing that was finished above"
                )
            nodes, height = self.anchors[event.anchor]
        elif event.tag not in _TAGS:
            raise self.fault(event, f"the tag {event.tag} is not supported")
        self.nodes += nodes
        if self.nodes > self.most:
            raise self.fault(event, f"more than {self.most:,} nodes, aliases expanded")
        depth = len(self.opened) + height
        if depth > MAX_DEPTH:
            raise self.fault(event, f"nested more than {MAX_DEPTH} deep")
        if self.opened:
            self.opened[-1].deepest = max(self.opened[-1].deepest, height)
        if isinstance(event, yaml.CollectionStartEvent):
            mapping = isinstance(event, yaml.MappingStartEvent)
            self.anchors.pop(event.anchor or "", None)  # inside itself it is not finished
            self.opened.append(_Open(event.anchor, self.nodes - 1, {} if mapping else None, True, 0))
        elif event.anchor is not None and isinstance(event, yaml.ScalarEvent):
            self.anchors[event.anchor] = (1, 0)

    def _end(self) -> None:
        ended = self.opened.pop()
        height = ended.deepest + 1
        if self.opened:
            self.opened[-1].deepest = max(self.opened[-1].deepest, height)
        if ended.anchor is not None:
            self.anchors[ended.anchor] = (self.nodes - ended.before, height)

    def _place_in_mapping(self, event: Any) -> None:
        inside = self.opened[-1] if self.opened else None
        if inside is None or inside.keys is None:
            return
        if inside.at_key:
            self._key(event, inside.keys)
        inside.at_key = not inside.at_key

    def _key(self, event: Any, keys: dict[str, int]) -> None:
        if isinstance(event, yaml.AliasEvent):
            return  # to a scalar, or it is found where the tree is built
        if not isinstance(event, yaml.ScalarEvent):
            raise self.fault(event, "a key must be text")
        if self.unique and event.value in keys:
            first = keys[event.value]
            raise self.fault(event, f"the key {event.value!r} stands here again (first in line {first})")
        mark = event.start_mark
        keys[event.value] = mark.line + 1 if mark is not None else 0
