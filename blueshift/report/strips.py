"""Strips over time: how often each status was answered, whose addresses DNS tells, what a witness watched.

As in `charts`, coordinates alone: a strip is `WIDTH` wide and `HEIGHT` high, and stretched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import NamedTuple

from blueshift.engine.evidence import AnswerPoint, SidePoint, Watched
from blueshift.report.charts import HEIGHT, WIDTH, Span, unwatched

BINS = 250
"""Columns of a strip of statuses."""
LEVELS = ("under 0.1", "0.1 to 1", "1 to 10", "10 to 100", "100 and more")
"""Requests per second, from the palest to the darkest."""
UNKNOWN = "unknown"
_KINDS = ("temporary", "primary", "other", UNKNOWN)
"""Of answers, from the bottom of a strip to its top."""


class Fill(NamedTuple):
    """Areas of one look."""

    look: str
    """Classes of the style sheet."""
    path: str
    """An SVG path's `d`."""


class Strip(NamedTuple):
    """One row."""

    label: str
    fills: tuple[Fill, ...]


def statuses(points: Sequence[SidePoint], kinds: Sequence[str], side: str, span: Span) -> tuple[Strip, ...]:
    """A strip for each class of status: the darker, the more of it at the busiest look of each column."""
    columns: list[dict[str, float] | None] = [None] * BINS
    for begin, point in _since(points):
        if not point.statuses_per_s:
            continue
        first, last = (_column(span.x(at)) for at in (begin, point.at))
        for number in range(first, last + 1):
            column = columns[number] = columns[number] or {}
            for kind, rate in point.statuses_per_s.items():
                column[kind] = max(rate, column.get(kind, 0.0))
    watched = [_column(span.x(point.at)) for point in points]
    silent = [
        UNKNOWN if column is None and watched and watched[0] <= number <= watched[-1] else ""
        for number, column in enumerate(columns)
    ]
    return tuple(
        Strip(
            "no answer" if kind == "none" else kind,
            (
                *_filled(silent),
                *_filled([_level((column or {}).get(kind, 0.0), _look(kind, side)) for column in columns]),
            ),
        )
        for kind in kinds
    )


def _since(points: Sequence[SidePoint]) -> Iterator[tuple[datetime, SidePoint]]:
    """Each look, and from when on it tells: from the one before, if that was not too long ago."""
    longest = unwatched([one.at for one in points])
    before: datetime | None = None
    for one in points:
        known = before is not None and (one.at - before).total_seconds() <= longest
        yield before if before and known else one.at, one
        before = one.at


def _column(x: float) -> int:
    return min(BINS - 1, int(x / WIDTH * BINS))


def _look(kind: str, side: str) -> str:
    return "bad" if kind in ("5xx", "none") else "odd" if kind == "4xx" else side


def _level(rate: float, look: str) -> str:
    if rate <= 0:
        return ""
    return f"{look} l{min(len(LEVELS), max(1, math.floor(math.log10(rate)) + 3))}"


def _filled(columns: Sequence[str]) -> Iterator[Fill]:
    """Neighbours of one look as one area."""
    found: dict[str, list[str]] = {}
    wide, begin = WIDTH / BINS, 0
    for look, same in groupby(columns):
        count = len(list(same))
        if look:
            found.setdefault(look, []).append(_area(begin * wide, (begin + count) * wide))
        begin += count
    for look, areas in found.items():
        yield Fill(look, "".join(areas))


def _area(left: float, right: float, top: float = 0.0, bottom: float = HEIGHT) -> str:
    """A rectangle of at least one unit's width: a moment is seen too."""
    width = max(1.0, right - left)
    left = min(left, WIDTH - width)
    return f"M{left:g} {round(top, 1):g}h{round(width, 1):g}V{round(bottom, 1):g}H{left:g}z"


def answers(label: str, points: Sequence[AnswerPoint], span: Span) -> Strip:
    """The shares of names that a server answers with each side, from look to look.

    Of equal looks the first and the last are kept: time between two equal ones is known, however long.
    """
    longest = unwatched([])
    found: dict[str, list[str]] = {}
    for one, after in pairwise([*points, *points[-1:]]):
        left, right = span.x(one.at), span.x(after.at)
        equal = [getattr(one, kind) for kind in _KINDS] == [getattr(after, kind) for kind in _KINDS]
        if not equal and (after.at - one.at).total_seconds() > longest:
            found.setdefault(UNKNOWN, []).append(_area(left, right))
            continue
        total, bottom = sum(getattr(one, kind) for kind in _KINDS), HEIGHT
        for kind in _KINDS:
            if total and (count := getattr(one, kind)):
                top = bottom - HEIGHT * count / total
                found.setdefault(kind, []).append(_area(left, right, top, bottom))
                bottom = top
    return Strip(label, tuple(Fill(kind, "".join(areas)) for kind, areas in found.items()))


def coverage(label: str, watched: Iterable[Watched], span: Span) -> Strip:
    """When one witness watched one pod, and what it missed in between."""
    found: dict[str, list[str]] = {}
    missed: list[str] = []
    for one in watched:
        look = f"{one.side} {'l2' if one.blind else 'l5'}"
        found.setdefault(look, []).append(_area(span.x(one.since), span.x(one.until)))
        # What was never followed again was watched only up to there, and is missed from there on.
        missed += [_area(span.x(begin), span.x(end or span.end)) for begin, end in one.gaps]
    if missed:  # over the others
        found["gap"] = missed
    return Strip(label, tuple(Fill(look, "".join(areas)) for look, areas in found.items()))


class Mark(NamedTuple):
    """Moments that are as good as one in a picture."""

    percent: float
    """How far from the left."""
    told: str


def marks(moments: Iterable[tuple[datetime, str]], span: Span) -> tuple[Mark, ...]:
    """One mark for moments at the same place of a picture, with what is told of each."""
    at: dict[float, list[str]] = {}
    for moment, told in moments:
        at.setdefault(round(span.x(moment)), []).append(told)
    return tuple(Mark(round(100 * x / WIDTH, 2), "\n".join(told)) for x, told in sorted(at.items()))
