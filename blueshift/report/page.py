"""The report of a run as one file for a browser: no script, and nothing that is fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib import resources
from itertools import groupby
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from blueshift.app.report import Report
from blueshift.report import story, sums, words
from blueshift.report.charts import HEIGHT, WIDTH, Span
from blueshift.report.pictures import Pictures, pictures
from blueshift.report.strips import Mark, marks

_FILES = ("page.html.j2", "figures.html.j2", "page.css")
_MOST_NUMBERS = 30
"""Of a verdict."""
_BESIDE = timedelta(minutes=10)
_TRACK = re.compile(r"^(?:forward|back|panic)[^/]*/")


class Bar(NamedTuple):
    """One step in the timeline."""

    label: str
    took: str
    left: float
    """Percent of the width, as its width."""
    width: float
    look: str
    stood: tuple[Mark, ...]


def page(report: Report) -> str:
    """HTML."""
    span = _span(report)
    rows = story.steps(report.journal)
    drawn = pictures(report.evidence, span) if report.evidence else Pictures()
    verdict = story.verdict(report.journal)
    return _template().render(
        journal=report.journal,
        made=report.made,
        version=report.version,
        asked=report.asked,
        worst_hosts=story.worst_hosts(report.asked) if report.asked else "",
        facts=tuple(story.facts(report.journal)),
        verdict=verdict,
        meaning=story.MEANING,
        numbers=tuple(verdict.numbers.items())[:_MOST_NUMBERS] if verdict else (),
        steps=rows,
        ways=story.ways(report.journal),
        never=story.never(report.journal),
        unknown=tuple(story.unknown(report)),
        bars=tuple(_bars(report, rows, span)),
        failed=_failed(report, span),
        drawn=drawn,
        sides=sums.sides(report.evidence) if report.evidence else (),
        servers=sums.servers(report.evidence) if report.evidence else (),
        drains=sums.drains(report.evidence) if report.evidence else (),
        undrawn=sums.undrawn(report.evidence) if report.evidence else 0,
        rests=sums.rests(report.evidence) if report.evidence else (),
        ticks=span.ticks(),
        width=WIDTH,
        height=HEIGHT,
        words=words,
        cut=words.cut,
    )


def _template() -> jinja2.Template:
    folder = resources.files("blueshift.report")
    sources = {name: folder.joinpath(name).read_text() for name in _FILES}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(sources),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    return environment.get_template("page.html.j2")


def _shown(value: object) -> object:
    """What is written into the page: strangers' text neither hides nor turns what stands beside it."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(words.escaped(line) for line in value.split("\n"))


def _span(report: Report) -> Span:
    journal, seen = report.journal, report.evidence
    instants: list[datetime] = [journal.created, *(one.since for one in journal.stood)]
    for entry in journal.steps.values():
        instants += [at for at in (entry.started, entry.settled) if at]
    if seen:
        for lines in (seen.sides, seen.answers, seen.recursives, seen.drains):
            instants += [point.at for points in lines.values() for point in points]
    begin, end = min(instants), max(instants)
    # A prober may run for days: what failed long before or after stands at the edge.
    beside = max(_BESIDE, (end - begin) / 10)
    near = [
        one.at
        for one in (report.asked.failing if report.asked else ())
        if begin - beside <= one.at <= end + beside
    ]
    return Span(min([begin, *near]), max([end, *near]))


def _bars(report: Report, rows: tuple[story.StepRow, ...], span: Span) -> Iterator[Bar]:
    for row in rows:
        begin, end = (100 * span.x(at) / WIDTH for at in (row.began, row.ended or span.end))
        look = "stood" if row.stood else "back" if row.name.startswith(("back", "panic")) else "step"
        stood = [
            (one.since, f"{words.instant(one.since)}: {words.flat(one.reason)}")
            for one in report.journal.stood
            if one.step == row.name
        ]
        yield Bar(
            _TRACK.sub("", row.name),
            row.took or "not settled",
            round(begin, 2),
            round(max(0.2, end - begin), 2),
            look,
            marks(stood, span),
        )


def _failed(report: Report, span: Span) -> tuple[Mark, ...]:
    """Where requests of the prober failed: one mark for all at the same place, with their number."""
    failing = report.asked.failing if report.asked else ()
    found = []
    for _, same in groupby(failing, lambda one: round(span.x(one.at))):
        first, *rest = same
        until = f" to {words.instant(rest[-1].at)}" if rest else ""
        count = first.failed + sum(one.failed for one in rest)
        found.append((first.at, f"{words.instant(first.at)}{until}: {count} failed"))
    return marks(found, span)
