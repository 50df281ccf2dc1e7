"""Who is left at a side, for a person and from any shell: with a run or without one, and deciding nothing.

It looks back: access logs hold what came before anybody asked. What they do not reach back to was not seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, cast

from blueshift.app.left import Left, Told, client, watched
from blueshift.app.look import temporary_of
from blueshift.app.session import Session
from blueshift.app.tools import places
from blueshift.cluster.api import KubeApi
from blueshift.controllers.profile import Profile
from blueshift.discovery.names import Sides, classify, sides_of, unknown
from blueshift.discovery.primary import Primary, primary
from blueshift.discovery.trails import Follower as Trails
from blueshift.discovery.world import NameFact, front
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError
from blueshift.steps.context import brief
from blueshift.steps.drain import ASK_AGAIN
from blueshift.steps.follower import Follower
from blueshift.steps.parity import configured
from blueshift.steps.places import Places
from blueshift.steps.witness import Whereabouts, Witness
from blueshift.traffic.drain import Drained, Remaining, drained, left
from blueshift.traffic.routes import Routes
from blueshift.traffic.sockets import HELD_FOR
from blueshift.traffic.witnesses import COUNTERS, DrainEvidence

READ_WITHIN = 20.0
"""Seconds for what was logged before; what is not read by then shows in the coverage."""


@dataclass(frozen=True)
class _Reads:
    """What it takes to read a configuration (`parity.Reads`)."""

    kube: KubeApi
    witness: Witness
    profile: Profile
    places: Places


class Leaving:
    """Looks at one side, as often as it is asked."""

    def __init__(
        self, session: Session, found: Primary, witness: Witness, side: SideName, told: Told
    ) -> None:
        self._session = session
        self._found = found
        self._side = side
        self._told = told
        profile = cast(Profile, found.known)
        self._witness = witness
        self._reads = _Reads(session.kube, witness, profile, places(session))
        self.follower = Follower(side, session.kube, witness, profile, session.clock, back=told.rules.window)
        self._names: tuple[float, tuple[NameFact, ...], dict[str, str]] | None = None
        self._routes: Routes | None = None
        self._unread = ""
        self._first = True

    async def look(self) -> Left:
        """Who is there now. Raises BlueshiftError where the cluster does not answer."""
        session, told = self._session, self._told
        release = session.config.release
        name = temporary_of(session) if self._side == "temporary" else (release.name, release.namespace)
        if await self._witness.workload(self._side) is None:
            return Left(
                side=self._side,
                release="/".join(reversed(name)),
                at=session.clock.utc(),
                judged="absent",
                reason=f"there is no {self._side}",
                run=told.run,
            )
        names, strays = await self._asked()
        routes = await self._configured()
        evidence = await self._seen(names, routes)
        own = told.rules.own_connections
        foreign = {pod for pod, count in evidence.others(own).items() if count}
        if self._first and foreign - evidence.held.keys() - evidence.untold.keys():
            # Whether they stay is known at a second look; who only passes by has gone then.
            await session.clock.sleep(HELD_FOR)
            evidence = await self._seen(names, routes)
        self._first = False
        rest, staying = left(evidence, told.rules)
        judged, reason = self._judged(evidence)
        return Left(
            side=self._side,
            release="/".join(reversed(name)),
            at=session.clock.utc(),
            judged=judged,
            reason=reason,
            run=told.run,
            moved=told.moved,
            window_s=told.rules.length(evidence.longest_gap),
            clients=tuple(
                client(one, evidence.now) for one in (*rest, *staying) if one.client or one.requests
            ),
            connections=evidence.others(own),
            noise=evidence.noise,
            hidden=evidence.hidden,
            coverage=tuple(watched(self._side, one) for one in evidence.coverage),
            unseen=tuple(self._unseen(evidence, strays)),
        )

    async def _seen(self, names: Sequence[NameFact], routes: Routes) -> DrainEvidence:
        told = self._told
        here = [one.name for one in names if one.here]
        return await self.follower.evidence(
            told.rules,
            swapped=told.moved.timestamp() if told.moved else -math.inf,
            ttl=told.ttl,
            routes=routes,
            hosts=frozenset(host.host for host in self._found.hosts),
            baseline=told.baseline,
            dns=f"{brief(here)} point here" if here else "",
            proxied=frozenset(host for one in names if one.state == "proxied" for host in one.hosts),
        )

    def _judged(self, evidence: DrainEvidence) -> tuple[Literal["drained", "remaining", "unknown"], str]:
        verdict = drained(evidence, self._told.rules)
        if isinstance(verdict, Drained):
            return ("unknown", self._unread) if self._unread else ("drained", verdict.said)
        # Who was seen is there, whatever else was not watched.
        there = isinstance(verdict, Remaining) or any(left(evidence, self._told.rules))
        return ("remaining" if there else "unknown"), verdict.reason

    def _unseen(self, evidence: DrainEvidence, strays: dict[str, str]) -> Sequence[str]:
        counted = {one.pod for one in evidence.coverage if one.witness in COUNTERS and not one.blind}
        dark = sorted({*evidence.unlogged} & {*evidence.unseen}) if counted else sorted(evidence.unlogged)
        sentences = [
            f"requests of {brief(dark)}: their access log is off" if dark else "",
            f"by metrics, requests of {brief(evidence.unseen)}" if evidence.unseen else "",
            f"{', '.join(evidence.lacks)}: the log format does not have them" if evidence.lacks else "",
            f"where {brief(sorted(strays))} points: {next(iter(strays.values()))}" if strays else "",
            *(f"whose connections {pod} has: {why}" for pod, why in sorted(evidence.untold.items())),
            self.follower.unseen,
            self._unread,
            "requests for hosts that the controller does not know: they are in no log",
        ]
        return [one for one in sentences if one]

    async def _asked(self) -> tuple[tuple[NameFact, ...], dict[str, str]]:
        """Where the names of all hosts point, and which could not be looked up."""
        now = self._session.clock.now()
        if self._names is None or now - self._names[0] > ASK_AGAIN:
            session = self._session
            hosts = sorted(host.host for host in self._found.hosts)
            trails = await Trails(session.dns, session.directory).follow(hosts)
            self._names = (now, classify(trails, await self._addresses()), unknown(trails))
        return self._names[1], self._names[2]

    async def _addresses(self) -> Sides:
        if self._side == "primary":
            return sides_of(self._found.services)
        addresses = (await self._witness.addresses(self._side)).addresses
        return Sides(frozenset(addresses), frozenset(), frozenset())

    async def _configured(self) -> Routes:
        """What it serves; without the right to look into pods the hosts of the Ingresses are known all the
        same, and what is missing is said."""
        if self._routes is None:
            try:
                self._routes, self._unread = await configured(self._reads, self._side), ""
            except BlueshiftError as error:
                self._unread = f"the configuration of the {self._side} could not be read: {error.message}"
        return self._routes or Routes(())


@asynccontextmanager
async def leaving(
    session: Session, of: dict[SideName, Told], *, within: float = READ_WITHIN
) -> AsyncIterator[tuple[Leaving, ...]]:
    """Follow these sides, from when what they have logged in the window was read.

    Raises BlueshiftError where there is no such release.
    """
    release = session.config.release
    found = await primary(session.kube, release.name, release.namespace, session.recognise)
    service = front(found.services)
    where = Whereabouts(release.namespace, found.workload, temporary_of(session), service)
    stand_in = session.config.traffic.prometheus
    witness = Witness(session.kube, cast(Profile, found.known), session.clock, where, stand_in)
    sides = tuple(Leaving(session, found, witness, side, told) for side, told in of.items())
    following = [asyncio.create_task(_again(one.follower, session)) for one in sides]
    try:
        reading = [
            asyncio.create_task(one.follower.caught_up(within))
            for one in sides
            if await witness.workload(one.follower.side) is not None
        ]
        if reading:
            await asyncio.wait(reading)
        yield sides
    finally:
        for task in following:
            task.cancel()


async def _again(follower: Follower, session: Session) -> None:
    """What hinders a follower is in the coverage; what it asks for is asked again."""
    while True:
        with contextlib.suppress(BlueshiftError):
            await follower.run()
        await session.clock.sleep(2.0)
