"""purge: remove the temporary release, after a person's word and never while it still serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from blueshift.cluster import paths
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
    Way,
)
from blueshift.engine.state import State
from blueshift.engine.store import RUN_LABEL
from blueshift.helm.records import latest
from blueshift.playbook.duration import Seconds
from blueshift.steps.base import Base
from blueshift.steps.context import Tools, brief, pods_again
from blueshift.steps.facts import TemporaryReady
from blueshift.steps.harden import PROOF_PATIENCE
from blueshift.steps.live import landed, live_hosts, pointing
from blueshift.steps.namespace import Empty, ending
from blueshift.steps.proof import prove
from blueshift.together import together

GATE = "purge"
# Seconds without a request before the temporary goes; a gate may have stood open since the drain for days.
_QUIET = 30.0


class PurgeGateSettings(msgspec.Struct, frozen=True):
    """Whether a person is asked."""

    auto: bool = False
    agree_every: float = 5.0
    quiet_within: float = 600.0


class PurgeGate(Base[PurgeGateSettings]):
    """Ask, and see that the temporary receives nothing any more and that no name points at it."""

    kind: ClassVar[str] = "purge-gate"
    Settings: ClassVar[type[PurgeGateSettings]] = PurgeGateSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (TemporaryReady,)

    def needs(self, state: State) -> str | None:
        """See Step."""
        if state.traffic != "primary":
            return f"traffic is on {state.traffic}"
        return None if "temporary" in state.drained else "the temporary was not proven idle"

    def leaves(self, state: State) -> State:
        """See Step."""
        return state

    def plan(self) -> StepPlan:
        """See Step."""
        asked = "" if self.settings.auto else f" after `blueshift approve {self.tools.run} {GATE}`"
        return StepPlan(
            f"the temporary release may go{asked}, once it receives no request and no name points at it"
        )

    async def settle(self) -> Answer:
        """See Step."""
        hosts = {host.host for host in (*self.tools.world.hosts, *await live_hosts(self.tools))}
        busy = self._busy(frozenset(hosts))
        if not busy or self.here.waited("quiet") is None:  # no rounds of an agreement at every look
            asking = landed(self.tools, self.tools.moving(), "primary", self.settings.agree_every)
            # The servers are asked in rounds, which leave time for the proof.
            moved, proof = await together(asking, prove(self.tools, "primary", self.tools.world.moving()))
            if not moved.done:
                said = f"not every name points at the primary: {moved.sentence}"
                then = "the temporary may go"
                return Wait("names", said, then=then, lasts=PROOF_PATIENCE, on_timeout=Hold(said))
        if not self.settings.auto and not self.tools.record.approved(self.id, GATE):
            return Hold("the temporary release can be removed: the way back by it ends then", gate=GATE)
        if busy:
            way = Way("ask again when they have gone", f"blueshift resume {self.tools.run}")
            return Wait(
                "quiet",
                busy,
                then="the temporary goes",
                lasts=self.settings.quiet_within,
                on_timeout=Hold(f"the temporary is not proven idle: {busy}", (way,)),
            )
        if proof.failed:  # asked above, as it is not busy
            said = f"the primary does not answer as it should, so the temporary stays: {proof.sentence}"
            return Wait("proof", said, then="it is asked again", lasts=PROOF_PATIENCE, on_timeout=Hold(said))
        # Last of all, and over everything that has a name here: also what came after the snapshot.
        if left := await pointing(self.tools, "temporary", hosts):
            way = Way("point them at the primary, then", f"blueshift resume {self.tools.run}")
            return Hold(
                f"these names point at the temporary, which would be removed: {brief(left, 20)}", (way,)
            )
        return Settled(f"no name points at the temporary, it receives no request; primary: {proof.sentence}")

    def _busy(self, hosts: frozenset[str]) -> str:
        """Who was served just now, or that nobody watched; empty when it was quiet and seen to be."""
        if not self.tools.target("temporary").addresses:
            return ""  # it was cut off before it had any: nobody could come
        now = self.tools.clock.utc().timestamp()
        since = now - _QUIET
        follower = self.tools.followers["temporary"]
        seen, coverage = follower.requests(since, hosts)
        asked = [f"{item.client or 'somebody'} asks for {item.target}" for item in seen if item.last >= since]
        if asked:
            return f"the temporary still receives requests: {brief(asked)}"
        watched = {one.pod for one in coverage if one.holds(since, now - _QUIET / 2)}
        pods = {look.pod for look in follower.latest}
        left = sorted(pods - watched)
        if pods and not left:
            return ""
        return f"no witness watched {brief(left) or 'the temporary'} for the last {_QUIET:.0f} s"


class PurgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How it goes."""

    auto: bool = False
    """Do not ask a person."""
    agree_every: Seconds = 5.0
    """Seconds between the three rounds in which all authoritative servers must point at the primary."""
    helm_timeout: Seconds = 300.0
    gone_within: Seconds = 600.0


