"""The way back as a track of its own: compiled, once and purely, from where a run stands.

The rules are those of the way forward, since the steps are the same ones: a changed primary is put right
while traffic is away from it, a side is left only for one that proves itself, and what was left is drained
before it is removed (DESIGN §3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from blueshift.engine.state import SideName, State
from blueshift.errors import BlueshiftError
from blueshift.playbook.schema import Playbook, StepEntry
from blueshift.steps.drain import DrainSettings
from blueshift.steps.floor import ReleaseFloorsSettings
from blueshift.steps.harden import RevisionSettings
from blueshift.steps.located import Located
from blueshift.steps.lower_ttl import RestoreTtlSettings
from blueshift.steps.panic import PanicSettings
from blueshift.steps.purge import PurgeSettings
from blueshift.steps.quiesce import QuiesceSettings, WakeSettings, quiesces
from blueshift.steps.restore import RestoreSettings
from blueshift.steps.shift import GatherSettings, ShiftSettings

PLACE = "the way back"

S = TypeVar("S", bound=msgspec.Struct)


def way_back(state: State, playbook: Playbook, located: Located) -> tuple[StepEntry, ...]:
    """The steps that lead from `state` to where the run began.

    `state` is the journal's, corrected by the live world. Raises BlueshiftError where there is no way back:
    a changed primary cannot be put right while traffic is away from it once the temporary has gone.
    """
    keep = _keeps(playbook)
    steps: list[StepEntry] = []
    stands = state.primary in (("old", "hardened") if keep else ("old",))
    # One whose connections end early has its old values but for that, and is woken without new pods.
    primary_is_right = stands and ("primary" in state.verified or "primary" in state.quiesced)
    at = state.traffic
    drained = set(state.drained)
    if not primary_is_right:
        if state.temporary != "ready":
            raise BlueshiftError(
                "the temporary release has gone, and with it the short way back: the primary was changed",
                hint="`blueshift resume RUN` carries the run to its end",
            )
        if "temporary" in state.quiesced:
            steps.append(_wake("temporary", playbook))
        if at != "temporary":
            steps += _all_to("temporary", at, playbook, located)
            drained -= {"primary", "temporary"}
        if "primary" not in drained:
            steps.append(_drain("primary", playbook))
        steps.append(_entry("restore-primary", _restore(playbook, keep=keep)))
        at = "temporary"
    elif "primary" in state.quiesced:
        steps.append(_wake("primary", playbook))
    if at != "primary":
        steps += _all_to("primary", at, playbook, located)
        drained.discard("temporary")
    if state.temporary != "absent" and "temporary" not in drained:
        steps.append(_drain("temporary", playbook))
    if state.floors or not primary_is_right or at != "primary":
        steps.append(_entry("release-floors", ReleaseFloorsSettings()))
    if state.temporary != "absent":
        # Nobody is asked: who goes back wants nothing left over, and the way that it keeps short is over.
        purge = _settings(playbook, "purge", PurgeSettings())
        steps.append(_entry("purge", msgspec.structs.replace(purge, auto=True)))
    if state.ttl == "low":
        steps.append(_entry("restore-ttl", _settings(playbook, "restore-ttl", RestoreTtlSettings())))
    return tuple(steps)


def panic(state: State, located: Located) -> tuple[StepEntry, ...]:
    """One shift of every name to the side that proved itself last, and then a standstill.

    Raises BlueshiftError when no side has.
    """
    if not state.verified:
        raise BlueshiftError("no side has proved itself since it last changed: names stay where they are")
    to = state.verified[-1]
    names = tuple(name for name, side in located.items() if side != to)
    return (StepEntry("panic", f"to-{to}", PanicSettings(to=to, names=names), PLACE),)


def _all_to(to: SideName, at: str, playbook: Playbook, located: Located) -> Sequence[StepEntry]:
    """Every name to one side: by the playbook's own shift; from the middle of one, those that are astray."""
    shift = next(
        (
            entry.settings
            for entry in playbook.steps
            if isinstance(entry.settings, ShiftSettings) and entry.settings.to == to
        ),
        ShiftSettings(to=to),
    )
    if at != "split":
        return [StepEntry("shift", f"shift-to-{to}", shift, PLACE)]
    astray = tuple(name for name, side in located.items() if side != to)
    gather = GatherSettings(
        to=to, names=astray, agree_within=shift.agree_within, agree_every=shift.agree_every, hold=shift.hold
    )
    return [StepEntry("gather", f"gather-at-{to}", gather, PLACE)]


def _drain(side: SideName, playbook: Playbook) -> StepEntry:
    settings = next(
        (
            entry.settings
            for entry in playbook.steps
            if isinstance(entry.settings, DrainSettings) and entry.settings.side == side
        ),
        DrainSettings(side=side),
    )
    return StepEntry("drain", f"drain-{side}", settings, PLACE)


def _wake(side: SideName, playbook: Playbook) -> StepEntry:
    quiesce = next((one for one in quiesces(playbook) if one.side == side), QuiesceSettings(side=side))
    return StepEntry(
        "wake", f"wake-{side}", WakeSettings(side=side, helm_timeout=quiesce.helm_timeout), PLACE
    )


def _keeps(playbook: Playbook) -> bool:
    """Whether what harden set stays when the run is taken back."""
    return any(entry.kind == "harden" and entry.settings.keep for entry in playbook.steps)


def _restore(playbook: Playbook, *, keep: bool) -> RestoreSettings:
    harden: RevisionSettings = _settings(playbook, "harden", RevisionSettings())
    given = {name: getattr(harden, name) for name in RevisionSettings.__struct_fields__}
    return RestoreSettings(**given, keep=keep)


def _settings(playbook: Playbook, kind: str, otherwise: S) -> S:
    found: Any = next((entry.settings for entry in playbook.steps if entry.kind == kind), otherwise)
    assert isinstance(found, type(otherwise))
    return found


def _entry(kind: str, settings: msgspec.Struct) -> StepEntry:
    return StepEntry(kind, kind, settings, PLACE)
