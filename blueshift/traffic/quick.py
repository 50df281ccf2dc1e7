"""Access lines counted, many in a second: only what is asked for is cut out of a line, and nothing is made of
it until equal ones have been added up.

A line that is not as usual is for `logs.LogFormat`, which knows every oddity.
"""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from blueshift.traffic.layouts import Layout
from blueshift.traffic.logformat import Escape, compile_text
from blueshift.traffic.logs import (
    CLIENT,
    HOST,
    PROBE_AGENT,
    TIME,
    Line,
    compile_format,
    line_of,
    plain,
)

UPSTREAM = ("proxy_upstream_name",)
AGENT = ("http_user_agent",)
REQUEST_ID = ("req_id", "request_id")
_ROLES = (("status",), ("request_time",), HOST, UPSTREAM, CLIENT)
"""What is cut out, each by the first of these variables that a format has."""
_OWN = PROBE_AGENT.encode()
_ZEROS = re.compile(rb"(:\s*)0+(\d+\s*[,}])")
"""Of nginx: a backend's answer without a status is written `009`, which is no JSON number."""
_NAME = re.compile(r"\$\{?(\w+)")

Raw = tuple[bytes, ...]
"""Status, seconds, host, upstream as they were written; empty for what the format has not."""
Cut = Callable[[bytes], tuple[Raw, bytes] | None]
"""A line's `Raw` and its client."""


REMEMBERED = 250_000
"""Lines, of two generations, in which one that comes again is known: pods' logs fetched twice overlap."""


class Counted:
    """Equal requests added up."""

    def __init__(self) -> None:
        self.raw: defaultdict[Raw, int] = defaultdict(int)
        self.clients: defaultdict[bytes, int] = defaultdict(int)


class Seen:
    """Lines that came before, by their hashes."""

    def __init__(self) -> None:
        self.young: set[int] = set()
        self.old: set[int] = set()

    def again(self, line: bytes) -> bool:
        """Whether the line came before; it has come now."""
        mark = hash(line)
        if mark in self.young or mark in self.old:
            return True
        self.young.add(mark)
        return False

    def age(self) -> None:
        """Forget the older generation when the younger is full."""
        if len(self.young) > REMEMBERED:
            self.young, self.old = set(), self.young


class Reader:
    """Reads the lines of one layout; `others` those that it cannot, where a format was changed meanwhile."""

    def __init__(self, layout: Layout, others: tuple[Reader, ...] = ()) -> None:
        self.layout = layout
        self.others = others
        self._form = compile_format(layout.text, escape=layout.escape) if layout.text else None
        known = self._form.http.variables if self._form else frozenset(layout.keys)
        wanted = tuple(next((name for name in role if name in known), "") for role in _ROLES)
        self.lacks = tuple(
            role[0] for role in (CLIENT, ("status",), ("request_time",), TIME, AGENT) if not known & set(role)
        )
        """Variables that a summary is made of and the layout does not have."""
        self.has_upstream = bool(known & set(UPSTREAM))
        self.has_id = bool(known & set(REQUEST_ID))
        """Whether two equal lines are one request, read twice."""
        self._cut: Cut = (
            _objects(layout.keys, wanted) if layout.keys else _matches(layout.text, layout.escape, wanted)
        )

    def count(self, lines: Iterable[bytes], into: Counted, seen: Seen) -> tuple[list[bytes], int]:
        """Count what can be cut; the others, our own probes among them, are returned for `parse`, and how
        many came again and were not counted."""
        cut, raw, clients, rest, again = self._cut, into.raw, into.clients, [], 0
        came = seen.again if self.has_id else _never
        for line in lines:
            found = None if _OWN in line else cut(line)
            if found is None:
                rest.append(line)
            elif came(line):
                again += 1
            else:
                key, client = found
                raw[key] += 1
                clients[client] += 1
        return rest, again

    def parse(self, line: bytes) -> Line | None:
        """One line with all care; None for what is no access or cannot be read."""
        found = self._form.parse(line) if self._form else _line_of(self.layout.keys, line)
        for other in self.others if found is None else ():
            if found := other.parse(line):
                break
        return found

    def text(self, value: bytes) -> str:
        """A value that was cut out, without its escapes."""
        return plain(value, "none" if self.layout.keys else self.layout.escape)


def _matches(text: str, escape: Escape, wanted: tuple[str, ...]) -> Cut:
    """For formats as text: matched up to the last variable that is wanted, often a third of the whole."""
    names = frozenset(name for name in wanted if name)
    begun = _until(text, names)
    # An empty group stands for what the format has not.
    pattern = re.compile(compile_text(begun, escape, names).pattern.pattern + rb"(?P<none>)", re.DOTALL)
    match = pattern.match if begun != text else pattern.fullmatch
    *key, client = (pattern.groupindex[name or "none"] for name in wanted)

    def cut(line: bytes) -> tuple[Raw, bytes] | None:
        found = match(line)
        return (found.group(*key), found[client]) if found else None

    return cut


def _until(text: str, names: frozenset[str]) -> str:
    """A format up to the variable after the last of these."""
    seen = list(_NAME.finditer(text))
    last = max((number for number, match in enumerate(seen) if match[1] in names), default=0)
    return text[: seen[last + 1].start()] if last + 1 < len(seen) else text


def _objects(keys: Mapping[str, str], wanted: tuple[str, ...]) -> Cut:
    """For lines that are JSON objects: the wanted keys alone are decoded."""
    fields = [(f"f{number}", Any, None) for number, name in enumerate(wanted) if name]
    rename = {f"f{number}": keys[name] for number, name in enumerate(wanted) if name}
    decode = msgspec.json.Decoder(msgspec.defstruct("Object", fields, rename=rename)).decode
    numbers = range(len(wanted))

    def cut(line: bytes) -> tuple[Raw, bytes] | None:
        try:
            found = decode(line)
        except ValueError:  # no JSON, or bytes that are no UTF-8
            return None
        status, seconds, host, upstream, client = (_written(getattr(found, f"f{n}", None)) for n in numbers)
        return (status, seconds, host, upstream), client

    return cut


def _line_of(keys: Mapping[str, str], line: bytes) -> Line | None:
    """A line by keys alone, where no format string tells the rest."""
    sound = _ZEROS.sub(rb"\1\2", line).decode(errors="replace")
    with contextlib.suppress(ValueError):  # no JSON; a status or a time that is none
        found = msgspec.json.decode(sound, type=dict[str, Any])
        return line_of({name: _written(found.get(key)) for name, key in keys.items()}, "none")
    return None


def _never(_line: bytes) -> bool:
    return False


def _written(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return b"" if value is None else msgspec.json.encode(value)
