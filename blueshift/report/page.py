"""The report of a run as one file for a browser: no script, and nothing that is fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib import resources
from typing import NamedTuple

import jinja2

from blueshift.app.report import Report
from blueshift.engine.evidence import AnswerPoint
from blueshift.report import story
from blueshift.report.charts import HEIGHT, WIDTH, Chart, Point, Span, chart
from blueshift.report.words import flat, instant


class Bar(NamedTuple):
    """One step in the timeline."""

    label: str
    x: float
    width: float
    color: int
    told: str


def page(report: Report) -> str:
    """HTML."""
    template = resources.files("blueshift.report").joinpath("page.html.j2").read_text()
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    span = _span(report)
    rows = story.steps(report.journal)
    return environment.from_string(template).render(
        journal=report.journal,
        made=report.made,
        version=report.version,
        asked=report.asked,
        facts=tuple(story.facts(report.journal)),
        verdict=story.verdict(report.journal),
        steps=rows,
        never=story.never(report.journal),
        unknown=tuple(story.unknown(report)),
        bars=tuple(_bars(rows, span)),
        charts=tuple(_charts(report, span)),
        ticks=span.ticks(),
        width=WIDTH,
        height=HEIGHT,
        instant=instant,
        flat=flat,
    )


def _span(report: Report) -> Span:
    journal = report.journal
    instants: list[datetime] = [journal.created]
    for entry in journal.steps.values():
        instants += [at for at in (entry.started, entry.settled) if at]
    if report.evidence:
        instants += [point.at for points in report.evidence.sides.values() for point in points]
        instants += [point.at for points in report.evidence.answers.values() for point in points]
    return Span(min(instants), max(instants))


def _bars(rows: tuple[story.StepRow, ...], span: Span) -> Iterator[Bar]:
    for row in rows:
        begin, end = span.x(row.began), span.x(row.ended or span.end)
        took = f"{row.name}: {row.took or 'not settled'}"
        yield Bar(row.name.partition("/")[2] or row.name, begin, max(2.0, end - begin), _color(row), took)


def _color(row: story.StepRow) -> int:
    return 1 if row.stood else 3 if row.name.startswith("back") else 0


def _charts(report: Report, span: Span) -> Iterator[Chart]:
    seen = report.evidence
    if seen is None:
        return
    for title, name in (("Requests per second", "requests_per_s"), ("Errors per second", "errors_per_s")):
        lines: list[tuple[str, list[Point]]] = [
            (side, [(one.at, getattr(one, name)) for one in points])
            for side, points in sorted(seen.sides.items())
        ]
        yield chart(title, span, lines)
    ready: list[tuple[str, list[Point]]] = [
        (side, [(one.at, float(one.ready)) for one in points]) for side, points in sorted(seen.sides.items())
    ]
    yield chart("Ready pods", span, ready)
    answers = [(server, list(map(_moved, points))) for server, points in sorted(seen.answers.items())]
    yield chart("Names that each name server answers with the temporary", span, answers, " %")


def _moved(point: AnswerPoint) -> Point:
    known = point.primary + point.temporary + point.other
    return point.at, 100 * point.temporary / known if known else None
