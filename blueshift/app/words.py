"""Say something to a run from elsewhere, and see it take effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypedDict

import msgspec

from blueshift.app.carry import control_namespace, speaker
from blueshift.engine import control
from blueshift.engine.journal import Journal
from blueshift.engine.store import Runs
from blueshift.engine.words import Speaker
from blueshift.errors import BlueshiftError

PATIENCE = 30.0
"""Seconds in which a process that carries the run must have heard: it listens every second, and finishes the
effect in flight first."""

Word = Literal["abort", "panic", "pause", "unpause", "proceed", "approve"]


class Said(msgspec.Struct, frozen=True):
    """What was said, and whether the run has taken it up."""

    run: str
    word: Word
    sentence: str
    effective: bool
    """Seen in the journal; False where nobody waited for it, or no process carries the run."""


async def say(runs: Runs, run: str, word: Word, reason: str, *, wait: bool, gate: str | None = None) -> Said:
    """Say it, and wait until the journal shows its effect unless `wait` is False. `gate` is for `approve`.

    Said twice, or too late, it changes nothing and says so. Raises BlueshiftError for a word that the run's
    state does not take.
    """
    journal = (await runs.open(run)).journal
    if word in ("approve", "proceed"):
        sentence, shows = await _open(runs, journal, reason, gate)
    else:
        sentence, shows = await _SAY[word](runs, journal, reason)
    effective = shows(journal) or (wait and await _seen(runs, run, shows))
    if not effective:
        sentence += _not_yet(journal, wait=wait)
    return Said(run, word, sentence, effective)


def _not_yet(journal: Journal, *, wait: bool) -> str:
    if not wait:
        return "; not waited for"
    return (
        f"; no process has taken it up in {PATIENCE:.0f} s (the run is {journal.status}): "
        "it takes effect when somebody carries the run on"
    )


async def _seen(runs: Runs, run: str, shows: Callable[[Journal], bool]) -> bool:
    until = runs.clock.now() + PATIENCE
    while runs.clock.now() < until:
        await runs.clock.sleep(0.5)
        if shows((await runs.open(run)).journal):
            return True
    return False


Shows = Callable[[Journal], bool]


class _Manner(TypedDict):
    by: Speaker
    at: datetime
    reason: str


async def _manner(runs: Runs, reason: str) -> _Manner:
    """Who says it, when, and why."""
    return _Manner(by=await speaker(runs.kube), at=runs.clock.utc(), reason=reason)


async def _turn(runs: Runs, journal: Journal, reason: str, to: Literal["back", "panic"]) -> tuple[str, Shows]:
    word = await control.turn(runs.kube, control_namespace(runs), journal, to, **await _manner(runs, reason))
    what = (
        "goes back to where it began"
        if to == "back"
        else "moves every name to the side that proved itself last"
    )
    before = journal.turns

    def shows(now: Journal) -> bool:
        if now.turns == before:
            return False
        if now.on != to and now.status == "holding":
            raise BlueshiftError(
                f"run {now.run} could not turn, and stands still: {now.said}",
                hint=f"`blueshift status {now.run}` shows the ways on",
            )
        return now.on == to

    return f"run {journal.run} {what}, says {word.by}", shows


async def _abort(runs: Runs, journal: Journal, reason: str) -> tuple[str, Shows]:
    return await _turn(runs, journal, reason, "back")


async def _panic(runs: Runs, journal: Journal, reason: str) -> tuple[str, Shows]:
    return await _turn(runs, journal, reason, "panic")


async def _pause(runs: Runs, journal: Journal, reason: str) -> tuple[str, Shows]:
    pause = await control.pause(runs.kube, control_namespace(runs), journal, **await _manner(runs, reason))
    return f"run {journal.run} is paused by {pause.by}", lambda now: now.paused is not None


async def _unpause(runs: Runs, journal: Journal, reason: str) -> tuple[str, Shows]:
    pause = await control.unpause(runs.kube, control_namespace(runs), journal, **await _manner(runs, reason))
    if pause is None and journal.paused is None:
        raise BlueshiftError(
            f"run {journal.run} is not paused", hint=f"`blueshift status {journal.run}` shows why it waits"
        )
    return f"run {journal.run} goes on", lambda now: now.paused is None


async def _open(runs: Runs, journal: Journal, reason: str, gate: str | None) -> tuple[str, Shows]:
    """Open the gate at which the run stands; None for whichever that is."""
    given = await control.approve(
        runs.kube, control_namespace(runs), journal, gate, **await _manner(runs, reason)
    )
    return (
        f"run {journal.run} goes on past {given.gate} in {given.step}, approved by {given.by}",
        lambda now: any(one.standstill == given.standstill for one in now.approvals),
    )


_SAY = {"abort": _abort, "panic": _panic, "pause": _pause, "unpause": _unpause}
