"""What all steps share: an id, their settings, their tools, and the ways back by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec

from blueshift.engine.protocol import Effect, Retreat, Way
from blueshift.engine.state import State
from blueshift.steps.context import Here, Tools
from blueshift.steps.ways import ways_back

S = TypeVar("S", bound=msgspec.Struct)


class Base(Generic[S]):
    """A step with settings of type `S`."""

    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = ()

    def __init__(self, step: str, settings: S, tools: Tools) -> None:
        self.id = step
        self.settings = settings
        self.tools = tools
        self.here = Here(step, tools)

    def during(self, state: State) -> State:
        """See Step; as before, unless a step says otherwise."""
        return state

    async def effects(self) -> Sequence[Effect]:
        """See Step; none unless a step says otherwise."""
        return ()

    async def retreat(self) -> Retreat | None:
        """See Step; most steps move no traffic."""
        return None

    async def ways(self) -> Sequence[Way]:
        """See Step: everything taken back by hand."""
        back = await ways_back(self.tools)
        return [Way(f"back {turn}. {way.what}", way.command) for turn, way in enumerate(back, 1)]


class Waits(Base[S]):
    """A step that changes nothing and may stand anywhere: it only keeps the run from its next step."""

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None

    def leaves(self, state: State) -> State:
        """See Step."""
        return state
