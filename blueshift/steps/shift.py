"""shift: a floor and one step per wave, so that each is journalled, held and resumed by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import ClassVar

import msgspec

from blueshift.discovery.world import NameFact
from blueshift.engine.protocol import Answer, Effect, Hold, PlannedChange, Retreat, Settled, StepPlan, Wait
from blueshift.engine.state import OTHER, SideName, State
from blueshift.playbook.duration import Seconds
from blueshift.shift.protocol import Landed, desired
from blueshift.steps.base import Base
from blueshift.steps.context import brief
from blueshift.steps.facts import Swapped, WaveVerdict, WaveVerdicts
from blueshift.steps.live import landed, present
from blueshift.steps.proof import prove
from blueshift.steps.verdict import wave_verdict
from blueshift.together import together


class ShiftSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where to, in which waves, and how long each is watched."""

    to: SideName
    canary: int = 1
    """Names in the first wave."""
    waves: tuple[float, ...] = (10.0, 100.0)
    """After the canary: per cent of all names that have moved when the wave has landed."""
    hold: Seconds = 300.0
    """How long each wave is watched before the next."""
    agree_within: Seconds = 300.0
    """Seconds that the authoritative servers may take to agree."""
    agree_every: Seconds = 5.0
    """Seconds between the three rounds in which they must."""

    def __post_init__(self) -> None:
        if self.canary < 0:
            raise ValueError("`canary` is a number of names")
        rising = all(one < other for one, other in pairwise((0.0, *self.waves)))
        if not rising or self.waves[-1:] != (100,):
            raise ValueError("`waves` are rising shares in per cent, and the last one is 100")


class GatherSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Names that are astray in the middle of a shift, to one side in one wave."""

    to: SideName
    names: tuple[str, ...]
    hold: float = 300.0
    agree_within: float = 300.0
    agree_every: float = 5.0


class WaveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One wave: the names from `first` up to, and not with, `end`."""

    to: SideName
    only: tuple[str, ...] = ()
    """The names that are counted; none for all that move."""
    first: int
    end: int
    last: bool
    hold: float
    agree_within: float
    agree_every: float


def cut(names: int, settings: ShiftSettings) -> tuple[WaveSettings, ...]:
    """Cut `names` names into waves: a canary, then cumulative shares; empty waves fall away."""
    ends = [min(settings.canary, names)]
    for share in settings.waves:
        ends.append(max(ends[-1], min(names, math.ceil(names * share / 100))))
    ends[-1] = names
    starts = [0, *ends[:-1]]
    spans = [(first, end) for first, end in zip(starts, ends, strict=True) if end > first]
    return tuple(
        WaveSettings(
            to=settings.to,
            first=first,
            end=end,
            last=end == names,
            hold=settings.hold,
            agree_within=settings.agree_within,
            agree_every=settings.agree_every,
        )
        for first, end in spans
    )


def gathering(settings: GatherSettings) -> WaveSettings:
    """The one wave that brings names which are astray to the side where the others are."""
    return WaveSettings(
        to=settings.to,
        only=settings.names,
        first=0,
        end=len(settings.names),
        last=True,
        hold=settings.hold,
        agree_within=settings.agree_within,
        agree_every=settings.agree_every,
    )


