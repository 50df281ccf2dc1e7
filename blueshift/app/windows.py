"""Time windows before a run: whether it may begin now, and when it comes through those further down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from blueshift.engine.protocol import StepPlan
from blueshift.playbook.schema import Playbook
from blueshift.playbook.window import WindowSettings, opening

_CHANGES_NOTHING = frozenset({"preflight", "snapshot", "gate", "window", "check"})
"""Kinds of steps that may stand before the window that a whole run waits for."""


def closed(playbook: Playbook, now: datetime) -> str:
    """Why the playbook may not begin now, and when it may; empty when it may."""
    for entry in playbook.steps:
        if entry.kind not in _CHANGES_NOTHING:
            return ""
        if isinstance(entry.settings, WindowSettings):
            found = opening(entry.settings, now)
            if found is None:
                return f"the window {entry.id} never opens: `{entry.settings.cron}`"
            if not found.is_open(now):
                return f"the window {entry.id} is closed; it opens at {_at(found.opens)}"
    return ""


def foretold(
    playbook: Playbook, steps: Iterable[tuple[str, StepPlan]], now: datetime
) -> Iterator[tuple[str, str]]:
    """Each window's step by its id, and when a run that begins now comes through it at the earliest.

    `steps` are those of the whole track, in order, with the least time that each takes.
    """
    settings = {entry.id: entry.settings for entry in playbook.steps}
    skipped = bool(closed(playbook, now))
    for name, plan in steps:
        window = settings.get(name.rpartition("/")[2])
        if not isinstance(window, WindowSettings):
            now += timedelta(seconds=plan.seconds)
            continue
        found = opening(window, now)
        if found is None:
            return
        if found.is_open(now):
            yield name, f"reached at {_at(now)} at the earliest: the window is open until {_at(found.closes)}"
        elif skipped:
            yield name, f"closed: an upgrade that is started before {_at(found.opens)} is skipped"
        else:
            yield name, f"reached at {_at(now)} at the earliest: the next window opens at {_at(found.opens)}"
        now, skipped = max(now, found.opens), False


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
