"""A walk over traffic groups: one run after another, each behind a gate of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from blueshift.app import configuration
from blueshift.errors import BlueshiftError
from blueshift.playbook.groups import Written
from blueshift.playbook.schema import Playbook, StepEntry
from blueshift.steps.gate import GateSettings

LOOK = "look at it, then let the run go on"
"""What a person is asked between two groups, unless the playbook says something else."""


def wished(
    written: Written, given: Sequence[str], playbook: str | None, sets: tuple[str, ...]
) -> tuple[str, ...]:
    """The groups to walk, in order: those that were given, else those of the playbook; none for a single run.

    Raises BlueshiftError for a group that the settings do not name, or that was given twice.
    """
    names = tuple(given) or _of_playbook(written, playbook, sets)
    for name in names:
        written.of(name)  # which says what there is instead
        if names.count(name) > 1:
            raise BlueshiftError(f"the group {name} was given twice", hint="each group has one run of a walk")
    return names


def _of_playbook(written: Written, playbook: str | None, sets: tuple[str, ...]) -> tuple[str, ...]:
    config = written.top or next(iter(written.groups.values()))
    return configuration.playbook(config, name=playbook, sets=sets).groups


def gated(playbook: Playbook, before: str, group: str) -> Playbook:
    """The playbook of a group that is not the first: its run begins at a gate, in its own journal.

    So the gate is opened, refused, parked at and resumed as every gate is, and a no costs nothing: the run
    has changed nothing yet. Raises BlueshiftError where a step has the gate's id.
    """
    gate = gate_of(group)
    if any(entry.id == gate for entry in playbook.steps):
        raise BlueshiftError(
            f"the playbook {playbook.name} has a step {gate}, and so is called the gate of a walk",
            hint="give that step another `id`",
        )
    asked = playbook.between or GateSettings(message=LOOK)
    message = f"group {before} is done, and {group} comes next: {asked.message}"
    entry = StepEntry("gate", gate, msgspec.structs.replace(asked, message=message), "the walk")
    return msgspec.structs.replace(playbook, steps=(entry, *playbook.steps))


def gate_of(group: str) -> str:
    """The gate before a group, as `blueshift approve RUN GATE` names it."""
    return f"before-{group}"
