"""The report of a run as Markdown, for a ticket: what the page shows as pictures stands in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from blueshift.app.report import Probed, Report
from blueshift.engine.evidence import Evidence
from blueshift.engine.journal import Journal
from blueshift.report import story, sums
from blueshift.report.words import after, cut, escaped, flat, instant, latency, length, listed, rate

MOST = 65_000
"""Characters. GitHub takes 65,536 for a comment."""


class _Room(NamedTuple):
    """How much is told."""

    failures: int
    """Of the prober, one by one."""
    commands: int
    longest: int
    """Characters of a cell, or a command."""


_ROOMS = (_Room(100, 100, 300), _Room(50, 30, 150), _Room(10, 0, 80))
"""From the most to the least, until it fits."""


def markdown(report: Report) -> str:
    """GitHub's flavour: tables, and `details` for what is long."""
    for room in _ROOMS:
        text = "\n".join(_lines(report, room)) + "\n"
        if len(text) <= MOST:
            break
    return text


def _lines(report: Report, room: _Room) -> Iterator[str]:
    journal = report.journal
    yield f"# {_cell(f'{journal.namespace}/{journal.release}')}: {journal.status}"
    yield f"\nRun `{journal.run}`" + (f": {_cell(cut(flat(journal.said)))}" if journal.said else "")
    yield from _onward(journal)
    yield from _table(("", ""), story.facts(journal), room)
    if verdict := story.verdict(journal):
        said = f"{story.MEANING[verdict.outcome]}: {cut('; '.join(verdict.reasons))}"
        yield f"\n**Verdict: {verdict.outcome}.** {_cell(said)}"
    if report.asked:
        yield from _asked(report.asked, room)
    if report.evidence:
        yield from _seen(report.evidence, room)
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
        room,
    )
    if never := story.never(journal):
        yield f"\nNot begun: {_cell(', '.join(never))}"
    if commands := [escaped(cut(flat(one), room.longest)) for row in rows for one in row.commands]:
        shown = commands[: room.commands]
        few = f", the first {len(shown)}" if len(shown) < len(commands) else ""
        yield from _folded(f"{len(commands)} commands{few}", ["```", *shown, "```"])
    yield "\nNot known:\n"
    for what in story.unknown(report):
        yield f"- {_cell(what)}"
    yield f"\nMade at {instant(report.made)} by blueshift {report.version}. Times are UTC."


def _onward(journal: Journal) -> Iterator[str]:
    ways = story.ways(journal)
    if ways:
        yield "\nHow it goes on:\n"
    for way in ways:
        command = way.command
        if len(command) > 200 or "`" in command or not command.isprintable():  # half a command is none
            yield f"- {_cell(way.what)} (`blueshift status {journal.run}` has the commands)"
        else:
            yield f"- {_cell(way.what)}" + (f": `{command}`" if command else "")


def _asked(asked: Probed, room: _Room) -> Iterator[str]:
    phases = ", ".join(f"{phase} {count:,}" for phase, count in asked.phases.items())
    how = f" ({_cell(phases)})" if phases else ""
    told = f"{asked.requests:,} requests from {instant(asked.first)} to {instant(asked.last)}"
    yield f"\n**Prober: {told}, {asked.failed:,} failed{how}.**"
    if hosts := story.worst_hosts(asked):
        yield f"\n{_cell(hosts)}."
    if asked.void:
        yield f"\n**Void: {_cell(asked.void)}.**"
    if not asked.failures:
        return
    shown = asked.failures[: room.failures]
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
    yield from _folded(which, _table(("due", "asked", "failed in", "step"), rows, room))


def _seen(seen: Evidence, room: _Room) -> Iterator[str]:
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
        room,
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
        room,
    )
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
                listed(one.last.reason)[0] or "drained",
            )
            for one in sums.drains(seen)
        ),
        room,
    )
    if more := sums.undrawn(seen):
        yield f"\n{more} more in between: -o json has all."
    for rest in sums.rests(seen):
        yield f"\nWho was left at the {_cell(rest.side)} at last, at {instant(rest.at)}:\n"
        yield from (f"- {_cell(cut(item, 2 * room.longest))}" for item in rest.items)
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
        room,
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], room: _Room) -> Iterator[str]:
    """None without rows."""
    written = [f"| {' | '.join(_cell(cut(one, room.longest)) for one in row)} |" for row in rows]
    if written:
        yield f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}"
        yield from written


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n<details><summary>{title}</summary>\n"
    yield from lines
    yield "\n</details>"


def _cell(text: str) -> str:
    """Text as it is: neither markup nor the end of a cell, and nobody is mentioned."""
    plain = escaped(flat(text)).replace("&", "&amp;").replace("<", "&lt;")
    return _MENTION.sub("@\N{ZERO WIDTH SPACE}", _MARKUP.sub(r"\\\g<0>", plain))


_MARKUP = re.compile(r"[\\|`*~\[\]]|(?<!\w)_|_(?!\w)")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
