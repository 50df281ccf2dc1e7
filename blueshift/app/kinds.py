"""The step kinds of playbooks, by name, and how entries expand into steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

import msgspec

from blueshift.engine.protocol import Step
from blueshift.playbook.schema import Playbook, StepEntry
from blueshift.steps.context import Tools

# Literal, so that mypy and import-linter see it; loaded when a playbook is.
KINDS: Mapping[str, str] = {
    "preflight": "blueshift.steps.simple:Preflight",
    "snapshot": "blueshift.steps.simple:TakeSnapshot",
    "gate": "blueshift.steps.gate:Gate",
    "window": "blueshift.steps.window:Window",
    "check": "blueshift.steps.check:Check",
    "lower-ttl": "blueshift.steps.lower_ttl:LowerTtl",
    "install-temporary": "blueshift.steps.install_temporary:InstallTemporary",
    "shift": "blueshift.steps.shift:ShiftSettings",
    "drain": "blueshift.steps.drain:Drain",
    "quiesce": "blueshift.steps.quiesce:Quiesce",
    "harden": "blueshift.steps.harden:Harden",
    "upgrade": "blueshift.steps.harden:Upgrade",
    "soak": "blueshift.steps.soak:Soak",
    "release-floors": "blueshift.steps.floor:ReleaseFloors",
    "purge": "blueshift.steps.purge:Purge",
    "restore-ttl": "blueshift.steps.lower_ttl:RestoreTtl",
}

# What no playbook names: steps of the tracks that a run turns to.
TURNED_KINDS: Mapping[str, str] = {
    "gather": "blueshift.steps.shift:GatherSettings",
    "restore-primary": "blueshift.steps.restore:Restore",
    "wake": "blueshift.steps.quiesce:Wake",
    "panic": "blueshift.steps.panic:Panic",
}

FORWARD = "forward"


def settings_types(kinds: Mapping[str, str] = KINDS) -> dict[str, type[msgspec.Struct]]:
    """Step kind → what a playbook may say about it."""
    types: dict[str, type[msgspec.Struct]] = {}
    for kind, place in kinds.items():
        found = _load(place)
        types[kind] = found if issubclass(found, msgspec.Struct) else found.Settings
    return types


def accepting_remaining(playbook: Playbook) -> Playbook:
    """The same, its drains going on with a rest that alone keeps a side from being drained."""
    return msgspec.structs.replace(
        playbook,
        steps=tuple(
            msgspec.structs.replace(
                entry, settings=msgspec.structs.replace(entry.settings, remaining="accept")
            )
            if entry.kind == "drain"
            else entry
            for entry in playbook.steps
        ),
    )


def compile_track(playbook: Playbook, tools: Tools) -> tuple[Step, ...]:
    """The steps of a playbook: a shift becomes a floor and its waves, a purge gets its gate."""
    return compile_entries(FORWARD, playbook.steps, tools)


def compile_entries(track: str, entries: Sequence[StepEntry], tools: Tools) -> tuple[Step, ...]:
    """The steps of a track, each with its id below the track's name."""
    return tuple(step for entry in entries for step in _expand(f"{track}/{entry.id}", entry, tools))


def _expand(step: str, entry: StepEntry, tools: Tools) -> Iterator[Step]:
    if entry.kind == "shift":
        yield from _shift(step, entry.settings, tools)
        return
    if entry.kind == "gather":
        yield from _gather(step, entry.settings, tools)
        return
    if entry.kind == "purge":
        from blueshift.steps.purge import PurgeGate, PurgeGateSettings

        yield PurgeGate(
            f"{step}-gate", PurgeGateSettings(entry.settings.auto, entry.settings.agree_every), tools
        )
    kind = cast(Callable[[str, Any, Tools], Step], _load({**KINDS, **TURNED_KINDS}[entry.kind]))
    yield kind(step, entry.settings, tools)


def _shift(step: str, settings: Any, tools: Tools) -> Iterator[Step]:
    from blueshift.steps.floor import Floor, FloorSettings
    from blueshift.steps.shift import Wave, cut

    yield Floor(f"{step}/floor", FloorSettings(side=settings.to), tools)
    for number, wave in enumerate(cut(len(tools.world.moving()), settings), 1):
        yield Wave(f"{step}/wave-{number}", wave, tools)


def _gather(step: str, settings: Any, tools: Tools) -> Iterator[Step]:
    from blueshift.steps.floor import Floor, FloorSettings
    from blueshift.steps.shift import Wave, gathering

    yield Floor(f"{step}/floor", FloorSettings(side=settings.to), tools)
    yield Wave(f"{step}/wave-1", gathering(settings), tools)


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
