"""What was seen of both sides, of DNS, of drains and by the witnesses, summed up for tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from statistics import fmean, median
from typing import NamedTuple

from blueshift.engine.evidence import AnswerPoint, DrainPoint, Evidence, SidePoint, Watched, mean_statuses
from blueshift.report.words import flat, instant, like, listed

_MOST_GAPS = 12
_MOST_STRETCHES = 8
"""Of a side's drain, at its beginning and at its end."""
_ORDER = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")


class SideSum(NamedTuple):
    """One side over the whole run. Rates are per second; None where nothing tells them."""

    side: str
    requests: float | None
    """The mean."""
    most_requests: float | None
    most_errors: float | None
    p50_s: float | None
    """The median of all looks, in seconds."""
    p95_s: float | None
    most_p95_s: float | None
    statuses: dict[str, float]
    """Class → the mean rate over the looks at which the log told any."""
    missed: int
    """Looks without a rate."""


class ServerSum(NamedTuple):
    """What one name server, or recursive resolver, answered."""

    server: str
    recursive: bool
    moved: datetime | None
    """The first look at which it answered every name with the temporary; None where there was none."""
    back: datetime | None
    """The first one after that at which it answered none so."""
    last: AnswerPoint


class DrainSum(NamedTuple):
    """A stretch of looks at a side to be drained, as long as the reason was the same but for its figures."""

    side: str
    since: datetime
    until: datetime
    first: DrainPoint
    last: DrainPoint


class Rest(NamedTuple):
    """Who was left at a side at the last look that named anybody."""

    side: str
    at: datetime
    items: tuple[str, ...]


class WatchSum(NamedTuple):
    """One witness of one side."""

    side: str
    witness: str
    pods: tuple[tuple[str, tuple[Watched, ...]], ...]
    """Name of each pod, with what each process of the run watched of it."""
    gaps: tuple[tuple[str, datetime, datetime | None], ...]
    """Pod, from when, until when; the last of a pod may be open."""
    missed: timedelta
    """All gaps of all pods together; an open one lasts to the latest look of any witness."""
    blind: dict[str, tuple[str, ...]]
    """Why it does not show every request → at which pods."""

    def missing(self) -> Iterator[str]:
        """The first gaps, each in a sentence."""
        for pod, begin, end in self.gaps[:_MOST_GAPS]:
            yield f"missed of {pod} from {instant(begin)} to {instant(end) if end else 'the end'}"
        if len(self.gaps) > _MOST_GAPS:
            yield f"missed {len(self.gaps) - _MOST_GAPS} more times: -o json has all"

    def blindness(self) -> Iterator[str]:
        """Each reason in a sentence, with its pods."""
        for reason, pods in [*self.blind.items()][:_MOST_GAPS]:
            more = f" and {len(pods) - 3} more" if len(pods) > 3 else ""
            where = "every pod" if len(pods) == len(self.pods) else ", ".join(pods[:3]) + more
            yield f"blind at {where}: {reason}"
        if len(self.blind) > _MOST_GAPS:
            yield f"blind for {len(self.blind) - _MOST_GAPS} more reasons: -o json has all"


def kinds(evidence: Evidence) -> tuple[str, ...]:
    """Classes of status that came, in order."""
    found = {kind for points in evidence.sides.values() for one in points for kind in one.statuses_per_s}
    return tuple(sorted(found, key=lambda kind: (_ORDER.index(kind) if kind in _ORDER else -1, kind)))


def sides(evidence: Evidence) -> tuple[SideSum, ...]:
    """The primary first."""
    return tuple(_side(side, points) for side, points in sorted(evidence.sides.items()))


