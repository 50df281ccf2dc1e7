"""YAML as a tree in which every node knows its place, so that errors far from the reader still can say it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from blueshift.errors import BlueshiftError


class Place(msgspec.Struct, frozen=True):
    """Where a node stands; lines and columns count from 1."""

    source: str
    """A file's path as the user gave it, or the option that said it."""
    line: int = 0
    """0: the source has no lines (an option of the command line)."""
    column: int = 0
    folder: str = "."
    """Paths that the source names are relative to this folder."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class Scalar(msgspec.Struct, frozen=True, tag="scalar"):
    """A value without parts."""

    value: bool | int | float | str | None
    text: str
    """As written, without quotes."""
    place: Place


class Entry(msgspec.Struct, frozen=True):
    """A key and its node."""

    key: Scalar
    node: Node


class Mapping(msgspec.Struct, frozen=True, tag="mapping"):
    """Keys in the order written; each once."""

    entries: tuple[Entry, ...]
    place: Place

    def get(self, key: str) -> Node | None:
        """Return the node of a key."""
        return next((entry.node for entry in self.entries if entry.key.text == key), None)


class Items(msgspec.Struct, frozen=True, tag="items"):
    """A sequence."""

    nodes: tuple[Node, ...]
    place: Place


Node: TypeAlias = Scalar | Mapping | Items


class Invalid(BlueshiftError):
    """A file says something that cannot be; `place` is where."""


def invalid(place: Place, message: str, *, hint: str | None = None) -> Invalid:
    """Make the error for a place."""
    return Invalid(message, place=str(place), hint=hint or "correct it there, then see with `blueshift plan`")


def plain(node: Node) -> Any:
    """Return the node as plain data: None, bool, int, float, str, list, dict with text keys."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(item) for item in node.nodes]
    return {entry.key.text: plain(entry.node) for entry in node.entries}


def described(node: Node) -> str:
    """Say what a node is, without its value (which may be what must not be shown)."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Items):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return f"the truth value {node.text}"
    return "text" if isinstance(node.value, str) else "a number"


def merged(base: Node, over: Node) -> Node:
    """Lay `over` over `base`: mappings key by key, anything else whole. Every node keeps its own place; a
    mapping of both has that of `over`, without which it would be as somebody else wrote it."""
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    entries = {entry.key.text: entry for entry in base.entries}
    for entry in over.entries:
        known = entries.get(entry.key.text)
        node = entry.node if known is None else merged(known.node, entry.node)
        entries[entry.key.text] = Entry(entry.key, node)
    return Mapping(tuple(entries.values()), over.place)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `(did you mean 'x'?)` for a near word, else the list of known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"(did you mean {near[0]!r}?)"
    return f"(known: {', '.join(names)})" if names else "(nothing may stand here)"
