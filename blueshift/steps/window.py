"""window: the run goes past this step only in its time."""

from __future__ import annotations

from typing import ClassVar

from blueshift.engine.protocol import Answer, Hold, Settled, StepPlan, Wait
from blueshift.playbook.duration import format_seconds
from blueshift.playbook.window import WindowSettings, opening
from blueshift.steps.base import Waits


class Window(Waits[WindowSettings]):
    """Waits for the next window; one that is open lets the run through."""

    kind: ClassVar[str] = "window"
    Settings: ClassVar[type[WindowSettings]] = WindowSettings

    def plan(self) -> StepPlan:
        """See Step."""
        settings = self.settings
        late = (
            f"; nothing begins in its last {format_seconds(settings.last_start)}"
            if settings.last_start
            else ""
        )
        return StepPlan(
            f"go on only within `{settings.cron}` ({settings.zone}), "
            f"{format_seconds(settings.lasts)} long{late}",
            waits=("until the window opens",),
        )

    async def settle(self) -> Answer:
        """See Step."""
        now = self.tools.clock.utc()
        found = opening(self.settings, now)
        if found is None:
            return Hold(f"no window ever comes: `{self.settings.cron}`")
        if found.is_open(now):
            return Settled(f"the window is open until {found.closes:%Y-%m-%d %H:%M} UTC")
        left = (found.opens - now).total_seconds()
        return Wait(
            f"window {found.opens:%Y-%m-%d %H:%M}",
            f"the window opens at {found.opens:%Y-%m-%d %H:%M} UTC",
            then="the run goes on",
            lasts=left,
            poll=min(30.0, max(left, 0.1)),
            unattended=left,
        )
