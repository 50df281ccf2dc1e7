"""What people say to a run, where it counts, and for how long.

Words are objects in a namespace where the runner only reads (default `blueshift-control`; see `words`). An
approval and a turn are edges: each names what it answers by number, and takes effect there and once. A pause
is a level: it holds from `pause` number n until `unpause` number n.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from blueshift.cluster.api import KubeApi
from blueshift.engine import words
from blueshift.engine.journal import OVER, Approval, Journal, Pause, Standstill
from blueshift.engine.policy import who
from blueshift.engine.words import Heard, Speaker, Word
from blueshift.errors import BlueshiftError


class TurnWord(msgspec.Struct, frozen=True):
    """Leave the track for the way back, or for a panic; where the run was when it was said."""

    run: str
    to: Literal["back", "panic"]
    turns: int
    step: str
    by: str
    at: datetime
    reason: str = ""


class Words(msgspec.Struct, frozen=True):
    """What is said to a run at one moment."""

    pause: Pause | None = None
    turn: TurnWord | None = None
    """One that answers the run's present number of turns."""


async def heard(kube: KubeApi, namespace: str, journal: Journal) -> Words:
    """What people say to this run now."""
    said = await words.all_of(kube, namespace, journal.run)
    pause, turn = _paused(said), _turn(said, journal.turns)
    return Words(
        pause=_pause(pause.word, await who(kube, namespace, pause)) if pause else None,
        turn=_turn_word(turn.word, await who(kube, namespace, turn)) if turn else None,
    )


async def approval(kube: KubeApi, namespace: str, run: str, standstill: Standstill) -> Approval | None:
    """The approval of this standstill, if somebody gave one."""
    said = await words.one(kube, namespace, run, "approve", standstill.number)
    if said is None or (said.word.step, said.word.gate) != (standstill.step, standstill.gate):
        return None
    return _approval(said.word, await who(kube, namespace, said))


async def approve(
    kube: KubeApi,
    namespace: str,
    journal: Journal,
    gate: str | None,
    *,
    by: Speaker,
    at: datetime,
    reason: str = "",
) -> Approval:
    """Open the gate at which a run stands; None for whichever that is. Said twice, the first word counts.

    Raises BlueshiftError when it stands at none, or at another one.
    """
    still = journal.standstill
    if still is None or not still.gate:
        raise BlueshiftError(
            f"run {journal.run} waits at no gate ({journal.status})",
            hint=f"`blueshift status {journal.run}` shows where it is",
        )
    if gate is not None and still.gate != gate:
        raise BlueshiftError(
            f"run {journal.run} waits at the gate {still.gate}, not {gate}",
            hint=f"`blueshift approve {journal.run} {still.gate}`",
        )
    word = Word("approve", journal.run, still.number, by.name, by.login, at, reason, still.step, still.gate)
    given = await words.say(kube, namespace, word)
    if (given.step, given.gate) != (still.step, still.gate):
        name = words.name_of(journal.run, "approve", still.number)
        raise BlueshiftError(
            f"an approval by {given.by} of {given.gate or 'nothing'} stands there, and the run heeds it not",
            hint=f"`kubectl -n {namespace} delete configmap {name}` as an admin; then say it again",
        )
    return _approval(given, given.by)


async def pause(
    kube: KubeApi, namespace: str, journal: Journal, *, by: Speaker, at: datetime, reason: str = ""
) -> Pause:
    """Keep a run from its next effect. One that is paused already keeps its first pause.

    Raises BlueshiftError for a run that is over.
    """
    _not_over(journal)
    said = await words.all_of(kube, namespace, journal.run)
    if (now := _paused(said)) is not None:
        return _pause(now.word, now.word.by)
    word = Word("pause", journal.run, _last_pause(said) + 1, by.name, by.login, at, reason)
    given = await words.say(kube, namespace, word)
    return _pause(given, given.by)


async def unpause(
    kube: KubeApi, namespace: str, journal: Journal, *, by: Speaker, at: datetime, reason: str = ""
) -> Pause | None:
    """Let a run go on; the pause that ended, None where there was none."""
    _not_over(journal)
    now = _paused(await words.all_of(kube, namespace, journal.run))
    if now is None:
        return None
    await words.say(
        kube, namespace, Word("unpause", journal.run, now.word.number, by.name, by.login, at, reason)
    )
    return _pause(now.word, now.word.by)


async def turn(
    kube: KubeApi,
    namespace: str,
    journal: Journal,
    to: Literal["back", "panic"],
    *,
    by: Speaker,
    at: datetime,
    reason: str = "",
) -> TurnWord:
    """Ask a run to leave its track; a pause ends with it. Said twice, the first word counts.

    Raises BlueshiftError for a run that is over, or on that track already.
    """
    _not_over(journal)
    if journal.on == to:
        raise BlueshiftError(
            f"run {journal.run} is on its {to} track already, by {journal.turn.by if journal.turn else '?'}",
            hint=f"`blueshift status {journal.run}` shows how far it is",
        )
    step = next((name for name in journal.track if journal.step(name).settled is None), "")
    word = Word(to, journal.run, journal.turns, by.name, by.login, at, reason, step)
    given = await words.say(kube, namespace, word)
    await unpause(kube, namespace, journal, by=by, at=at, reason=f"the run turns ({to})")
    return _turn_word(given, given.by)


def _not_over(journal: Journal) -> None:
    if journal.status in OVER:
        raise BlueshiftError(
            f"run {journal.run} is over: it has {journal.status.replace('-', ' ')}",
            hint="`blueshift status` lists the runs",
        )


def _last_pause(said: Sequence[Heard]) -> int:
    return max((one.word.number for one in said if one.word.word == "pause"), default=0)


def _paused(said: Sequence[Heard]) -> Heard | None:
    last = _last_pause(said)
    ended = any((one.word.word, one.word.number) == ("unpause", last) for one in said)
    found = (one for one in said if (one.word.word, one.word.number) == ("pause", last))
    return None if ended else next(found, None)


def _turn(said: Sequence[Heard], turns: int) -> Heard | None:
    """The word to turn that answers this number of turns: a panic before a way back."""
    asked = {one.word.word: one for one in said if one.word.number == turns}
    return asked.get("panic") or asked.get("back")


def _approval(word: Word, by: str) -> Approval:
    return Approval(word.number, word.step, word.gate, by, word.at, word.reason)


def _pause(word: Word, by: str) -> Pause:
    return Pause(by, word.at, word.reason)


def _turn_word(word: Word, by: str) -> TurnWord:
    assert word.word in ("back", "panic")
    return TurnWord(word.run, word.word, word.number, word.step, by, word.at, word.reason)
