"""gate: a person must say yes before the run goes on."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from blueshift.engine.protocol import Answer, Hold, Settled, StepPlan
from blueshift.playbook.duration import Seconds, format_seconds
from blueshift.steps.base import Waits


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked, and what becomes of it when nobody answers."""

    message: str
    """What the person must have looked at or done."""
    within: Seconds | None = None
    """How long it is waited for; without it, for ever."""
    otherwise: Literal["hold", "open"] = "hold"
    """When nobody has answered by then."""


class Gate(Waits[GateSettings]):
    """Waits for `blueshift approve RUN ID`, where ID is the step's id in the playbook."""

    kind: ClassVar[str] = "gate"
    Settings: ClassVar[type[GateSettings]] = GateSettings

    @property
    def name(self) -> str:
        """The gate as a person names it."""
        return self.id.rpartition("/")[2]

    def plan(self) -> StepPlan:
        """See Step."""
        settings = self.settings
        after = "it holds" if settings.otherwise == "hold" else "it goes on by itself"
        limit = (
            f"; after {format_seconds(settings.within)} without an answer {after}" if settings.within else ""
        )
        return StepPlan(
            f"ask a person: {settings.message}",
            waits=(f"for `blueshift approve {self.tools.run} {self.name}`{limit}",),
        )

    async def settle(self) -> Answer:
        """See Step."""
        if self.tools.record.approved(self.id, self.name):
            return Settled(f"opened: {self.settings.message}")
        return Hold(
            self.settings.message,
            gate=self.name,
            lasts=self.settings.within,
            otherwise=self.settings.otherwise,
        )
