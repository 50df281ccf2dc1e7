"""Which pictures a report has of what was seen: one for each question that readers ask of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from blueshift.engine.evidence import DrainPoint, Evidence, SidePoint
from blueshift.report import sums
from blueshift.report.charts import Chart, Drawn, Span, by_decades, chart
from blueshift.report.strips import Strip, answers, coverage, statuses


class Group(NamedTuple):
    """Strips that belong together, and what is said below them."""

    title: str
    strips: tuple[Strip, ...]
    told: tuple[str, ...] = ()


class Pictures(NamedTuple):
    """Empty where nothing was seen."""

    rates: tuple[Chart, ...] = ()
    statuses: tuple[Group, ...] = ()
    latency: tuple[Chart, ...] = ()
    answers: tuple[Group, ...] = ()
    drains: tuple[Chart, ...] = ()
    watched: tuple[Group, ...] = ()


def pictures(seen: Evidence, span: Span) -> Pictures:
    """All of them over one time."""
    return Pictures(
        rates=tuple(_rates(seen, span)),
        statuses=tuple(_statuses(seen, span)),
        latency=tuple(_latency(seen, span)),
        answers=tuple(_answers(seen, span)),
        drains=tuple(_drains(seen, span)),
        watched=tuple(_watched(seen, span)),
    )


def _rates(seen: Evidence, span: Span) -> Iterator[Chart]:
    def of(figure: Callable[[SidePoint], float | None]) -> list[Drawn]:
        return [
            (side, side, [(one.at, figure(one)) for one in points])
            for side, points in sorted(seen.sides.items())
        ]

    if seen.sides:
        yield chart("Requests per second", span, of(lambda one: one.requests_per_s))
        yield chart("Errors per second", span, of(lambda one: one.errors_per_s))
        yield chart("Ready pods", span, of(lambda one: float(one.ready)))


def _statuses(seen: Evidence, span: Span) -> Iterator[Group]:
    if kinds := sums.kinds(seen):
        for side, points in sorted(seen.sides.items()):
            yield Group(side, statuses(points, kinds, side, span))


def _latency(seen: Evidence, span: Span) -> Iterator[Chart]:
    lines: list[Drawn] = []
    for side, points in sorted(seen.sides.items()):
        for name in ("p95", "p50"):
            line = [(one.at, getattr(one, f"{name}_s")) for one in points]
            if any(value is not None for _, value in line):
                lines.append((f"{side} {name}", f"{side} {name}", line))
    if lines:
        told = "by the access logs; the scale goes by powers of ten: a long poll takes its minute"
        yield by_decades("Latency of answers", span, lines, _seconds, told)


def _seconds(value: float) -> str:
    return f"{value:g} s" if value >= 1 else f"{1000 * value:g} ms"


def _answers(seen: Evidence, span: Span) -> Iterator[Group]:
    for title, lines in (
        ("authoritative", seen.answers),
        ("recursive: from their caches too; nothing waits for them", seen.recursives),
    ):
        if lines:
            strips = tuple(answers(server, points, span) for server, points in sorted(lines.items()))
            yield Group(title, strips)


def _drains(seen: Evidence, span: Span) -> Iterator[Chart]:
    def of(figure: Callable[[DrainPoint], int | None]) -> list[Drawn]:
        lines: list[Drawn] = []
        for side, points in sorted(seen.drains.items()):
            counts: list[tuple[datetime, float | None]] = [
                (one.at, None if (count := figure(one)) is None else float(count)) for one in points
            ]
            if any(count is not None for _, count in counts):
                lines.append((side, side, counts))
        return lines

    figures: tuple[tuple[str, Callable[[DrainPoint], int | None]], ...] = (
        ("Clients that still came", lambda one: one.clients),
        ("Their requests", lambda one: one.requests),
        ("Open connections", lambda one: one.connections),
    )
    for title, figure in figures:
        if lines := of(figure):
            yield chart(title, span, lines, told="" if title == "Open connections" else "within the window")


def _watched(seen: Evidence, span: Span) -> Iterator[Group]:
    for one in sums.witnesses(seen):
        strips = tuple(coverage(pod, watched, span) for pod, watched in one.pods)
        yield Group(f"{one.side}, {one.witness}", strips, (*one.blindness(), *one.missing()))
