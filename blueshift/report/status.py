"""A run's journal as text: its steps and times, what it waits for, and the ways on from a standstill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from blueshift.engine.journal import Journal, StepEntry, WaitEntry
from blueshift.report import story
from blueshift.report.words import UNICODE, Marks, escaped, instant, length, span
from blueshift.steps.webhook import switches


def status_text(journal: Journal, now: datetime, marks: Marks = UNICODE) -> str:
    """Everything that a person needs to go on, and nothing that only a program needs."""
    state = journal.state
    lines = [
        f"run       {journal.run}",
        f"release   {journal.namespace}/{journal.release}",
        f"playbook  {journal.playbook}",
        *([f"reverts   run {journal.reverts}"] if journal.reverts else []),
        f"status    {_status(journal)}",
        *_turned(journal, now),
        f"began     {instant(journal.created, now)} ({length((now - journal.created).total_seconds())} ago)",
        f"traffic   {state.traffic}; temporary {state.temporary}; primary {state.primary}; TTL {state.ttl}"
        + (f"; quiesced {' and '.join(state.quiesced)}" if state.quiesced else ""),
        "",
        *_steps(journal, now, marks),
        *_onward(journal, now),
        *(
            f"approved  {given.gate or given.step} by {given.by} at {instant(given.at, now)}"
            + (f": {given.reason}" if given.reason else "")
            for given in journal.approvals
        ),
    ]
    return "\n".join(map(escaped, lines))


def _turned(journal: Journal, now: datetime) -> Iterator[str]:
    """What people have said to the run."""
    if (turn := journal.turn) is not None:
        why = f": {' '.join(turn.reason.split())}" if turn.reason else ""
        yield f"track     {turn.to} since {instant(turn.at, now)}, by {turn.by}{why}"
    for switched in switches(journal).values():
        since = instant(switched.done or switched.intended, now)
        yield f"webhook   {switched.intent.what} since {since}, until the primary proves itself"
    if (pause := journal.paused) is not None:
        why = f": {pause.reason}" if pause.reason else ""
        ends = f"`blueshift unpause {journal.run}` ends it"
        yield f"paused    since {instant(pause.at, now)}, by {pause.by}{why}; {ends}"


def _status(journal: Journal) -> str:
    if journal.standstill and journal.standstill.gate:
        told = f"waits at the gate {journal.standstill.gate}"
    else:
        told = journal.status
    return f"{told} (epoch {journal.epoch}, {journal.holder or 'nobody'})"


def _steps(journal: Journal, now: datetime, marks: Marks) -> list[str]:
    column = max((len(name) for name in journal.track), default=0) + 2
    lines = []
    for name in journal.track:
        entry = journal.step(name)
        mark, took, told = _step(entry, journal, name, now, marks)
        lines.append(f"{mark} {name:<{column}}{took:<12}{told}".rstrip())
        if entry.started and not entry.settled:
            lines += _inside(entry, now, marks)
    return lines


def _step(entry: StepEntry, journal: Journal, name: str, now: datetime, marks: Marks) -> tuple[str, str, str]:
    still = journal.standstill
    if entry.settled and entry.started:
        return marks.done, length((entry.settled - entry.started).total_seconds()), entry.said
    if still and still.step == name:
        return marks.held, "", f"stands still since {instant(still.since, now)}"
    if entry.started:
        told = "" if journal.status == "working" else journal.status
        return marks.now, length((now - entry.started).total_seconds()), told
    return marks.todo, "", ""


def _inside(entry: StepEntry, now: datetime, marks: Marks) -> list[str]:
    """The effects and waits of the step at which the run is."""
    effects = [
        f"    {marks.done if effect.done else marks.now} {effect.intent.what}"
        + (" (found done already)" if effect.adopted else "")
        for effect in entry.effects.values()
    ]
    return [*effects, *(f"    wait: {_wait(wait, now)}" for wait in entry.waits.values())]


def _wait(wait: WaitEntry, now: datetime) -> str:
    return f"{' '.join(wait.reason.split())} ({span(wait.since, wait.deadline, now)})"


def _onward(journal: Journal, now: datetime) -> list[str]:
    """Why it stands still, if it does, and how it goes on."""
    lines, still = [""], journal.standstill
    if still is not None:
        lines.append(f"Stands still in {still.step} since {instant(still.since, now)}:")
        lines += [f"  {line}" for line in still.reason.splitlines()]
    for way in story.ways(journal):
        lines.append(f"  - {way.what}" + (":" if way.command else ""))
        lines += [f"      {line}" for line in way.command.splitlines()]
    return [*lines, ""] if lines[1:] else []
