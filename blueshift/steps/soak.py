"""soak: watch the upgraded primary for a while, with the way back still short."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from blueshift.engine.protocol import Answer, Hold, Settled, StepPlan, Wait
from blueshift.engine.state import State
from blueshift.playbook.duration import Seconds
from blueshift.steps.base import Base
from blueshift.steps.proof import prove


class SoakSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long."""

    lasts: Seconds = 3600.0
    poll: Seconds = 5.0
    failures: int = 2
    """Failed looks in a row that hold the run: one alone may be a reload."""


class Soak(Base[SoakSettings]):
    """The primary must keep answering, with an error share like that of its baseline."""

    kind: ClassVar[str] = "soak"
    Settings: ClassVar[type[SoakSettings]] = SoakSettings

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None if state.traffic == "primary" else f"traffic is on {state.traffic}, not on the primary"

    def leaves(self, state: State) -> State:
        """See Step."""
        return state

    def plan(self) -> StepPlan:
        """See Step."""
        return StepPlan(
            f"watch the primary for {self.settings.lasts:.0f} s; the temporary stays, and the low TTL too",
            seconds=self.settings.lasts,
        )

    async def settle(self) -> Answer:
        """See Step."""
        waited = self.here.waited("soak")
        proof = await prove(self.tools, "primary", self.tools.world.moving())
        self._bad = self._bad + 1 if proof.failed else 0
        sentence = proof.sentence
        if self._bad >= self.settings.failures:
            return Hold(f"the primary does not do as well as before: {sentence}")
        if waited is not None and waited >= self.settings.lasts:
            return Settled(f"soaked for {waited:.0f} s: {sentence}")
        return Wait(
            "soak",
            f"watching the primary: {sentence}",
            then="the temporary release may go",
            lasts=self.settings.lasts,
            poll=self.settings.poll,
        )

    _bad = 0