class Purge(Base[PurgeSettings]):
    """Uninstall first, then what the run created: its namespace, and whatever carries its label."""

    kind: ClassVar[str] = "purge"
    Settings: ClassVar[type[PurgeSettings]] = PurgeSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (TemporaryReady,)

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None if state.traffic == "primary" else f"traffic is on {state.traffic}"

    def during(self, state: State) -> State:
        """See Step."""
        return _gone(state.but(temporary="partial"))

    def leaves(self, state: State) -> State:
        """See Step."""
        return _gone(state.but(temporary="absent"))

    def plan(self) -> StepPlan:
        """See Step."""
        world = self.tools.world
        what = "empty its namespace, which was prepared" if world.prepared else "delete its namespace"
        return StepPlan(f"uninstall {world.temporary_namespace}/{world.temporary_release} and {what}")

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        ready = self.tools.record.fact(TemporaryReady)
        uninstall = Uninstall(self.tools, ready.release, ready.namespace, self.settings.helm_timeout)
        if self.tools.world.prepared:
            return (uninstall, Empty(self.tools, ready.namespace))
        if not ready.namespace_uid:
            return (uninstall,)
        return (uninstall, DeleteNamespace(self.tools, ready.namespace, ready.namespace_uid))

    async def settle(self) -> Answer:
        """See Step."""
        left = await leftovers(self.tools)
        if not left:
            return Settled("nothing of the temporary is left")
        return Wait(
            "gone",
            f"still there: {brief(left)}",
            lasts=self.settings.gone_within,
            poll=pods_again(self.here.waited("gone")),
            on_timeout=Hold(f"these stay behind: {brief(left, 10)}"),
        )


def _gone(state: State) -> State:
    return state.without_side("verified", "temporary").without_side("quiesced", "temporary")


class Uninstall:
    """helm uninstall, which removes the webhook first and cluster-scoped objects too."""

    key = "uninstall"

    def __init__(self, tools: Tools, release: str, namespace: str, timeout: float) -> None:
        self._tools = tools
        self._release = release
        self._namespace = namespace
        self._timeout = timeout
        self.intent = Intent(f"helm uninstall {release} -n {namespace}", bound=timeout)

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Gone when no record of it is left; a half-done uninstall is simply done again."""
        record = await latest(self._tools.kube, self._namespace, self._release)
        return Done() if record is None else Absent()

    async def do(self) -> None:
        """Uninstall."""
        await self._tools.helm.uninstall(self._release, self._namespace, timeout=self._timeout)


class DeleteNamespace:
    """Delete the namespace that this run made, by its UID."""

    key = "namespace"

    def __init__(self, tools: Tools, namespace: str, uid: str) -> None:
        self._tools = tools
        self._path = paths.core("namespaces", None, namespace)
        self._namespace = namespace
        self._uid = uid
        self.intent = Intent(f"delete namespace {namespace}", expected={"uid": uid}, bound=600.0)

    async def observe(self, journalled: Journalled | None) -> Observed:
        """One of the same name and another UID is somebody else's: ours has gone."""
        found = await self._tools.kube.find(self._path)
        if found is None or found["metadata"]["uid"] != self._uid:
            return Done()
        if found["metadata"].get("deletionTimestamp"):
            return Done()
        # A namespace that is deleted with pods in it is looked at again only after half their grace period
        # (namespace controller: the estimate of pods), which is minutes; pods end within seconds.
        return await ending(self._tools, self._namespace) or Absent()

    async def do(self) -> None:
        """Delete."""
        await self._tools.kube.delete(self._path, uid=self._uid)


_LABELLED = (
    ("rbac.authorization.k8s.io/v1", "clusterroles"),
    ("rbac.authorization.k8s.io/v1", "clusterrolebindings"),
    ("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations"),
    ("networking.k8s.io/v1", "ingressclasses"),
)


async def leftovers(tools: Tools) -> list[str]:
    """What is still there of the temporary: its record, its namespace, cluster-scoped objects of its own."""
    world = tools.world
    left: list[str] = []
    namespace, labelled = await together(
        tools.kube.find(paths.core("namespaces", None, world.temporary_namespace)),
        together(*(tools.kube.list(paths.apis(group, kind)) for group, kind in _LABELLED)),
    )
    ready = tools.record.fact(TemporaryReady)
    if namespace and ready.namespace_uid == namespace["metadata"]["uid"]:
        left.append(f"namespace {world.temporary_namespace}")
    if namespace and await latest(tools.kube, world.temporary_namespace, world.temporary_release):
        left.append(f"release {world.temporary_release}")
    for (_, kind), items in zip(_LABELLED, labelled, strict=True):
        for item in items:
            metadata = item["metadata"]
            annotations = metadata.get("annotations") or {}
            ours = (
                annotations.get("meta.helm.sh/release-name") == world.temporary_release
                and annotations.get("meta.helm.sh/release-namespace") == world.temporary_namespace
            )
            if ours or (metadata.get("labels") or {}).get(RUN_LABEL) == tools.run:
                left.append(f"{kind}/{metadata['name']}")
    return left
