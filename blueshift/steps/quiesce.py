"""quiesce: a side that traffic has left ends its connections early, by its controller's own settings.

A busy connection never asks DNS again and outlives every TTL. A revision that changes only keep-alive
settings makes the data plane reload, which ends the connections that are open, and gives few answers to new
ones. `wake` takes it back where the side is needed again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, ClassVar, TypeVar

import msgspec

from blueshift.engine.protocol import Answer, Effect, Further, Hold, Settled, StepPlan, Wait
from blueshift.engine.state import OTHER, SideName, State
from blueshift.helm.records import newest
from blueshift.playbook.duration import Seconds
from blueshift.playbook.schema import Playbook
from blueshift.steps.base import Base
from blueshift.steps.context import Tools, brief, pods_again
from blueshift.steps.describe import changes_of
from blueshift.steps.facts import Quiesced, Swapped
from blueshift.steps.harden import PROOF_PATIENCE
from blueshift.steps.parity import dumped
from blueshift.steps.proof import prove
from blueshift.steps.release import Revise
from blueshift.steps.revisions import Quiet, Revision
from blueshift.steps.scaled import scaled
from blueshift.together import together


class QuiesceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How early connections end."""

    side: SideName
    requests: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Answers that a connection gets. HTTP/2 clients with many requests at a time fare better with more."""
    idle: Seconds = 10.0
    """How long a connection without a request stays; whole seconds."""
    factor: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    """Times the TTL in force at the swap that pass first: whoever asks DNS meanwhile goes by himself."""
    taken_within: Seconds = 120.0
    """How long pods may take to be configured so."""
    helm_timeout: Seconds = 300.0

    def __post_init__(self) -> None:
        if self.idle < 1:
            raise ValueError("`idle` is a second at least: 0 breaks HTTP/2")

    @property
    def quiet(self) -> Quiet:
        """The same for the revision."""
        return Quiet(self.requests, int(self.idle))


class WakeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which side gets its keep-alive settings back."""

    side: SideName
    helm_timeout: Seconds = 300.0


def quiesces(playbook: Playbook) -> tuple[QuiesceSettings, ...]:
    """Of the sides whose connections the playbook ends early."""
    return tuple(entry.settings for entry in playbook.steps if isinstance(entry.settings, QuiesceSettings))


S = TypeVar("S", QuiesceSettings, WakeSettings)


async def of_side(tools: Tools, side: SideName) -> Revision:
    """What a side is made of when it is not quiesced; only an unchanged primary ever is."""
    if side == "primary":
        return tools.revisions.before()
    # The floor may have been raised since it was installed, and a revision would lower it again.
    raised = await scaled(tools, "temporary")
    return tools.temporary(ready=max(tools.world.workload.ready, raised.count))


async def revise(tools: Tools, side: SideName, revision: Revision, what: str, timeout: float) -> Effect:
    """The next revision of a side; `timeout` is Helm's own, in seconds."""
    release = tools.release(side)
    previous = await newest(tools.kube, *reversed(release))
    return Revise(tools, release, revision, what=f"{what} {release[0]}", previous=previous, timeout=timeout)


async def waking(tools: Tools, settings: WakeSettings) -> Effect:
    """The revision that gives a side its own keep-alive settings back."""
    side = settings.side
    return await revise(tools, side, await of_side(tools, side), Wake.kind, settings.helm_timeout)


class KeepAlive(Base[S]):
    """A revision of one side that changes nothing but keep-alive settings: no pod is made anew."""

    async def _proven(self, said: str, facts: tuple[msgspec.Struct, ...] = ()) -> Answer:
        """Whether it still serves."""
        side = self.settings.side
        pods, proof = await together(
            self.tools.witness.pods(side), prove(self.tools, side, self.tools.world.moving())
        )
        if pods.failed or not pods.done:
            why = pods.failed or pods.sentence
            held = Hold(f"the pods of the {side} were to stay as they were: {why}")
            poll = pods_again(self.here.waited("pods"))
            return Wait("pods", f"pods of the {side}: {why}", lasts=600.0, poll=poll, on_timeout=held)
        if proof.failed:
            held = Hold(f"the {side} does not prove itself after {self.id}: {proof.sentence}")
            why = f"the {side} does not answer yet: {proof.sentence}"
            return Wait("proof", why, lasts=PROOF_PATIENCE, on_timeout=held)
        return Settled(f"{said}; {proof.sentence}", facts)