class Wave(Base[WaveSettings]):
    """Swap one wave's names, see them at every authority, and watch both sides."""

    kind: ClassVar[str] = "wave"
    Settings: ClassVar[type[WaveSettings]] = WaveSettings

    @property
    def names(self) -> tuple[NameFact, ...]:
        """The names of this wave; the last one has those that were taken along after the snapshot."""
        return self._counted[self.settings.first : self._end]

    @property
    def _counted(self) -> tuple[NameFact, ...]:
        planned = ordered(self.tools.world.moving())
        names = (*planned, *ordered(self.tools.moving()[len(planned) :]))
        only = self.settings.only
        return tuple(name for name in names if not only or name.name in only)

    @property
    def _end(self) -> int | None:
        return None if self.settings.last else self.settings.end

    def needs(self, state: State) -> str | None:
        """See Step: never to a side that has not just proved itself."""
        to = self.settings.to
        if to not in state.verified:
            return f"the {to} has not proved itself since it last changed"
        if to not in state.floors:
            return f"the {to} has no replica floor"
        return None if state.ttl == "low" else "the TTL was not lowered"

    def during(self, state: State) -> State:
        """See Step."""
        return state.but(traffic="split").without_side("drained", self.settings.to)

    def leaves(self, state: State) -> State:
        """See Step."""
        moved = state.but(traffic=self.settings.to if self.settings.last else "split")
        return moved.without_side("drained", self.settings.to)

    def plan(self) -> StepPlan:
        """See Step."""
        names, to = self.names, self.settings.to
        changes: list[PlannedChange] = []
        for name in names:
            before = " ".join(value for record in name.records for value in record.values)
            after = before if to == "primary" else "<address of the temporary>"
            here, there = (after, before) if to == "temporary" else (before, "<address of the temporary>")
            changes.append(PlannedChange(name.name, f"- {there}\n+ {here}"))
        return StepPlan(
            f"point {len(names)} names at the {to}: {brief([name.name for name in names])}",
            tuple(changes),
            waits=(f"{self.settings.hold:.0f} s watched after all servers agree",),
            seconds=self.settings.hold,
        )

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        tools, to = self.tools, self.settings.to
        source = tools.target(OTHER[to])
        return await tools.shifter.effects(
            await present(tools, self.names), source, tools.target(to), tools.ttl
        )

    async def settle(self) -> Answer:
        """See Step."""
        settings, tools = self.settings, self.tools
        watched = self.here.waited("watch")
        seen: Landed | None = None
        proving = prove(tools, settings.to, self.names)
        if watched is not None and watched < settings.hold:
            proof = await proving
        else:  # the servers are asked in rounds, which leave time for the proof
            asking = landed(tools, self.names, settings.to, settings.agree_every)
            seen, proof = await together(asking, proving)
        if watched is None and seen and not seen.done:
            return self._asked_again(seen)
        if proof.failed:
            return Hold(f"the {settings.to} does not answer as it should: {proof.sentence}", retreat=True)
        if watched is None:
            wave_verdict(tools, settings.to, 0.0)
        if watched is None or seen is None:
            return Wait(
                "watch",
                f"wave landed; watching the {settings.to}: {proof.sentence}",
                then="the next wave" if not settings.last else "the drain",
                lasts=settings.hold,
            )
        if seen.unknown:  # a silent server has not said that a name was changed
            return self._asked_again(seen)
        if not seen.done:
            # Changed meanwhile, or taken back by a process that was killed before it could write so.
            said = f"the names do not answer with the {settings.to} any more: {seen.sentence}"
            return Hold(said, retreat=True)
        target = tools.target(settings.to)
        ttl = max((r.ttl for name in self.names for r in desired(name, target, tools.ttl)), default=tools.ttl)
        # The watch began when all servers agreed: that instant is where drains count from.
        landed_at = self.here.utc() - timedelta(seconds=watched)
        names = f"{len(self.names)} names answer" if len(self.names) != 1 else "1 name answers"
        said = f"{names} with the {settings.to}; {proof.sentence}"
        verdict = wave_verdict(tools, settings.to, self.here.waited("watch") or watched)
        if verdict is None:
            return Settled(said, (Swapped(settings.to, landed_at, ttl),))
        if verdict.outcome == "fail":
            self.here.notice(f"the {settings.to} does not do as well as before: {'; '.join(verdict.reasons)}")
        said += f"; its logs meanwhile: {verdict.outcome}: {'; '.join(verdict.reasons)}"
        known = tools.record.learnt(WaveVerdicts) or WaveVerdicts()
        others = tuple(one for one in known.waves if one.step != self.id)
        record = WaveVerdicts((*others, WaveVerdict(self.id, verdict)))
        return Settled(said, (Swapped(settings.to, landed_at, ttl), record))

    def _asked_again(self, seen: Landed) -> Wait:
        """Of the wait before the watch, and of that after it: each has its time."""
        watched = self.here.waited("watch") is not None
        return Wait(
            "servers-again" if watched else "servers",
            seen.sentence,
            then="the wave is done" if watched else "the wave is watched",
            lasts=self.settings.agree_within,
            on_timeout=Hold(f"the authoritative servers do not agree: {seen.sentence}"),
        )

    async def retreat(self) -> Retreat | None:
        """Every name that has moved goes back to the side that it came from, if that side proves itself."""
        tools, to = self.tools, self.settings.to
        source = OTHER[to]
        moved = await present(tools, self._counted[: self._end])
        if (await prove(tools, source, moved)).failed:
            return None
        back = await tools.shifter.effects(moved, tools.target(to), tools.target(source), tools.ttl)
        shift = self.id.rpartition("/")[0]
        steps = (f"{shift}/floor", *(f"{shift}/wave-{number}" for number in range(1, self._number + 1)))
        return Retreat(back, steps, tools.record.state.but(traffic=source).without_side("drained", to))

    @property
    def _number(self) -> int:
        return int(self.id.rpartition("-")[2])


def ordered(names: Sequence[NameFact]) -> tuple[NameFact, ...]:
    """Names in the order in which waves take them: by name, hosts behind wildcards last."""
    return tuple(sorted(names, key=lambda name: (name.name.startswith("*"), name.name)))
