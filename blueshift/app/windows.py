"""Whether a playbook may begin now: a job that is started outside its window changes nothing."""

from __future__ import annotations

from datetime import datetime

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
                return f"the window {entry.id} is closed; it opens at {found.opens:%Y-%m-%d %H:%M} UTC"
    return ""
