"""The tables of the live view: both sides with small curves, and what DNS answers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from rich.text import Text

from blueshift.events import AnswersSeen, SideSeen
from blueshift.report.view import View
from blueshift.report.words import Marks, curve, latency, rate, share

_MOST_SERVERS = 5
_OWNERS = ("primary", "temporary", "other", "unknown")
_SHORTEST_CURVE, _LONGEST_CURVE = 6, 24
_SIDE, _READY, _FIGURE = 11, 6, 10
"""Columns: a side's name, its pods, a figure."""


class _Figure(NamedTuple):
    """One figure of each side over its latest looks."""

    head: str
    written: tuple[str, ...]
    """As it is now, side by side."""
    curves: tuple[tuple[float | None, ...], ...]
    most: float
    """What the top of the curves stands for: the same for both sides."""


def sides(view: View, width: int, marks: Marks) -> list[Text]:
    """Pods, requests, errors and latency of each, and how they went lately where there is room."""
    if not view.sides:
        return []
    looks = tuple(view.sides.values())
    figures = _figures(looks)
    wide = (width - 3 - _SIDE - _READY) // len(figures)
    room = min(_LONGEST_CURVE, wide - _FIGURE - 2) if marks.levels else 0
    if room < _SHORTEST_CURVE:
        room = 0
    cell = wide - room - 1 if room else max(_FIGURE - 2, min(wide, _FIGURE + 2))
    beside = " " * (room + 1) if room else ""
    head = f"   {'side':<{_SIDE}}{'ready':>{_READY}}"
    lines = [Text(head + "".join(f"{one.head[: cell - 1]:>{cell}}{beside}" for one in figures), "dim")]
    for place, (*_, now) in enumerate(looks):
        line = Text(f"   {now.side:<{_SIDE}}{f'{now.ready}/{now.wanted}':>{_READY}}")
        for one in figures:
            line.append(f"{one.written[place]:>{cell}}")
            if room:
                drawn = curve(one.curves[place][-room:], one.most, marks.levels)
                line.append(f" {drawn:<{room}}", "cyan")
        line.rstrip()
        lines.append(line)
    return lines


def _figures(looks: Sequence[Sequence[SideSeen]]) -> tuple[_Figure, ...]:
    def figure(
        head: str, written: Sequence[str], values: list[tuple[float | None, ...]], least: float
    ) -> _Figure:
        known = (one for one in chain(*values) if one is not None)
        return _Figure(head, tuple(written), tuple(values), max(least, max(known, default=0.0)))

    now = [side[-1] for side in looks]
    return (
        figure(
            "requests/s",
            [rate(one.requests_per_s) for one in now],
            [tuple(one.requests_per_s for one in side) for side in looks],
            1e-9,
        ),
        figure(
            "errors",
            [share(*_errors(one)) for one in now],
            [tuple(_share(one) for one in side) for side in looks],
            0.01,  # a share of a thousandth is no high column
        ),
        figure(
            "p95",
            [latency(one.p95_s) for one in now],
            [tuple(one.p95_s for one in side) for side in looks],
            1e-9,
        ),
    )


def _errors(seen: SideSeen) -> tuple[float | None, float | None]:
    """Errors and requests per second: by the metrics, or else by the access log."""
    if seen.requests_per_s is not None or not seen.statuses_per_s:
        return seen.errors_per_s, seen.requests_per_s
    broken = sum(seen.statuses_per_s.get(kind, 0.0) for kind in ("5xx", "none"))
    return broken, sum(seen.statuses_per_s.values())


def _share(seen: SideSeen) -> float | None:
    errors, requests = _errors(seen)
    return errors / requests if errors is not None and requests else None


def servers(view: View, width: int) -> tuple[list[Text], list[Text]]:
    """What authoritative servers answer, and what recursive resolvers do: one row for those that agree."""
    told = (
        ("DNS server", _rows(view.answers, "servers")),
        ("recursive", _rows(view.recursives, "resolvers")),
    )
    longest = max(len(name) for head, rows in told for name in (head, *(row[0] for row in rows)))
    # Wide where there is room, so that the tables stand in line; narrow before a figure is lost.
    first = max(longest, min(22, width - 51))
    authoritative, recursive = (_table(head, rows, first, width) for head, rows in told)
    return authoritative, recursive


def _rows(answers: dict[str, AnswersSeen], many: str) -> list[tuple[str, ...]]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for server, seen in answers.items():
        counts = tuple(map(str, (seen.primary, seen.temporary, seen.other, seen.unknown)))
        alike.setdefault(counts, []).append(server)
    return [
        (names[0] if len(names) == 1 else f"{'all ' if len(alike) == 1 else ''}{len(names)} {many}", *counts)
        for counts, names in alike.items()
    ]


def _table(head: str, rows: Sequence[Sequence[str]], first: int, width: int) -> list[Text]:
    if not rows:
        return []
    shown, left = rows[:_MOST_SERVERS], len(rows) - _MOST_SERVERS
    cell = min(12, max(8, (width - 3 - first) // len(_OWNERS)))
    lines = [
        Text(_row((head, *_OWNERS), first, cell), "dim"),
        *(Text(_row(row, first, cell)) for row in shown),
    ]
    return [*lines, Text(f"   and {left} more that differ", "dim")] if left > 0 else lines


def _row(cells: Sequence[str], first: int, cell: int) -> str:
    return f"   {cells[0]:<{first}}" + "".join(f"{text[: cell - 1]:>{cell}}" for text in cells[1:])
