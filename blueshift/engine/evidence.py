"""What was seen of both sides and of DNS while a run went on; `recorder` keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import groupby
from typing import TypeVar

import msgspec

from blueshift import events

MOST = 1200
"""Points of one line; then neighbours become one, over the whole line alike. Packed, one has a few bytes."""


class SidePoint(msgspec.Struct, frozen=True, array_like=True):
    """Looks at a side; see `events.SideSeen`. One at first, more of them where space became scarce."""

    at: datetime
    """Of the latest of them."""
    ready: int
    """The fewest."""
    wanted: int
    requests_per_s: float | None
    """The mean of those that are known."""
    errors_per_s: float | None
    """The most."""
    missed: int = 0
    """Looks without a rate."""
    statuses_per_s: dict[str, float] = {}
    """The mean of those that have any."""
    p50_s: float | None = None
    """The most, here and below."""
    p95_s: float | None = None


class DrainPoint(msgspec.Struct, frozen=True, array_like=True):
    """Who still came to a side; see `events.DrainSeen`. Of more than one look, the latest."""

    at: datetime
    clients: int
    requests: int
    connections: int | None
    reason: str


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """How far one witness has watched one pod; see `events.WitnessSeen`."""

    side: str
    witness: str
    pod: str
    since: datetime
    until: datetime
    gaps: tuple[tuple[datetime, datetime | None], ...] = ()
    blind: str = ""


class AnswerPoint(msgspec.Struct, frozen=True, array_like=True):
    """How many names one server answered with which side; see `events.AnswersSeen`."""

    at: datetime
    primary: int
    temporary: int
    other: int
    unknown: int


class Evidence(msgspec.Struct):
    """By side and by name server, each in the order of time."""

    schema: int = 1
    sides: dict[str, list[SidePoint]] = {}
    answers: dict[str, list[AnswerPoint]] = {}
    drains: dict[str, list[DrainPoint]] = {}
    watched: list[Watched] = []
    recursives: dict[str, list[AnswerPoint]] = {}
    """As `answers`, of recursive resolvers."""

    def add(self, event: events.Event) -> bool:
        """Take what an event shows; false for one that shows nothing of this."""
        match event:
            case events.SideSeen():
                line = self.sides.setdefault(event.side, [])
                rates = (event.requests_per_s, event.errors_per_s)
                line.append(
                    SidePoint(
                        event.at,
                        event.ready,
                        event.wanted,
                        *rates,
                        int(rates[0] is None),
                        event.statuses_per_s,
                        event.p50_s,
                        event.p95_s,
                    )
                )
                self.sides[event.side] = _thinned(line, _together)
            case events.AnswersSeen():
                lines = self.recursives if event.recursive else self.answers
                found = lines.setdefault(event.server, [])
                found.append(
                    AnswerPoint(event.at, event.primary, event.temporary, event.other, event.unknown)
                )
                # Of equal answers the first and the last tell all.
                if len(found) > 2 and _same(found[-3], found[-1]) and _same(found[-2], found[-1]):
                    del found[-2]
                lines[event.server] = _thinned(found, _latest)
            case events.DrainSeen():
                left = self.drains.setdefault(event.side, [])
                left.append(
                    DrainPoint(event.at, event.clients, event.requests, event.connections, event.reason)
                )
                self.drains[event.side] = _thinned(left, _latest)
            case events.WitnessSeen():
                self._watch(msgspec.convert(event, Watched, from_attributes=True))
            case _:
                return False
        return True

    def _watch(self, seen: Watched) -> None:
        """Take the newest word on one pod; what an earlier process watched of it stays beside."""
        same = [
            number
            for number, one in enumerate(self.watched)
            if (one.side, one.witness, one.pod, one.since) == (seen.side, seen.witness, seen.pod, seen.since)
        ]
        if same:
            self.watched[same[0]] = seen
        else:
            self.watched.append(seen)


def _same(one: AnswerPoint, other: AnswerPoint) -> bool:
    return msgspec.structs.replace(one, at=other.at) == other


Point = TypeVar("Point", SidePoint, AnswerPoint, DrainPoint)


def _thinned(line: list[Point], merge: Callable[[list[Point]], Point]) -> list[Point]:
    """Half as many points, each for as long a time as any other, whatever had become one before."""
    if len(line) <= MOST:
        return line
    begin = line[0].at
    width = max(1.0, (line[-1].at - begin).total_seconds()) / (MOST // 2)
    groups = groupby(line, lambda point: (point.at - begin).total_seconds() // width)
    return [merge(list(points)) for _, points in groups]


def _together(points: list[SidePoint]) -> SidePoint:
    rates = [one.requests_per_s for one in points if one.requests_per_s is not None]
    errors = [one.errors_per_s for one in points if one.errors_per_s is not None]
    return SidePoint(
        at=points[-1].at,
        ready=min(one.ready for one in points),
        wanted=points[-1].wanted,
        requests_per_s=sum(rates) / len(rates) if rates else None,
        errors_per_s=max(errors) if errors else None,
        missed=sum(one.missed for one in points),
        statuses_per_s=mean_statuses(points),
        p50_s=_most(one.p50_s for one in points),
        p95_s=_most(one.p95_s for one in points),
    )


def mean_statuses(points: Iterable[SidePoint]) -> dict[str, float]:
    """Class of status → its mean rate over the looks at which the log told any."""
    rates = [one.statuses_per_s for one in points if one.statuses_per_s]
    kinds = {kind for one in rates for kind in one}
    return {kind: sum(one.get(kind, 0.0) for one in rates) / len(rates) for kind in sorted(kinds)}


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _latest(points: list[Point]) -> Point:
    return points[-1]


def joined(before: Evidence, after: Evidence) -> Evidence:
    """What two processes of a run saw, one after the other."""
    both = Evidence()
    for name in before.sides | after.sides:
        points = [*before.sides.get(name, []), *after.sides.get(name, [])]
        both.sides[name] = _thinned(points, _together)
    for kind in ("answers", "recursives", "drains"):
        earlier, later = getattr(before, kind), getattr(after, kind)
        for name in earlier | later:
            found = [*earlier.get(name, []), *later.get(name, [])]
            getattr(both, kind)[name] = _thinned(found, _latest)
    both.watched = [*before.watched, *after.watched]
    return both
