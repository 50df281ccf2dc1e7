"""The report of a run as Markdown, for a ticket: what the page shows as pictures stands in tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from blueshift.app.report import Probed, Report
from blueshift.engine.evidence import Evidence
from blueshift.report import story, sums
from blueshift.report.words import after, cut, flat, instant, latency, length, rate

# GitHub takes 65,536 characters for a comment.
_MOST_FAILURES = 100
_LONGEST = 300


def markdown(report: Report) -> str:
    """GitHub's flavour: tables, and `details` for what is long."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    journal = report.journal
    yield f"# {journal.namespace}/{journal.release}: {journal.status}"
    yield f"\nRun `{journal.run}`" + (f": {_cell(journal.said)}" if journal.said else "")
    yield from _table(("", ""), story.facts(journal))
    if verdict := story.verdict(journal):
        yield f"\n**Verdict: {verdict.outcome}.** {_cell(cut('; '.join(verdict.reasons)))}"
    if report.asked:
        yield from _asked(report.asked)
    if report.evidence:
        yield from _seen(report.evidence)
    rows = story.steps(journal)
    yield from _table(
        ("step", "began", "took", "saw"),
        (
            (
                row.name,
                f"{row.began:%H:%M:%S}",
                row.took or "not settled",
                "; ".join([*row.stood, row.saw] if row.saw else row.stood),
            )
            for row in rows
        ),
    )
    if never := story.never(journal):
        yield f"\nNot begun: {', '.join(never)}"
    if commands := [cut(flat(one), _LONGEST) for row in rows for one in row.commands]:
        yield from _folded(f"{len(commands)} commands", ["```", *commands, "```"])
    yield "\nNot known:\n"
    for what in story.unknown(report):
        yield f"- {_cell(what)}"
    yield f"\nMade at {instant(report.made)} by blueshift {report.version}. Times are UTC."


def _asked(asked: Probed) -> Iterator[str]:
    phases = ", ".join(f"{phase} {count}" for phase, count in asked.phases.items())
    how = f" ({phases})" if phases else ""
    yield f"\n**Prober: {asked.requests} requests, {asked.failed} failed{how}.**"
    if asked.void:
        yield f"\n**Void: {asked.void}. The prober's own machine was measured.**"
    if not asked.failures:
        return
    shown = asked.failures[:_MOST_FAILURES]
    which = (
        "the requests that failed" if len(shown) == asked.failed else f"the first {len(shown)} that failed"
    )
    rows = (
        (
            instant(one.at),
            f"{one.kind} {one.host}{one.path} at {one.address or '-'}",
            f"{one.phase}{after(one.seconds)}: {one.reason}",
            one.step or "outside",
        )
        for one in shown
    )
    yield from _folded(which, _table(("due", "asked", "failed in", "step"), rows))


def _seen(seen: Evidence) -> Iterator[str]:
    """What both sides, DNS, drains and witnesses showed."""
    yield from _table(
        ("side", "requests/s (at most)", "errors/s at most", "p50", "p95 (at most)", "requests/s by status"),
        (
            (
                one.side,
                f"{rate(one.requests)} ({rate(one.most_requests)})",
                rate(one.most_errors),
                latency(one.p50_s),
                f"{latency(one.p95_s)} ({latency(one.most_p95_s)})",
                ", ".join(f"{kind} {count:.3g}" for kind, count in one.statuses.items()) or "?",
            )
            for one in sums.sides(seen)
        ),
    )
    yield from _table(
        ("DNS", "all at the temporary", "none any more", "at last: primary, temporary, other, unknown"),
        (
            (
                one.server + (" (recursive)" if one.recursive else ""),
                instant(one.moved) if one.moved else "-",
                instant(one.back) if one.back else "-",
                f"{one.last.primary}, {one.last.temporary}, {one.last.other}, {one.last.unknown}",
            )
            for one in sums.servers(seen)
        ),
    )  # fmt: skip
    yield from _table(
        ("drain of", "from", "until", "clients", "requests", "connections", "why it was not drained"),
        (
            (
                one.side,
                f"{one.since:%H:%M:%SZ}",
                f"{one.until:%H:%M:%SZ}",
                f"{one.first.clients} → {one.last.clients}",
                f"{one.first.requests} → {one.last.requests}",
                "?" if one.last.connections is None else str(one.last.connections),
                one.last.reason or "drained",
            )
            for one in sums.drains(seen)
        ),
    )
    yield from _table(
        ("witness", "pods", "gaps", "missed", "told"),
        (
            (
                f"{one.side}, {one.witness}",
                str(len(one.pods)),
                str(len(one.gaps)),
                length(one.missed.total_seconds()),
                "; ".join((*one.blindness(), *one.missing())) or "all",
            )
            for one in sums.witnesses(seen)
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """None without rows."""
    written = [f"| {' | '.join(_cell(cut(one, _LONGEST)) for one in row)} |" for row in rows]
    if written:
        yield f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}"
        yield from written


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n<details><summary>{title}</summary>\n"
    yield from lines
    yield "\n</details>"


def _cell(text: str) -> str:
    """Text as it is: neither markup nor the end of a cell."""
    return flat(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
