"""floor and release-floors: a side gets as many ready pods as the other before traffic comes to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from blueshift.cluster.ownership import disown
from blueshift.engine.protocol import (
    Absent,
    Answer,
    Done,
    Effect,
    Hold,
    Intent,
    Journalled,
    Observed,
    Settled,
    StepPlan,
    Wait,
)
from blueshift.engine.state import OTHER, SideName, State
from blueshift.playbook.duration import Seconds
from blueshift.steps.base import Base
from blueshift.steps.context import Tools, pods_again
from blueshift.steps.facts import FloorPrimary
from blueshift.steps.proof import prove
from blueshift.steps.scaled import Scaled, scaled


class FloorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which side."""

    side: SideName
    ready_within: Seconds = 600.0


class Floor(Base[FloorSettings]):
    """Raise a side to the other's ready count, see it ready, and prove it once more."""

    kind: ClassVar[str] = "floor"
    Settings: ClassVar[type[FloorSettings]] = FloorSettings

    def needs(self, state: State) -> str | None:
        """See Step."""
        side = self.settings.side
        if side == "temporary" and state.temporary != "ready":
            return "there is no temporary release"
        if side in state.quiesced:
            return f"the {side} was quiesced: its connections end early until its next revision"
        return None if side in state.verified else f"the {side} has not proved itself since it last changed"

    def during(self, state: State) -> State:
        """See Step."""
        return state.with_side("floors", self.settings.side)

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.with_side("floors", self.settings.side)

    def plan(self) -> StepPlan:
        """See Step."""
        side = self.settings.side
        named = self.tools.world.workload.scaled_object if side == "primary" else ""
        by = f" (by minReplicaCount of the ScaledObject {named})" if named else ""
        return StepPlan(
            f"{side}: at least as many ready pods as the {OTHER[side]}, held until the soak is over{by}"
        )

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        side = self.settings.side
        now = await scaled(self.tools, side)
        return (Scale(self.tools, side, now, await self._wanted(), self._before(now)),)

    async def settle(self) -> Answer:
        """See Step."""
        side = self.settings.side
        wanted = await self._wanted()
        pods = await self.tools.witness.pods(side)
        if pods.failed:
            return Hold(f"the {side} does not become ready: {pods.failed}")
        if pods.ready < wanted:
            return Wait(
                "pods",
                f"the {side} has {pods.ready} of {wanted} ready pods: {pods.sentence}",
                then=f"traffic moves to the {side}",
                lasts=self.settings.ready_within,
                poll=pods_again(self.here.waited("pods")),
                on_timeout=Hold(f"the {side} did not get {wanted} ready pods"),
            )
        proof = await prove(self.tools, side, self.tools.world.moving())
        if proof.failed:
            return Hold(f"the {side} does not prove itself: {proof.sentence}")
        said = f"{side}: {pods.ready} ready pods; {proof.sentence}"
        scale = self.tools.record.effect(self.id, "scale")
        if side == "temporary" or scale is None:  # the temporary goes as a whole
            return Settled(said)
        before = scale.intent.expected
        return Settled(said, (FloorPrimary(wanted, before.get("hpa"), before.get("replicas")),))

    async def _wanted(self) -> int:
        """Ready pods of the other side when this was first asked: later changes are an autoscaler's."""
        scale = self.tools.record.effect(self.id, "scale")
        if scale is not None:
            return int(scale.intent.wanted["at least"])
        return (await self.tools.witness.pods(OTHER[self.settings.side])).ready

    def _before(self, scaled: Scaled) -> dict[str, Any]:
        """What stood before the run first raised it: a shift that was taken back has raised it already."""
        now = {"hpa": scaled.least, "replicas": scaled.replicas}
        if self.settings.side == "temporary":
            return now
        first = self.tools.record.learnt(FloorPrimary)
        return {"hpa": first.before, "replicas": first.replicas_before} if first else now


class Scale:
    """Raise the autoscaler's minimum where there is one, else the replicas; never lower anything."""

    key = "scale"

    def __init__(
        self,
        tools: Tools,
        side: SideName,
        scaled: Scaled,
        wanted: int,
        before: Mapping[str, Any],
    ) -> None:
        self._tools = tools
        self._scaled = scaled
        self._wanted = wanted
        name = f"{scaled.autoscaler} minimum" if scaled.autoscaler else "replicas"
        self.intent = Intent(
            f"{side}: {name} to at least {wanted}",
            expected=dict(before),
            wanted={"at least": wanted},
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Look at what scales it now."""
        return Done() if self._scaled.fixed or self._scaled.count >= self._wanted else Absent()

    async def do(self) -> None:
        """Patch one field."""
        await self._tools.kube.patch(self._scaled.path, {"spec": {self._scaled.field: self._wanted}})
        await disown(self._tools.kube, self._scaled.path)


class ReleaseFloorsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say."""


class ReleaseFloors(Base[ReleaseFloorsSettings]):
    """Give the primary's autoscaler the minimum back that it had, or its workload the replicas."""

    kind: ClassVar[str] = "release-floors"
    Settings: ClassVar[type[ReleaseFloorsSettings]] = ReleaseFloorsSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (FloorPrimary,)

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None if state.traffic == "primary" else f"traffic is on {state.traffic}"

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.but(floors=())

    def plan(self) -> StepPlan:
        """See Step."""
        return StepPlan("autoscaler or replicas of the primary may shrink again as before the run")

    async def effects(self) -> Sequence[Effect]:
        """See Step: only the primary's is released; the temporary goes as a whole."""
        floor = self.tools.record.learnt(FloorPrimary)
        if floor is None:
            return ()
        now = await scaled(self.tools, "primary")
        before = floor.before if now.autoscaler else floor.replicas_before
        if now.fixed or before is None:
            return ()
        if now.autoscaler != "ScaledObject":
            before = max(before, 1)  # KEDA's minimum may be none; the chart may have got an HPA since
        return (Lower(self.tools, now.path, now.field, floor.replicas, before),)

    async def settle(self) -> Answer:
        """See Step."""
        return Settled("floors released")


class Lower:
    """Put one count of the primary back to what it was, unless somebody changed it since."""

    key = "lower"

    def __init__(self, tools: Tools, path: str, field: str, raised: int, before: int) -> None:
        self._tools = tools
        self._path = path
        self._field = field
        self._raised = raised
        self._before = before
        self.intent = Intent(
            f"primary: {field} back to {before}",
            expected={field: raised},
            wanted={field: before},
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Somebody's own later change stands: theirs is as good as ours was."""
        if self._before >= self._raised:
            return Done()  # it was never raised
        found = await self._tools.kube.get(self._path)
        return Absent() if found["spec"].get(self._field, 1) == self._raised else Done()

    async def do(self) -> None:
        """Patch one field."""
        await self._tools.kube.patch(self._path, {"spec": {self._field: self._before}})
        await disown(self._tools.kube, self._path)
