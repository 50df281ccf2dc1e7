"""Access lines counted, many in a second: only what is asked for is cut out of a line, and nothing is made of
it until equal ones have been added up.

A line that is not as usual is for `logs.LogFormat`, which knows every oddity.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from blueshift.traffic.instants import duration, instant
from blueshift.traffic.layouts import MOST_KINDS, Layout
from blueshift.traffic.logformat import INSIDE, Compiled, Escape, compile_text
from blueshift.traffic.logs import (
    CLIENT,
    HOST,
    NO_TEXT,
    PROBE_AGENT,
    TIME,
    Line,
    LogFormat,
    bare,
    compile_format,
    first_said,
    plain,
    sources,
)
from blueshift.traffic.objects import finder, line_of_object, value_of_object
from blueshift.traffic.seen import Seen

UPSTREAM = ("proxy_upstream_name",)
AGENT = ("http_user_agent",)
REQUEST_ID = ("req_id", "request_id")
_ROLES = (("request_time",), ("status",), HOST, UPSTREAM, CLIENT)
"""What is cut out, each by the first of these variables that says anything."""
_OWN = PROBE_AGENT.encode()
_NO_QUOTE_INSIDE = rb"[^\"]*(?<!\\)"
"""Matched in a third of the time; a value of Apache that has a quote in it is for the careful look."""
_NAME = re.compile(r"\$\{?(\w+)")

Wanted = tuple[tuple[str, ...], ...]
"""Of each role the variables that the format has, none or more."""
Raw = tuple[bytes, ...]
"""Seconds, status, host, upstream as they were written; empty for what the format has not."""


class _Cut(NamedTuple):
    """How lines are cut, each step over all lines of a block at once: what loops in C costs half."""

    find: Callable[[Iterable[bytes]], Iterator[Any]]
    """Of each line what the next two read; None for one that is not as usual, or of our own probes."""
    raw: Callable[[Any], Raw]
    client: Callable[[Any], bytes]


class Counted:
    """Equal requests added up."""

    def __init__(self) -> None:
        self.raw: Counter[Raw] = Counter()
        self.again: Counter[Raw] = Counter()
        """What came twice, and counts once."""
        self.clients: Counter[bytes] = Counter()


class Reader:
    """Reads the lines of one layout; `others` those that it cannot, where a format was changed meanwhile."""

    def __init__(self, layout: Layout, others: tuple[Reader, ...] = ()) -> None:
        self.layout = layout
        self.others = others
        self.helped: list[Reader] = []
        """Those of the others that could read a line, but for the keys of the same format."""
        self._form = _compiled(layout) if layout.text else None
        known = frozenset(layout.keys) or (self._form.http.variables if self._form else frozenset())
        wanted = tuple(sources(role, known) for role in _ROLES)
        self.lacks = tuple(
            role[0] for role in (CLIENT, ("status",), ("request_time",), TIME, AGENT) if not known & set(role)
        )
        """Variables that a summary is made of and the layout does not have."""
        self.has_upstream = bool(known & set(UPSTREAM))
        self.told_by = "host" if known & set(HOST) else "upstream" if self.has_upstream else "nothing"
        """What requests are told apart by."""
        self._has_time = bool(known & set(TIME))
        self._id = _id_of(layout, next((name for name in REQUEST_ID if name in known), ""))
        """The id in a line, by which two equal ones are one request, read twice; None without such."""
        self._time = _time_of(layout, next(iter(sources(TIME, known)), ""))
        self._cut = _objects(layout, wanted) if layout.keys else _matches(layout.text, layout.escape, wanted)

    @property
    def has_time(self) -> bool:
        """Whether any of the layouts tells when it was."""
        return self._has_time or any(other.has_time for other in self.others)

    def learn(self, other: Reader) -> None:
        """Read by the layouts of another too what cannot be read otherwise, `MOST_KINDS` of them at most."""
        for one in (other, *other.others):
            if len(self.others) < MOST_KINDS and not any(
                known.layout.reads_as(one.layout) for known in (self, *self.others)
            ):
                self.others = (*self.others, Reader(one.layout))

    def lines(self) -> tuple[Compiled, ...]:
        """Each line of an access, where the format has several."""
        return self._form.http.lines if self._form else ()

    def count(self, lines: Sequence[bytes], into: Counted, seen: Seen) -> list[bytes]:
        """Count what can be cut; the others, our own probes among them, are returned for `parse`."""
        found = list(self._cut.find(lines))
        rest: list[bytes] = []
        if None in found:
            rest = [line for line, one in zip(lines, found, strict=True) if one is None]
            lines = [line for line, one in zip(lines, found, strict=True) if one is not None]
            found = [one for one in found if one is not None]
        if self._id and not seen.fresh(lines):
            again: list[Any] = []
            once: list[Any] = []
            for line, one in zip(lines, found, strict=True):
                # The id is cut out of what comes again alone.
                (again if seen.again(line) and identifies(self._id(line)) else once).append(one)
            into.again.update(map(self._cut.raw, again))
            found = once
        into.raw.update(map(self._cut.raw, found))
        into.clients.update(map(self._cut.client, found))
        return rest

    def parse(self, line: bytes) -> Line | None:
        """One line with all care; None for what is no access or cannot be read."""
        found = self.alone(line)
        if self._sure(found):
            return found
        for other in self.others:
            better = other.parse(line)
            sure = other._sure(better)
            if better and (sure or found is None):
                found = better
                if other not in self.helped and not self.layout.same_format(other.layout):
                    self.helped.append(other)
            if sure:
                break
        return found

    def alone(self, line: bytes) -> Line | None:
        """One line by the first layout, without the others."""
        line = bare(line)
        found = line_of_object(self.layout, line) if self.layout.keys else None
        return self._form.parse(line) if found is None and self._form else found

    def fits(self, line: bytes) -> float:
        """1 for an access of one of the layouts, 0 for none; half, where keys were guessed, for one that
        names no client: objects of another kind have a status too."""
        found = self.parse(line)
        return 0.0 if found is None else 1.0 if found.client or not self.layout.guessed else 0.5

    def _sure(self, found: Line | None) -> bool:
        return found is not None and bool(found.client or not self.layout.guessed)

    def at(self, line: bytes) -> float | None:
        """The time of a line in seconds since the epoch; 0 for an access without one, None for no access."""
        with contextlib.suppress(ValueError):
            if at := instant(self._time(line)):
                return at
        found = self.parse(line)
        return None if found is None else found.at

    def text(self, value: bytes) -> str:
        """A value that was cut out, without its escapes."""
        return plain(value, "none" if self.layout.keys else self.layout.escape)

    def seconds(self, value: bytes) -> float | None:
        """A time that was cut out; None for what is none."""
        return duration(value, self.layout.per_second)


def _compiled(layout: Layout) -> LogFormat:
    return compile_format(layout.text, escape=layout.escape, per_second=layout.per_second)


def identifies(request_id: bytes | str) -> bool:
    """Whether it is an id: requests without one differ, however equal their lines."""
    return request_id not in (b"", b"-", "", "-")


def _id_of(layout: Layout, name: str) -> Callable[[bytes], bytes] | None:
    """How the id is cut out of a line that can be read; the whole line stands for what is surely one."""
    if not name:
        return None
    if layout.keys:
        return value_of_object(layout.keys[name])
    form = compile_text(layout.text, layout.escape, frozenset({name}))
    last = layout.text.endswith(f" ${name}")  # as in ingress-nginx's own: a look at the end is enough

    def of_text(line: bytes) -> bytes:
        line = line.rstrip(b"\r")
        if last and not line.endswith((b" -", b" ")):
            return line
        return found[name] if not form.hopeless(line) and (found := form.pattern.fullmatch(line)) else line

    return of_text


def _time_of(layout: Layout, name: str) -> Callable[[bytes], bytes]:
    """How the time is cut out of a line that is as usual; empty for what is none."""
    if not name:
        return lambda line: b""
    if layout.keys:
        return value_of_object(layout.keys[name])
    begun = _until(layout.text, frozenset({name, "status"}))
    form = compile_text(begun, layout.escape, frozenset({name}))
    match = form.pattern.match if begun != layout.text else form.pattern.fullmatch
    return lambda line: found[name] if not form.hopeless(line) and (found := match(line)) else b""


def _matches(text: str, escape: Escape, wanted: Wanted) -> _Cut:
    """For formats as text: matched up to the last variable that is wanted, often a third of the whole."""
    names = frozenset(name for role in (*wanted, AGENT) for name in role)
    begun = _until(text, names)
    # A value with a quote in it, as it came from the client, is for the careful look.
    form = compile_text(begun, "default" if escape == "none" else escape, names)
    found = form.pattern.pattern.replace(INSIDE["apache"], _NO_QUOTE_INSIDE)
    # Our own probes do not match. An empty group stands for what the format has not.
    own = b"(?!" + re.escape(_OWN) + b")(?:"
    if not text.startswith("$remote_addr"):  # which takes no such bytes
        found = b"(?!" + NO_TEXT + b")" + found
    pattern = re.compile(found.replace(b"(?P<http_user_agent>", own) + rb"(?P<none>)", re.DOTALL)
    match = pattern.match if begun != text else pattern.fullmatch
    groups = [[pattern.groupindex[name] for name in role or ("none",)] for role in wanted]
    *key, client = groups
    find: Callable[[Iterable[bytes]], Iterator[Any]] = partial(map, match)
    if form.open:
        find = lambda lines: (None if form.hopeless(line) else match(line) for line in lines)  # noqa: E731
    return _Cut(find, _tuple_of(key), _one_of(client))


def _one_of(groups: Sequence[int]) -> Callable[[Any], bytes]:
    """The first that says anything."""
    if len(groups) == 1:
        return itemgetter(*groups)
    return lambda found: first_said(found.group(*groups))


def _tuple_of(key: Sequence[Sequence[int]]) -> Callable[[Any], Raw]:
    if all(len(groups) == 1 for groups in key):
        return itemgetter(*(group for groups in key for group in groups))
    each = [_one_of(groups) for groups in key]
    return lambda found: tuple(one(found) for one in each)


def _until(text: str, names: frozenset[str]) -> str:
    """A format up to the variable after the last of these."""
    seen = list(_NAME.finditer(text))
    last = max((number for number, match in enumerate(seen) if match[1] in names), default=0)
    return text[: seen[last + 1].start()] if last + 1 < len(seen) else text


def _objects(layout: Layout, wanted: Wanted) -> _Cut:
    """For lines that are JSON objects."""
    find = finder(layout.keys, (*wanted, AGENT), own=_OWN, guessed=layout.guessed)
    return _Cut(find, itemgetter(0), itemgetter(1))
