"""install-temporary: a second release that serves the same Ingresses, proven before any name points at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from blueshift.cluster import paths
from blueshift.engine.protocol import Answer, Effect, Hold, Settled, StepPlan, Wait, Way
from blueshift.engine.state import State
from blueshift.engine.store import RUN_LABEL
from blueshift.playbook.duration import Seconds
from blueshift.shift.protocol import Target
from blueshift.steps.base import Base
from blueshift.steps.context import Tools, brief, pods_again
from blueshift.steps.describe import changes_of
from blueshift.steps.facts import Snapshot, TemporaryReady
from blueshift.steps.namespace import prepare
from blueshift.steps.parity import parity, served, unlike
from blueshift.steps.proof import MOST_HOSTS, ask, said
from blueshift.steps.release import Revise
from blueshift.traffic.parity import Parity

LAST = 2.5
"""Seconds before the addresses have answered for long enough: then routes are compared."""
YOUNG = 5.0
"""Seconds for which a comparison counts: a person may pause the run after it."""


class InstallSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each part may take."""

    ready_within: Seconds = 600.0
    address_within: Seconds = 600.0
    answering: Seconds = 60.0
    """Every address of the temporary must answer for this long without a miss."""
    helm_timeout: Seconds = 300.0
    skip_routes: tuple[str, ...] = ()
    """`host/path` prefixes that are not asked (a route whose GET changes something)."""


class InstallTemporary(Base[InstallSettings]):
    """Namespace, copies, helm install; then ready pods, addresses that answer, and the same routes."""

    kind: ClassVar[str] = "install-temporary"
    Settings: ClassVar[type[InstallSettings]] = InstallSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (Snapshot,)

    def needs(self, state: State) -> str | None:
        """See Step."""
        return None if state.traffic == "primary" else f"traffic is on {state.traffic}, not on the primary"

    def during(self, state: State) -> State:
        """See Step."""
        return state.but(temporary="partial")

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.but(temporary="ready").with_side("verified", "temporary")

    def plan(self) -> StepPlan:
        """See Step."""
        world = self.tools.world
        return StepPlan(
            f"install {world.temporary_namespace}/{world.temporary_release} "
            f"from the running chart {world.temporary.chart} {world.temporary.chart_version}",
            changes_of(world.temporary),
            waits=(
                f"ready pods: at most {self.settings.ready_within:.0f} s",
                f"addresses: at most {self.settings.address_within:.0f} s",
                f"every address must answer for {self.settings.answering:.0f} s, each route as the primary's",
            ),
            seconds=self.settings.answering,
        )

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        world = self.tools.world
        revision = self.tools.temporary()
        install = Revise(
            self.tools,
            (world.temporary_release, world.temporary_namespace),
            revision,
            what=f"install {world.temporary_release}",
            previous=0,
            timeout=self.settings.helm_timeout,
        )
        return (*await prepare(self.tools), install)

    async def settle(self) -> Answer:
        """See Step."""
        settings = self.settings
        pods = await self.tools.witness.pods("temporary")
        if pods.failed:
            return Hold(f"the temporary's pods do not start: {pods.failed}")
        if not pods.done:
            return Wait(
                "pods",
                f"pods of the temporary: {pods.sentence}",
                then="its addresses must answer",
                lasts=settings.ready_within,
                poll=pods_again(self.here.waited("pods")),
                on_timeout=Hold(f"the temporary did not become ready: {pods.sentence}"),
            )
        target = await self.tools.witness.addresses("temporary")
        missing = _missing(self.tools, target)
        if missing:
            return Wait(
                "address",
                f"the temporary's Service has no {missing} address yet",
                then="its addresses must answer",
                lasts=settings.address_within,
                on_timeout=Hold(
                    f"the temporary's Service got no {missing} address in {settings.address_within:.0f} s",
                    (Way("see what its events say", self._events()),),
                ),
            )
        return await self._answering(target)

    async def _answering(self, target: Target) -> Answer:
        world, settings = self.tools.world, self.settings
        hosts = [(host.host, host.tls) for host in world.hosts if 0 < world.baseline.get(host.host, 0) < 500]
        ports = (world.service().http, world.service().https)
        answers = await ask(
            self.tools.clock, hosts[:MOST_HOSTS], target, ports, world.controller.proxy_protocol
        )
        bad = [answer for answer in answers if not answer.good]
        if bad:
            self._answered_since = self._compared = None
            first = bad[0]
            where = f"{first.host} at {first.address}: {said(first.result)}"
            sentence = f"{len(bad)} of {len(answers)} probes failed: {where}"
            hold = Hold(f"the temporary's addresses do not answer: {sentence}")
            return Wait(
                "first answers",
                sentence,
                then="they must go on answering",
                lasts=settings.address_within,
                on_timeout=hold,
            )
        now = self.tools.clock.now()
        if self._answered_since is None:
            self._answered_since = now
        left = settings.answering - (now - self._answered_since)
        # Routes are compared while the last seconds pass. What is proven is as young as when they are over.
        compared = await self._same_routes(target) if left <= LAST else None
        if isinstance(compared, Wait | Hold):
            return compared
        if left > 0 or compared is None:
            return Wait(
                "answering",
                f"{' '.join(target.addresses)} must answer for {settings.answering:.0f} s; "
                f"{settings.answering - left:.0f} s so far",
                then="traffic may move to it",
                lasts=settings.answering,
                poll=min(2.0, max(left, 0.5)),
            )
        baseline = self.tools.followers["primary"].baseline()
        fact = TemporaryReady(
            world.temporary_release,
            world.temporary_namespace,
            await self._namespace_uid(),
            target.ipv4,
            target.ipv6,
            settings.skip_routes,
        )
        return Settled(f"{' '.join(target.addresses)} answer; routes: {compared.said()}", (fact, baseline))

    async def _same_routes(self, target: Target) -> Parity | Wait | Hold:
        """Compare all routes of both sides, or what came out of it a moment ago."""
        clock = self.tools.clock
        if self._compared is not None and clock.now() - self._compared[0] < YOUNG:
            return self._compared[1]
        compared = await parity(self.tools, target, await served(self.tools), self.settings.skip_routes)
        if problems := compared.problems():
            shown = brief(problems, 10)
            sentence = f"the temporary does not serve what the primary serves: {shown} ({compared.said()})"
            return unlike(self.here, sentence)
        self._compared = (clock.now(), compared)
        return compared

    # In memory on purpose: a resume has not seen the time in between, so it watches anew.
    _answered_since: float | None = None
    _compared: tuple[float, Parity] | None = None
    """When both sides were seen to serve the same routes."""

    async def _namespace_uid(self) -> str:
        name = self.tools.world.temporary_namespace
        found = await self.tools.kube.get(paths.core("namespaces", None, name))
        ours = (found["metadata"].get("labels") or {}).get(RUN_LABEL) == self.tools.run
        return str(found["metadata"]["uid"]) if ours else ""

    def _events(self) -> str:
        return f"{self.tools.places.kubectl} get events -n {self.tools.world.temporary_namespace}"


def _missing(tools: Tools, target: Target) -> str:
    """The family that names need and the Service has not."""
    types = {record.type for name in tools.world.moving() for record in name.records}
    if "A" in types and not target.ipv4:
        return "IPv4"
    return "IPv6" if "AAAA" in types and not target.ipv6 else ""
