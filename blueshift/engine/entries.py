"""What is written into a journal, entry by entry, and the one pure function that applies an entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from blueshift.engine.journal import (
    OVER,
    Approval,
    Carried,
    Journal,
    Pause,
    Standstill,
    Status,
    StepEntry,
    Stood,
    Track,
    TrackStep,
    Turn,
    WaitEntry,
)
from blueshift.engine.protocol import Intent, Journalled, Way
from blueshift.engine.state import State
from blueshift.errors import BlueshiftError


class Started(msgspec.Struct, frozen=True, tag=True):
    """A step begins."""

    step: str


class Intended(msgspec.Struct, frozen=True, tag=True):
    """An effect comes next."""

    step: str
    effect: str
    intent: Intent


class Did(msgspec.Struct, frozen=True, tag=True):
    """An effect is in the world; adopted when it was found there."""

    step: str
    effect: str
    adopted: bool = False
    said: str = ""


class WaitBegan(msgspec.Struct, frozen=True, tag=True):
    """The first instant of a wait."""

    step: str
    key: str
    reason: str
    deadline: datetime | None = None
    holds: bool = False


class StepSettled(msgspec.Struct, frozen=True, tag=True):
    """A step's proofs hold; its facts are written with it."""

    step: str
    said: str
    state: State
    facts: dict[str, Any] = {}


class Learnt(msgspec.Struct, frozen=True, tag=True):
    """Facts that a step came to in its middle, before effects, or a standstill, that follow from them."""

    step: str
    facts: dict[str, Any]


class TakenBack(msgspec.Struct, frozen=True, tag=True):
    """What these steps did was taken back: they begin anew when the run goes on."""

    steps: tuple[str, ...]
    state: State


class StoodStill(msgspec.Struct, frozen=True, tag=True):
    """A hold, or a gate that waits."""

    step: str
    reason: str
    gate: str = ""
    ways: tuple[Way, ...] = ()


class Restated(msgspec.Struct, frozen=True, tag=True):
    """The gate that waits was come to again, for another reason: its number, for approvals, and time stay."""

    reason: str
    ways: tuple[Way, ...] = ()


class Approved(msgspec.Struct, frozen=True, tag=True):
    """A person let the run pass the standstill."""

    approval: Approval


class Turned(msgspec.Struct, frozen=True, tag=True):
    """The run goes on by another track, with what was found out to compile it."""

    to: Track
    steps: tuple[TrackStep, ...]
    track: tuple[str, ...]
    state: State
    by: str
    reason: str
    facts: dict[str, Any] = {}


class NotTurned(msgspec.Struct, frozen=True, tag=True):
    """A word that asked for another track could not be followed: it is spent, and the run stays on its."""

    by: str
    reason: str


class Paused(msgspec.Struct, frozen=True, tag=True):
    """Nothing more is done until `Unpaused`."""

    pause: Pause


class Unpaused(msgspec.Struct, frozen=True, tag=True):
    """The run goes on."""


class Resumed(msgspec.Struct, frozen=True, tag=True):
    """Another process, or the same person again, carries the run on; `reason` is why it was taken over."""

    holder: str
    reason: str = ""


class Left(msgspec.Struct, frozen=True, tag=True):
    """The process leaves the run."""

    status: Status
    said: str


_REMEMBERED = 30
"""Standstills that a journal keeps: their reasons may be long, and its room is bounded."""

_InStep = Started | Intended | Did | WaitBegan
_OfRun = (
    StepSettled
    | Learnt
    | TakenBack
    | StoodStill
    | Restated
    | Approved
    | Turned
    | NotTurned
    | Paused
    | Unpaused
    | Resumed
    | Left
)
Entry = _InStep | _OfRun


def apply(journal: Journal, entry: Entry, at: datetime) -> Journal:
    """The journal after one entry. Pure; raises BlueshiftError for an entry that cannot follow."""
    if isinstance(entry, _InStep):
        after = _with(journal, entry.step, _in_step(journal.step(entry.step), entry, at))
    else:
        after = _of_run(journal, entry, at)
    return replace(after, seq=journal.seq + 1)


