"""Lines over time as the coordinates of a picture: what is drawn with them is the template's.

Pictures are drawn `WIDTH` by `HEIGHT` and stretched to the room that there is; what is written beside them is
no part of them, and keeps its size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple

WIDTH, HEIGHT = 1000.0, 100.0
_TICKS = 6
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two ticks of the time axis."""
_LONGEST = 60.0
"""Seconds between two looks at least, beyond which nobody looked in between."""

_DASH = 4.0
"""How wide a single look is drawn."""

Point = tuple[datetime, float | None]
"""None where it is not known: the line is broken there."""


class Tick(NamedTuple):
    """A place on the time axis, and what is written there."""

    at: float
    label: str

    @property
    def percent(self) -> float:
        """How far from the left it stands."""
        return round(100 * self.at / WIDTH, 2)


class Line(NamedTuple):
    """One line, in pieces where it is broken."""

    name: str
    look: str
    """Classes of the style sheet."""
    pieces: tuple[str, ...]
    """Each as an SVG polyline's `points`."""


class Level(NamedTuple):
    """A height of a picture between its top and its bottom, and what it stands for."""

    percent: float
    """How far from the top."""
    label: str


class Chart(NamedTuple):
    """A picture of lines over a common time."""

    title: str
    lines: tuple[Line, ...]
    highest: str
    """What the top of the picture stands for."""
    told: str = ""
    """What a reader has to know beside the title."""
    lowest: str = "0"
    """What its bottom stands for."""
    between: tuple[Level, ...] = ()


class Span(NamedTuple):
    """The time that all pictures of a report have in common."""

    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Its length; never 0."""
        return max(1.0, (self.end - self.begin).total_seconds())

    def x(self, at: datetime) -> float:
        """Where an instant stands; what is outside stands at the edge."""
        share = (at - self.begin).total_seconds() / self.seconds
        return round(min(1.0, max(0.0, share)) * WIDTH, 1)

    def ticks(self) -> tuple[Tick, ...]:
        """Round instants."""
        every = next((step for step in _STEPS if self.seconds / step <= _TICKS), _STEPS[-1])
        form = "%H:%M:%S" if every < 60 else "%H:%M" if self.seconds < 86_400 else "%m-%d %H:%M"
        first = math.ceil(self.begin.timestamp() / every) * every
        count = int((self.end.timestamp() - first) // every) + 1
        moments = [
            datetime.fromtimestamp(first, self.begin.tzinfo) + timedelta(seconds=every * number)
            for number in range(max(0, count))
        ]
        return tuple(Tick(self.x(moment), f"{moment:{form}}") for moment in moments)


def unwatched(instants: Sequence[datetime]) -> float:
    """Seconds between two of these looks from which on what was in between is not known."""
    apart = [(after - before).total_seconds() for before, after in pairwise(instants)]
    return max(_LONGEST, 4 * median(apart)) if apart else _LONGEST


Drawn = tuple[str, str, Sequence[Point]]
"""A line's name, its classes, its points."""


def chart(title: str, span: Span, lines: Sequence[Drawn], unit: str = "", told: str = "") -> Chart:
    """Scale lines to their highest value, in `unit`."""
    values = [value for _, _, points in lines for _, value in points if value is not None]
    top = _round_up(max(values, default=0.0))
    drawn = tuple(Line(name, look, tuple(_pieces(points, span, top))) for name, look, points in lines)
    return Chart(title, drawn, f"{top:g}{unit}", told, between=(Level(50, f"{top / 2:g}{unit}"),))


def by_decades(
    title: str, span: Span, lines: Sequence[Drawn], label: Callable[[float], str], told: str
) -> Chart:
    """The same on a logarithmic scale, of what differs by powers of ten; nothing is drawn for 0 and below."""
    values = [value for _, _, points in lines for _, value in points if value is not None and value > 0]
    low = 10.0 ** math.floor(math.log10(min(values, default=1.0)))
    high = max(10 * low, 10.0 ** math.ceil(math.log10(max(values, default=1.0)) - 1e-9))
    decades = math.log10(high / low)

    def share(points: Sequence[Point]) -> list[Point]:
        return [
            (at, math.log10(value / low) / decades if value and value > 0 else None) for at, value in points
        ]

    drawn = tuple(Line(name, look, tuple(_pieces(share(points), span, 1.0))) for name, look, points in lines)
    between = tuple(
        Level(round(100 * (1 - number / decades), 2), label(low * 10**number))
        for number in range(1, round(decades))
    )
    return Chart(title, drawn, label(high), told, label(low), between)


def _pieces(points: Sequence[Point], span: Span, top: float) -> Iterable[str]:
    longest = unwatched([at for at, _ in points])
    piece: list[tuple[float, float]] = []
    before: datetime | None = None
    for at, value in points:
        if piece and (value is None or (before and (at - before).total_seconds() > longest)):
            yield _drawn(piece)
            piece = []
        before = at
        if value is not None:
            piece.append((span.x(at), round(HEIGHT * (1 - value / top), 1)))
    if piece:
        yield _drawn(piece)


def _drawn(piece: Sequence[tuple[float, float]]) -> str:
    """A single look is a dash, since a line of one point is not seen."""
    if len(piece) == 1:
        ((x, y),) = piece
        left = min(x, WIDTH - _DASH)
        piece = [(left, y), (left + _DASH, y)]
    return " ".join(f"{x:g},{y:g}" for x, y in piece)


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if value <= factor * power * (1 + 1e-9))