class Quiesce(KeepAlive[QuiesceSettings]):
    """End its connections early until its next revision."""

    kind: ClassVar[str] = "quiesce"
    Settings: ClassVar[type[QuiesceSettings]] = QuiesceSettings
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = (Swapped,)

    def needs(self, state: State) -> str | None:
        """See Step."""
        side = self.settings.side
        if state.traffic != OTHER[side]:
            return f"traffic is on {state.traffic}, not on the {OTHER[side]}"
        if side == "temporary":
            return None if state.temporary == "ready" else "there is no temporary release"
        # Later on its pods have been made anew, and no connection is older than they are.
        return None if state.primary == "old" else "the primary was changed already"

    def during(self, state: State) -> State:
        """See Step."""
        return self.leaves(state).without_side("verified", self.settings.side)

    def leaves(self, state: State) -> State:
        """See Step."""
        return state.with_side("quiesced", self.settings.side)

    def plan(self) -> StepPlan:
        """See Step."""
        settings = self.settings
        rendered = self.tools.world.quiesced.get(settings.side)
        return StepPlan(
            f"connections to the {settings.side} end after {settings.requests} answers",
            changes_of(rendered) if rendered else (),
            waits=(f"{settings.factor:g} times the TTL since the shift",),
            consequences=(
                f"of the connections that are open then, {self._cut()}",
                *(() if rendered else ("what it changes is not shown: this World was taken without it",)),
            ),
        )

    async def effects(self) -> Sequence[Effect]:
        """See Step: none before it is time."""
        if self._early() > 0:
            return ()
        if self.tools.record.effect(self.id, Revise.key) is None:
            self.here.notice(f"nginx of the {self.settings.side} is reloaded: {self._cut()}")
        tools, settings = self.tools, self.settings
        quiet = tools.revisions.quiesced(await of_side(tools, settings.side), settings.quiet)
        return (await revise(tools, settings.side, quiet, self.kind, settings.helm_timeout),)

    async def settle(self) -> Answer:
        """See Step."""
        side, settings = self.settings.side, self.settings
        if (early := self._early()) > 0:
            return Wait(
                "ttl",
                f"{early:.0f} s until nobody who keeps to the TTL is told the {side} any more",
                then="its connections are ended",
                poll=min(2.0, max(early, 0.5)),
                unattended=early,
            )
        known = self.tools.record.effect(self.id, Revise.key)
        if known is None or known.done is None:
            return Further(effects=tuple(await self.effects()))
        if missing := await self._missing():
            why = f"not yet configured to end connections early: {brief(missing)}"
            held = Hold(f"{why}; a custom nginx.tmpl may leave keepalive_requests out")
            poll = pods_again(self.here.waited("taken"))
            return Wait("taken", why, lasts=settings.taken_within, poll=poll, on_timeout=held)
        revision = await newest(self.tools.kube, *reversed(self.tools.release(side)))
        said = f"revision {revision}: connections to the {side} end after {settings.requests} answers"
        return await self._proven(said, (Quiesced(revision),) if side == "primary" else ())

    async def _missing(self) -> list[str]:
        """Pods whose generated configuration does not say so yet."""
        tools, side = self.tools, self.settings.side
        missing = []
        for pod in await tools.witness.ready(side):
            dump = await dumped(tools, side, pod)
            found = await asyncio.to_thread(tools.profile.keepalive_requests, dump)
            if found is None or found > self.settings.requests:
                missing.append(pod)
        return missing

    def _early(self) -> float:
        """Seconds until it may begin."""
        swapped = self.tools.record.fact(Swapped)
        passed = (self.here.utc() - swapped.at).total_seconds()
        return max(0.0, self.settings.factor * swapped.ttl - passed)

    def _cut(self) -> str:
        rendered = self.tools.world.quiesced.get(self.settings.side)
        seconds = rendered.side.settings.worker_shutdown_timeout if rendered and rendered.side else None
        after = f"{seconds} s" if seconds is not None else "the time of worker-shutdown-timeout"
        return f"idle ones end at once, others with their answers, and WebSockets are cut after {after}"


class Wake(KeepAlive[WakeSettings]):
    """Its own keep-alive settings again, since traffic is to come back to it."""

    kind: ClassVar[str] = "wake"
    Settings: ClassVar[type[WakeSettings]] = WakeSettings

    def needs(self, state: State) -> str | None:
        """See Step."""
        absent = self.settings.side == "temporary" and state.temporary != "ready"
        return "there is no temporary release" if absent else None

    def during(self, state: State) -> State:
        """See Step."""
        return state.without_side("verified", self.settings.side)

    def leaves(self, state: State) -> State:
        """See Step."""
        side = self.settings.side
        return state.without_side("quiesced", side).with_side("verified", side)

    def plan(self) -> StepPlan:
        """See Step."""
        return StepPlan(f"connections to the {self.settings.side} last as before")

    async def effects(self) -> Sequence[Effect]:
        """See Step."""
        return (await waking(self.tools, self.settings),)

    async def settle(self) -> Answer:
        """See Step."""
        return await self._proven(f"the {self.settings.side} has its own keep-alive settings again")
