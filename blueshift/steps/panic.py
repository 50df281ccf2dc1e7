"""panic: every name to the side that proved itself last, at once, and then a standstill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from blueshift.discovery.world import NameFact
from blueshift.engine.protocol import Answer, Effect, Hold, StepPlan, Wait, Way
from blueshift.engine.state import OTHER, SideName, State
from blueshift.steps.base import Base
from blueshift.steps.context import brief
from blueshift.steps.live import landed, present


class PanicSettings(msgspec.Struct, frozen=True):
    """Where to, and what is not there."""

    to: SideName
    names: tuple[str, ...]
    agree_within: float = 300.0
    agree_every: float = 1.0


class Panic(Base[PanicSettings]):
    """No waves, no watching, no drain: for the moment in which somebody sees that users suffer."""

    kind: ClassVar[str] = "panic"
    Settings: ClassVar[type[PanicSettings]] = PanicSettings

    def needs(self, state: State) -> str | None:
        """See Step."""
        to = self.settings.to
        return None if to in state.verified else f"the {to} has not proved itself since it last changed"

    def during(self, state: State) -> State:
        """See Step."""
        return state.but(traffic="split").without_side("drained", self.settings.to)

    def leaves(self, state: State) -> State:
        """See Step."""
        return self.during(state).but(traffic=self.settings.to)

    def plan(self) -> StepPlan:
        """See Step."""
        return StepPlan(f"point {len(self.settings.names)} names at the {self.settings.to} at once")

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        tools, to = self.tools, self.settings.to
        return await tools.shifter.effects(
            await present(tools, self._names), tools.target(OTHER[to]), tools.target(to), tools.ttl
        )

    async def settle(self) -> Answer:
        """See Step: it never settles; how the run goes on is a person's word."""
        settings, tools = self.settings, self.tools
        answer = await landed(tools, tools.moving(), settings.to, settings.agree_every)
        if not answer.done:
            since = self.here.waited("servers")
            if since is None or since < settings.agree_within:
                return Wait(
                    "servers", answer.sentence, then="the run stands still", lasts=settings.agree_within
                )
        few = brief([name.name for name in self._names]) or "nothing had to move"
        way = Way("take the run back", f"blueshift rollback {tools.run}")
        return Hold(f"panic: every name points at the {settings.to} ({few}); {answer.sentence}", (way,))

    @property
    def _names(self) -> tuple[NameFact, ...]:
        return tuple(name for name in self.tools.moving() if name.name in self.settings.names)
