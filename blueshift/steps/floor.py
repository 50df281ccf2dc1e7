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
from blueshift.errors import BlueshiftError
from blueshift.playbook.duration import Seconds
from blueshift.steps.base import Base
from blueshift.steps.context import Tools
from blueshift.steps.facts import FloorPrimary, FloorTemporary
from blueshift.steps.proof import prove


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
        return StepPlan(
            f"{side}: at least as many ready pods as the {OTHER[side]}, held until the soak is over"
        )

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        side = self.settings.side
        wanted = (await self.tools.witness.pods(OTHER[side])).ready
        scaled = await self.tools.witness.scaled(side)
        return (Scale(self.tools, side, scaled, wanted),)

    async def settle(self) -> Answer:
        """See Step."""
        side = self.settings.side
        wanted = (await self.tools.witness.pods(OTHER[side])).ready
        pods = await self.tools.witness.pods(side)
        if pods.failed:
            return Hold(f"the {side} does not become ready: {pods.failed}")
        if pods.ready < wanted:
            return Wait(
                "pods",
                f"the {side} has {pods.ready} of {wanted} ready pods: {pods.sentence}",
                then=f"traffic moves to the {side}",
                lasts=self.settings.ready_within,
                on_timeout=Hold(f"the {side} did not get {wanted} ready pods"),
            )
        proof = await prove(self.tools, side, self.tools.world.moving())
        if proof.failed:
            return Hold(f"the {side} does not prove itself: {proof.sentence}")
        fact = FloorTemporary if side == "temporary" else FloorPrimary
        scale = self.tools.record.effect(self.id, "scale")
        before = scale.intent.expected if scale else None
        return Settled(
            f"{side}: {pods.ready} ready pods; {proof.sentence}",
            (fact(wanted, int(before["hpa"]) if before and before.get("hpa") is not None else None),),
        )


class Scale:
    """Raise the autoscaler's minimum where there is one, else the replicas; never lower anything."""

    key = "scale"

    def __init__(self, tools: Tools, side: SideName, scaled: Mapping[str, Any], wanted: int) -> None:
        self._tools = tools
        self._scaled = scaled
        self._wanted = wanted
        name = "HPA minimum" if scaled.get("hpa_path") else "replicas"
        self.intent = Intent(
            f"{side}: {name} to at least {wanted}",
            expected={"hpa": scaled.get("hpa_min"), "replicas": scaled.get("replicas")},
            wanted={"at least": wanted},
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Look at what scales it now."""
        has = self._scaled["hpa_min"] if self._scaled.get("hpa_path") else self._scaled["replicas"]
        if self._scaled.get("fixed"):
            return Done()  # a DaemonSet has a pod on every node
        return Done() if has >= self._wanted else Absent()

    async def do(self) -> None:
        """Patch one field."""
        if path := self._scaled.get("hpa_path"):
            await self._tools.kube.patch(path, {"spec": {"minReplicas": self._wanted}})
            await disown(self._tools.kube, path)
        else:
            await self._tools.kube.patch(self._scaled["path"], {"spec": {"replicas": self._wanted}})
            await disown(self._tools.kube, self._scaled["path"])


class ReleaseFloorsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to say."""


class ReleaseFloors(Base[ReleaseFloorsSettings]):
    """Give autoscalers the minimum back that they had."""

    kind: ClassVar[str] = "release-floors"
    Settings: ClassVar[type[ReleaseFloorsSettings]] = ReleaseFloorsSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (FloorTemporary, FloorPrimary)

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None if state.traffic == "primary" else f"traffic is on {state.traffic}"

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.but(floors=())

    def plan(self) -> StepPlan:
        """See Step."""
        return StepPlan("autoscalers may shrink again as before the run")

    async def effects(self) -> Sequence[Effect]:
        """See Step: only the primary's is released; the temporary goes as a whole."""
        try:
            floor = self.tools.record.fact(FloorPrimary)
        except BlueshiftError:
            return ()
        scaled = await self.tools.witness.scaled("primary")
        if floor.before is None or not scaled.get("hpa_path"):
            return ()
        return (Lower(self.tools, scaled, floor),)

    async def settle(self) -> Answer:
        """See Step."""
        return Settled("floors released")


class Lower:
    """Put the primary's autoscaler minimum back, unless somebody changed it since."""

    key = "lower"

    def __init__(self, tools: Tools, scaled: Mapping[str, Any], floor: FloorPrimary) -> None:
        self._tools = tools
        self._path = str(scaled["hpa_path"])
        self._floor = floor
        self.intent = Intent(
            f"primary: HPA minimum back to {floor.before}",
            expected={"hpa": floor.replicas},
            wanted={"hpa": floor.before},
        )

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Somebody's own later change stands: theirs is as good as ours was."""
        found = await self._tools.kube.get(self._path)
        return Absent() if found["spec"].get("minReplicas", 1) == self._floor.replicas else Done()

    async def do(self) -> None:
        """Patch one field."""
        await self._tools.kube.patch(self._path, {"spec": {"minReplicas": self._floor.before}})
        await disown(self._tools.kube, self._path)
