"""lower-ttl and restore-ttl: the TTL of the moving names, before the first shift and after the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from blueshift.discovery.world import NameFact
from blueshift.dns.records import Change, RecordSet
from blueshift.engine.protocol import (
    Answer,
    Effect,
    Hold,
    PlannedChange,
    Settled,
    StepPlan,
    Wait,
)
from blueshift.engine.state import State
from blueshift.playbook.duration import Seconds
from blueshift.shift.protocol import Landed
from blueshift.shift.swap import swaps
from blueshift.steps.base import Base
from blueshift.steps.context import Tools, brief
from blueshift.steps.facts import TtlLowered
from blueshift.steps.live import present


class LowerTtlSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How low, and how long the old TTL is waited out."""

    ttl: Seconds = 60.0
    """Wanted TTL; never below the backend's minimum."""
    factor: Annotated[float, msgspec.Meta(ge=0)] = 1.1
    """The old TTL is waited out this many times: some resolvers are late (facts: dns.md §4)."""
    margin: Seconds = 60.0
    """Seconds on top."""
    agree_within: Seconds = 300.0
    """Seconds that the authoritative servers may take to agree."""
    agree_every: Seconds = 5.0
    """Seconds between the three rounds in which they must."""


class LowerTtl(Base[LowerTtlSettings]):
    """Lower the TTL, then wait the old one out from the moment all servers show the new one."""

    kind: ClassVar[str] = "lower-ttl"
    Settings: ClassVar[type[LowerTtlSettings]] = LowerTtlSettings

    @property
    def _ttl(self) -> int:
        return low_ttl(self.tools, self.settings.ttl)

    @property
    def _longest(self) -> int:
        return max((record.ttl for name in self.tools.world.moving() for record in name.records), default=0)

    @property
    def _lasts(self) -> float:
        """Seconds to wait: nothing when nothing is lowered."""
        lowers = self._longest > self._ttl
        return self._longest * self.settings.factor + self.settings.margin if lowers else 0.0

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None if state.traffic == "primary" else f"traffic is on {state.traffic}, not on the primary"

    def during(self, state: State) -> State:
        """See Step."""
        return state.but(ttl="low")

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.but(ttl="low")

    def plan(self) -> StepPlan:
        """See Step."""
        changes = _retimed(self.tools.world.moving(), to=self._ttl)
        return StepPlan(
            f"TTL of {len({c.name for c in changes})} names to {self._ttl} s",
            tuple(PlannedChange(f"{c.name} {c.type}", _ttl_line(c)) for c in changes),
            waits=(f"{self._lasts:.0f} s until no resolver holds an answer with the old TTL",),
            seconds=self._lasts,
        )

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        changes = _retimed(self.tools.world.moving(), to=self._ttl)
        return await swaps(self.tools.dns, f"TTL to {self._ttl} s", changes, self.here.notice)

    async def settle(self) -> Answer:
        """See Step."""
        waited = self.here.waited("old-ttl")
        if waited is None:
            primary = self.tools.target("primary")
            landed = await self.tools.shifter.landed(
                self.tools.world.moving(), primary, self._ttl, self.settings.agree_every
            )
            if not landed.done:
                return Wait(
                    "servers",
                    landed.sentence,
                    then="the old TTL is waited out",
                    lasts=self.settings.agree_within,
                    on_timeout=Hold(f"the authoritative servers do not agree: {landed.sentence}"),
                )
        if (waited or 0.0) >= self._lasts and (waited is not None or not self._lasts):
            said = f"every authoritative server answers with TTL {self._ttl}"
            return Settled(said, (TtlLowered(self._ttl),))
        return Wait(
            "old-ttl",
            f"resolvers may hold answers with the old TTL of {self._longest} s",
            then="the temporary release is installed",
            lasts=self._lasts,
            unattended=self._lasts - (waited or 0.0),
        )


class RestoreTtlSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say but how long servers may take."""

    agree_within: Seconds = 300.0
    agree_every: Seconds = 5.0


class RestoreTtl(Base[RestoreTtlSettings]):
    """Give every moved name that is still there the TTL that it had; others are not touched."""

    kind: ClassVar[str] = "restore-ttl"
    Settings: ClassVar[type[RestoreTtlSettings]] = RestoreTtlSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (TtlLowered,)

    def needs(self, state: State) -> str | None:
        """See Step."""
        if state.traffic != "primary":
            return f"traffic is on {state.traffic}, not on the primary"
        return None if state.temporary == "absent" else "the temporary release is still there"

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.but(ttl="as-before")

    def plan(self) -> StepPlan:
        """See Step."""
        names = brief([name.name for name in self.tools.world.moving()])
        return StepPlan(f"TTL of {names} back to what it was")

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        changes = [
            Change(low.name, low.type, low, before)
            for name in await present(self.tools, self.tools.moving())
            for before in name.records
            if (low := _at_most(before, self.tools.ttl)) != before
        ]
        return await swaps(self.tools.dns, "TTL back to what it was", changes, self.here.notice)

    async def settle(self) -> Answer:
        """See Step."""
        names = self.tools.moving()
        landed = await self._as_before(names)
        if not landed.done and len(there := await present(self.tools, names)) < len(names):
            if not there:
                return Settled("none of the names has a record any more")
            landed = await self._as_before(there)
        if landed.done:
            return Settled("every record is as it was before the run, TTL too")
        hold = Hold(f"the authoritative servers do not agree: {landed.sentence}")
        return Wait("servers", landed.sentence, lasts=self.settings.agree_within, on_timeout=hold)

    async def _as_before(self, names: Sequence[NameFact]) -> Landed:
        wanted = [record for name in names for record in name.records]
        return await self.tools.agreement(wanted, self.settings.agree_every)


def low_ttl(tools: Tools, wanted: float) -> int:
    """The TTL that a run works with: what is wanted, or the backend's minimum if that is more."""
    return max(int(wanted), tools.world.dns.min_ttl)


def _retimed(names: Sequence[NameFact], *, to: int) -> list[Change]:
    """Values unchanged, TTL as wanted; one that is lower already stays."""
    return [
        Change(record.name, record.type, record, _at_most(record, to))
        for name in names
        for record in name.records
        if record.ttl > to
    ]


def _at_most(record: RecordSet, ttl: int) -> RecordSet:
    return RecordSet(record.name, record.type, min(ttl, record.ttl), record.values)


def _ttl_line(change: Change) -> str:
    before = change.expected.ttl if change.expected else 0
    after = change.desired.ttl if change.desired else 0
    return f"- TTL {before}\n+ TTL {after}"
