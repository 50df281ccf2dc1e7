"""The report of a run as Markdown, for a ticket."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.app.report import Report
from blueshift.report import story
from blueshift.report.words import flat, instant


def markdown(report: Report) -> str:
    """GitHub's flavour: tables."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    journal = report.journal
    yield f"# {journal.namespace}/{journal.release}: {journal.status}"
    yield f"\nRun `{journal.run}`" + (f": {flat(journal.said)}" if journal.said else "")
    yield "\n| | |\n|---|---|"
    for name, value in story.facts(journal):
        yield f"| {name} | {_cell(value)} |"
    if verdict := story.verdict(journal):
        yield f"\n**Verdict: {verdict.outcome}.** {'; '.join(verdict.reasons)}"
    if asked := report.asked:
        yield f"\n**Prober: {asked.requests} requests, {asked.failed} failed.**\n"
        for one in asked.failures:
            where = f"{one.host}{one.path} at {one.address or '-'}"
            yield f"- {instant(one.at)} {where}: {one.phase}: {one.reason} ({one.step or 'outside'})"
    yield "\n| step | began | took | saw |\n|---|---|---|---|"
    commands: list[str] = []
    for row in story.steps(journal):
        saw = "; ".join([*row.stood, row.saw] if row.saw else row.stood)
        yield f"| {row.name} | {row.began:%H:%M:%S} | {row.took or 'not settled'} | {_cell(saw)} |"
        commands += row.commands
    if never := story.never(journal):
        yield f"\nNot begun: {', '.join(never)}"
    if commands:
        yield "\n```\n" + "\n".join(commands) + "\n```"
    yield "\nNot known:\n"
    for what in story.unknown(report):
        yield f"- {what}"
    yield f"\nMade at {instant(report.made)} by blueshift {report.version}. Times are UTC."


def _cell(text: str) -> str:
    return flat(text).replace("|", "\\|")
