"""Lines over time as the coordinates of a picture: what is drawn with them is the template's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

WIDTH, HEIGHT = 860.0, 150.0
"""Of the area in which lines run, in the picture's own units."""
_TICKS = 6
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds between two ticks of the time axis."""

Point = tuple[datetime, float | None]
"""None where it is not known: the line is broken there."""


class Tick(NamedTuple):
    """A place on an axis, and what is written there."""

    at: float
    label: str


class Line(NamedTuple):
    """One line, in pieces where it is broken."""

    name: str
    pieces: tuple[str, ...]
    """Each as an SVG polyline's `points`."""


class Chart(NamedTuple):
    """A picture of lines over a common time."""

    title: str
    lines: tuple[Line, ...]
    highest: str
    """What the top of the picture stands for."""


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


def chart(title: str, span: Span, lines: Sequence[tuple[str, Sequence[Point]]], unit: str = "") -> Chart:
    """Scale lines to their highest value, in `unit`."""
    values = [value for _, points in lines for _, value in points if value is not None]
    top = _round_up(max(values, default=0.0))
    drawn = tuple(Line(name, tuple(_pieces(points, span, top))) for name, points in lines)
    return Chart(title, drawn, f"{top:g}{unit}")


def _pieces(points: Iterable[Point], span: Span, top: float) -> Iterable[str]:
    piece: list[str] = []
    for at, value in points:
        if value is None:
            if piece:
                yield " ".join(piece)
            piece = []
        else:
            piece.append(f"{span.x(at):g},{round(HEIGHT * (1 - value / top), 1):g}")
    if piece:
        yield " ".join(piece)


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if value <= factor * power * (1 + 1e-9))
