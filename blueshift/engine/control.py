"""Words from people to a run, over an object that the runner only reads.

ConfigMap `blueshift-run-<id>` in the control namespace (default `blueshift-control`). An approval (key
`standstill-<n>`) and a turn (`turn-<n>`) are edges: each names what it answers by number, and takes effect
there and once. A pause (`pause`) is a level: it holds while the key is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Conflict
from blueshift.engine.journal import OVER, Approval, Journal, Pause, Standstill
from blueshift.engine.store import RUN_LABEL, ensure_namespace, object_name
from blueshift.errors import BlueshiftError

_PAUSE = "pause"


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


class _Approved(msgspec.Struct, frozen=True):
    run: str
    approval: Approval


class _Paused(msgspec.Struct, frozen=True):
    run: str
    pause: Pause


async def heard(kube: KubeApi, namespace: str, journal: Journal) -> Words:
    """What people say to this run now. A word by hand that cannot be read is none."""
    data = await _data(kube, namespace, journal.run)
    paused = _read(data.get(_PAUSE), _Paused)
    turn = _read(data.get(_turn_key(journal.turns)), TurnWord)
    return Words(
        pause=paused.pause if paused and paused.run == journal.run else None,
        turn=turn if turn and (turn.run, turn.turns) == (journal.run, journal.turns) else None,
    )


async def approval(kube: KubeApi, namespace: str, run: str, standstill: Standstill) -> Approval | None:
    """The approval of this standstill, if somebody gave one."""
    data = await _data(kube, namespace, run)
    word = _read(data.get(_standstill_key(standstill.number)), _Approved)
    if word is None:
        return None
    given = word.approval
    meant = (word.run, given.standstill, given.step, given.gate)
    return given if meant == (run, standstill.number, standstill.step, standstill.gate) else None


async def approve(
    kube: KubeApi,
    namespace: str,
    journal: Journal,
    gate: str | None,
    *,
    by: str,
    at: datetime,
    reason: str = "",
) -> Approval:
    """Open the gate at which a run stands; None for whichever that is.

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
    given = Approval(still.number, still.step, still.gate, by, at, reason)
    await _say(kube, namespace, journal.run, {_standstill_key(still.number): _Approved(journal.run, given)})
    return given


async def pause(
    kube: KubeApi, namespace: str, journal: Journal, *, by: str, at: datetime, reason: str = ""
) -> Pause:
    """Keep a run from its next effect. One that is paused already keeps its first pause.

    Raises BlueshiftError for a run that is over.
    """
    _not_over(journal)
    if (now := (await heard(kube, namespace, journal)).pause) is not None:
        return now
    said = Pause(by, at, reason)
    await _say(kube, namespace, journal.run, {_PAUSE: _Paused(journal.run, said)})
    return said


async def unpause(kube: KubeApi, namespace: str, journal: Journal) -> Pause | None:
    """Let a run go on; the pause that ended, None where there was none."""
    _not_over(journal)
    now = (await heard(kube, namespace, journal)).pause
    if now is not None:
        await _say(kube, namespace, journal.run, {_PAUSE: None})
    return now


async def turn(
    kube: KubeApi,
    namespace: str,
    journal: Journal,
    to: Literal["back", "panic"],
    *,
    by: str,
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
    if (now := (await heard(kube, namespace, journal)).turn) is not None and now.to == to:
        return now
    step = next((name for name in journal.track if journal.step(name).settled is None), "")
    word = TurnWord(journal.run, to, journal.turns, step, by, at, reason)
    await _say(kube, namespace, journal.run, {_turn_key(journal.turns): word, _PAUSE: None})
    return word


def _not_over(journal: Journal) -> None:
    if journal.status in OVER:
        raise BlueshiftError(
            f"run {journal.run} is over: it has {journal.status.replace('-', ' ')}",
            hint="`blueshift status` lists the runs",
        )


Word = TypeVar("Word", bound=msgspec.Struct)


def _read(text: Any, kind: type[Word]) -> Word | None:
    if not isinstance(text, str):
        return None
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError:
        return None


async def _data(kube: KubeApi, namespace: str, run: str) -> Mapping[str, Any]:
    found = await kube.find(paths.core("configmaps", namespace, object_name(run)))
    return (found or {}).get("data") or {}


async def _say(kube: KubeApi, namespace: str, run: str, words: Mapping[str, msgspec.Struct | None]) -> None:
    """Write words beside the others, or take them back (None)."""
    await ensure_namespace(kube, namespace)
    data = {key: msgspec.json.encode(word).decode() if word else None for key, word in words.items()}
    path = paths.core("configmaps", namespace, object_name(run))
    if await kube.find(path) is None:
        metadata = {"name": object_name(run), "labels": {RUN_LABEL: run}}
        there = {key: text for key, text in data.items() if text is not None}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": there}
        try:
            await kube.create(paths.core("configmaps", namespace), body)
        except Conflict:  # somebody else was first: both words stand
            await kube.patch(path, {"data": data})
    else:
        await kube.patch(path, {"data": data})


def _standstill_key(number: int) -> str:
    return f"standstill-{number}"


def _turn_key(turns: int) -> str:
    return f"turn-{turns}"