def _side(side: str, points: Sequence[SidePoint]) -> SideSum:
    requests = [one.requests_per_s for one in points if one.requests_per_s is not None]
    errors = [one.errors_per_s for one in points if one.errors_per_s is not None]
    p50 = [one.p50_s for one in points if one.p50_s is not None]
    p95 = [one.p95_s for one in points if one.p95_s is not None]
    return SideSum(
        side=side,
        requests=fmean(requests) if requests else None,
        most_requests=max(requests, default=None),
        most_errors=max(errors, default=None),
        p50_s=median(p50) if p50 else None,
        p95_s=median(p95) if p95 else None,
        most_p95_s=max(p95, default=None),
        statuses=mean_statuses(points),
        missed=sum(one.missed for one in points),
    )


def servers(evidence: Evidence) -> tuple[ServerSum, ...]:
    """The authoritative ones, then the recursive ones."""
    return tuple(
        _server(server, points, recursive)
        for recursive, lines in ((False, evidence.answers), (True, evidence.recursives))
        for server, points in sorted(lines.items())
        if points
    )


def _server(server: str, points: Sequence[AnswerPoint], recursive: bool) -> ServerSum:
    moved = next(
        (one for one in points if one.temporary and not (one.primary or one.other or one.unknown)), None
    )
    after = [one for one in points if moved and one.at > moved.at]
    back = next((one for one in after if not one.temporary and not one.unknown), None)
    return ServerSum(server, recursive, moved.at if moved else None, back.at if back else None, points[-1])


def drains(evidence: Evidence) -> tuple[DrainSum, ...]:
    """In the order of time; of many stretches of a side the first and the last ones."""
    found: list[DrainSum] = []
    for side, points in evidence.drains.items():
        stretches = list(_stretches(side, points))
        found += stretches[:_MOST_STRETCHES]
        found += stretches[max(_MOST_STRETCHES, len(stretches) - _MOST_STRETCHES) :]
    return tuple(sorted(found, key=lambda one: (one.since, one.side)))


def undrawn(evidence: Evidence) -> int:
    """Stretches that `drains` leaves out."""
    counts = (sum(1 for _ in _stretches(side, points)) for side, points in evidence.drains.items())
    return sum(max(0, count - 2 * _MOST_STRETCHES) for count in counts)


def rests(evidence: Evidence) -> tuple[Rest, ...]:
    """Of each side that was drained, in the order of time."""
    found = []
    for side, points in evidence.drains.items():
        named = ((one, items) for one in reversed(points) if (items := listed(one.reason)[1]))
        if last := next(named, None):
            found.append(Rest(side, last[0].at, last[1]))
    return tuple(sorted(found, key=lambda one: one.at))


def _stretches(side: str, points: Sequence[DrainPoint]) -> Iterator[DrainSum]:
    for _, group in groupby(points, lambda one: like(one.reason)):
        looks = list(group)
        yield DrainSum(side, looks[0].at, looks[-1].at, looks[0], looks[-1])


def witnesses(evidence: Evidence) -> tuple[WatchSum, ...]:
    """By side, the primary first, and by name."""
    ordered = sorted(evidence.watched, key=lambda one: (one.side, one.witness, one.since, one.pod))
    last = max((one.until for one in ordered), default=None)
    return tuple(
        _witness(side, witness, list(group), last)
        for (side, witness), group in groupby(ordered, lambda one: (one.side, one.witness))
    )


def _witness(side: str, witness: str, watched: Sequence[Watched], last: datetime | None) -> WatchSum:
    pods: dict[str, list[Watched]] = {}
    blind: dict[str, list[str]] = {}
    for one in watched:
        pods.setdefault(one.pod, []).append(one)
        if one.blind and one.pod not in blind.setdefault(flat(one.blind), []):
            blind[flat(one.blind)].append(one.pod)
    missed = sum(
        ((end or last or one.until) - begin for one in watched for begin, end in one.gaps), start=timedelta()
    )
    return WatchSum(
        side=side,
        witness=witness,
        pods=tuple((pod, tuple(seen)) for pod, seen in pods.items()),
        gaps=tuple((one.pod, begin, end) for one in watched for begin, end in one.gaps),
        missed=missed,
        blind={reason: tuple(names) for reason, names in blind.items()},
    )