def _in_step(step: StepEntry, entry: _InStep, at: datetime) -> StepEntry:
    match entry:
        case Started():
            return replace(step, started=step.started or at)
        case Intended(name, effect, intent):
            if (known := step.effects.get(effect)) and known.done:
                raise BlueshiftError(f"{name}: {effect} is done already and is not intended again")
            return replace(step, effects={**step.effects, effect: Journalled(intent, intended=at)})
        case Did(name, effect, adopted, said):
            if effect not in step.effects:
                raise BlueshiftError(f"{name}: {effect} was never intended")
            if step.effects[effect].done:
                raise BlueshiftError(f"{name}: {effect} is done already")
            done = replace(step.effects[effect], done=at, adopted=adopted, said=said)
            return replace(step, effects={**step.effects, effect: done})
        case WaitBegan(name, key, reason, deadline, holds):
            if key in step.waits:
                raise BlueshiftError(f"{name}: the wait {key} has begun already and does not begin anew")
            return replace(step, waits={**step.waits, key: WaitEntry(at, reason, deadline, holds)})


def _of_run(journal: Journal, entry: _OfRun, at: datetime) -> Journal:
    match entry:
        case StepSettled(step, said, state, facts):
            after = _with(journal, step, replace(journal.step(step), settled=at, said=said))
            return replace(after, state=state, facts={**journal.facts, **facts}, standstill=None)
        case Learnt(_, facts):
            return replace(journal, facts={**journal.facts, **facts})
        case TakenBack(steps, state):
            kept = {name: step for name, step in journal.steps.items() if name not in steps}
            anew = dict.fromkeys(steps, journal.standstills)
            return replace(journal, steps=kept, state=state, asked_anew={**journal.asked_anew, **anew})
        case StoodStill() | Restated():
            return _stood(journal, entry, at)
        case Approved(approval):
            if not journal.standstill or journal.standstill.number != approval.standstill:
                raise BlueshiftError(f"run {journal.run} does not stand at {approval.standstill}")
            return replace(journal, standstill=None, approvals=(*journal.approvals, approval))
        case Turned():
            return _turned(journal, entry, at)
        case NotTurned():
            return replace(journal, turns=journal.turns + 1)
        case Paused() | Unpaused():
            return replace(journal, paused=entry.pause if isinstance(entry, Paused) else None)
        case Resumed():
            return _resumed(journal, entry, at)
        case Left(status, said):
            return replace(journal, status=status, said=said)


def _resumed(journal: Journal, entry: Resumed, at: datetime) -> Journal:
    # A process that leaves says so; one that has not was replaced, alive or dead.
    over = journal.holder if journal.status == "working" else ""
    carried = Carried(journal.epoch + 1, entry.holder, at, over, entry.reason)
    return replace(
        _renewed(journal),
        epoch=carried.epoch,
        holder=entry.holder,
        carried=(*journal.carried, carried),
        status="working",
        said="",
    )


def _turned(journal: Journal, entry: Turned, at: datetime) -> Journal:
    if journal.status in OVER:
        raise BlueshiftError(f"run {journal.run} is over ({journal.status}): it has no other way to go")
    turn = Turn(entry.to, entry.by, at, entry.reason, entry.steps, left=journal.track)
    return replace(
        journal,
        turn=turn,
        turns=journal.turns + 1,
        track=entry.track,
        state=entry.state,
        facts={**journal.facts, **entry.facts},
        standstill=None,
        status="working",
        said="",
    )


def _renewed(journal: Journal) -> Journal:
    """After a hold, a person wants another try: waits that held begin anew; a gate stays a gate."""
    still = journal.standstill
    if still is None or still.gate:
        return journal
    entry = journal.step(still.step)
    waits = {key: wait for key, wait in entry.waits.items() if not wait.holds}
    return replace(_with(journal, still.step, replace(entry, waits=waits)), standstill=None)


def _stood(journal: Journal, entry: StoodStill | Restated, at: datetime) -> Journal:
    if isinstance(entry, Restated):
        if not journal.standstill or not journal.standstill.gate:
            raise BlueshiftError(f"run {journal.run} stands at no gate")
        still = replace(journal.standstill, reason=entry.reason, ways=entry.ways)
        before = journal.stood[:-1]
    else:
        number = journal.standstills + 1
        still = Standstill(number, entry.step, entry.reason, at, entry.gate, entry.ways)
        before = journal.stood
    return replace(
        journal,
        stood=(*before, Stood(still.number, still.step, still.reason, still.since, still.gate))[
            -_REMEMBERED:
        ],
        standstill=still,
        standstills=still.number,
        status="working" if still.gate else "holding",
        said=still.reason,
    )


def _with(journal: Journal, step: str, entry: StepEntry) -> Journal:
    return replace(journal, steps={**journal.steps, step: entry})
