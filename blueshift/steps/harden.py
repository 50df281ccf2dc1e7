"""harden and upgrade: the two revisions of the primary, each while traffic is elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Literal, TypeVar

import msgspec

from blueshift.discovery.world import Rendered
from blueshift.engine.protocol import Answer, Effect, Hold, Settled, StepPlan, Wait
from blueshift.engine.state import State
from blueshift.helm.records import newest
from blueshift.playbook.duration import Seconds
from blueshift.steps.base import Base
from blueshift.steps.context import brief, pods_again
from blueshift.steps.describe import changes_of
from blueshift.steps.facts import Hardened, Quiesced, Snapshot, TemporaryReady, Upgraded
from blueshift.steps.parity import parity, served, unlike
from blueshift.steps.proof import prove
from blueshift.steps.release import Revise
from blueshift.steps.revisions import Grace, Revision
from blueshift.together import together


class RevisionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a rollout may take, and how its pods end."""

    ready_within: Seconds = 600.0
    helm_timeout: Seconds = 300.0
    """Helm's own bound; it waits for hooks only, never for pods."""
    shutdown_grace: Seconds = 15.0
    """How long a pod that was told to end still serves, for load balancers to take it out."""
    min_ready: Seconds = 10.0
    """How long a new pod must be ready before an old one may go."""


S = TypeVar("S", bound=RevisionSettings)


class HardenSettings(RevisionSettings, frozen=True, forbid_unknown_fields=True):
    """The same for the hardening."""

    keep: bool = True
    """It stays when the run is taken back: how pods end is no worse for it."""


class PrimaryRevision(Base[S], ABC, Generic[S]):
    """A revision of the primary, watched until its pods are ready and it proves itself by address."""

    kind: ClassVar[str]

    @abstractmethod
    def becomes(self) -> Literal["old", "hardened", "target"]:
        """What the primary is after it."""

    @abstractmethod
    def revision(self) -> Revision:
        """Chart and values."""

    @abstractmethod
    async def previous(self) -> int:
        """The revision that it must follow."""

    @abstractmethod
    def learnt(self, revision: int) -> tuple[msgspec.Struct, ...]:
        """The facts that it leaves."""

    @abstractmethod
    def rendered(self) -> Rendered:
        """The revision, as it was rendered when the World was looked at."""

    @property
    def grace(self) -> Grace:
        """How its pods are to end."""
        return Grace(int(self.settings.shutdown_grace), int(self.settings.min_ready))

    def needs(self, state: State) -> str | None:
        """See Step."""
        if state.traffic != "temporary":
            return f"traffic is on {state.traffic}, not on the temporary"
        return None if "primary" in state.drained else "the primary was not proven idle"

    def during(self, state: State) -> State:
        """See Step."""
        return state.but(primary="unsure").without_side("verified", "primary")

    def leaves(self, state: State) -> State:
        """See Step."""
        after = state.but(primary=self.becomes()).with_side("verified", "primary")
        return after.without_side("quiesced", "primary")

    def plan(self) -> StepPlan:
        """See Step."""
        rendered = self.rendered()
        release = self.tools.world.release
        return StepPlan(
            f"{self.kind} {release.namespace}/{release.name}: {rendered.chart} {rendered.chart_version}",
            changes_of(rendered),
        )

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        release = self.tools.release("primary")
        return (
            Revise(
                self.tools,
                release,
                self.revision(),
                what=f"{self.kind} {release[0]}",
                previous=await self.previous(),
                timeout=self.settings.helm_timeout,
            ),
        )

    async def settle(self) -> Answer:
        """See Step."""
        pods = await self.tools.witness.pods("primary")
        if pods.failed:
            return Hold(f"the primary's new pods do not start: {pods.failed}")
        if not pods.done:
            return Wait(
                "rollout",
                f"rollout of the primary: {pods.sentence}",
                then="it must prove itself",
                lasts=self.settings.ready_within,
                poll=pods_again(self.here.waited("rollout")),
                on_timeout=Hold(f"the rollout did not finish: {pods.sentence}"),
            )
        proof, read = await together(
            prove(self.tools, "primary", self.tools.world.moving()), served(self.tools)
        )
        if proof.failed:
            proved = self.here.waited("proof")
            if proved is not None and proved > PROOF_PATIENCE:
                return Hold(f"the primary does not prove itself after {self.kind}: {proof.sentence}")
            return Wait("proof", f"the primary does not answer yet: {proof.sentence}")
        skip = self.tools.record.fact(TemporaryReady).skip_routes
        compared = await parity(self.tools, self.tools.target("temporary"), read, skip)
        if problems := compared.problems():
            return unlike(
                self.here,
                f"the primary does not serve after {self.kind} what it served before: "
                f"{brief(problems, 10)} ({compared.said()})",
            )
        revision = await newest(self.tools.kube, *reversed(self.tools.release("primary")))
        said = f"revision {revision}: {proof.sentence}; routes: {compared.said()}"
        return Settled(said, self.learnt(revision))


# Seconds. Ready pods get their endpoints and first reload within a few; what fails after this is broken.
PROOF_PATIENCE = 20.0


class Harden(PrimaryRevision[HardenSettings]):
    """A revision of the same version that ends gracefully."""

    kind: ClassVar[str] = "harden"
    Settings: ClassVar[type[HardenSettings]] = HardenSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (Snapshot,)

    def becomes(self) -> Literal["hardened"]:
        """See above."""
        return "hardened"

    def revision(self) -> Revision:
        """See above."""
        return self.tools.revisions.hardened(self.grace)

    async def previous(self) -> int:
        """See above: the one that was found, or that quieted it since."""
        quiesced = self.tools.record.learnt(Quiesced)
        return quiesced.revision if quiesced else self.tools.record.fact(Snapshot).revision

    def learnt(self, revision: int) -> tuple[msgspec.Struct, ...]:
        """See above."""
        return (Hardened(revision),)

    def rendered(self) -> Rendered:
        """See above."""
        return self.tools.world.harden


class Upgrade(PrimaryRevision[RevisionSettings]):
    """The bump to the target."""

    kind: ClassVar[str] = "upgrade"
    Settings: ClassVar[type[RevisionSettings]] = RevisionSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (Hardened,)

    def becomes(self) -> Literal["target"]:
        """See above."""
        return "target"

    def revision(self) -> Revision:
        """See above."""
        return self.tools.revisions.target(self.grace)

    async def previous(self) -> int:
        """See above."""
        return self.tools.record.fact(Hardened).revision

    def learnt(self, revision: int) -> tuple[msgspec.Struct, ...]:
        """See above."""
        return (Upgraded(revision),)

    def rendered(self) -> Rendered:
        """See above."""
        return self.tools.world.target
