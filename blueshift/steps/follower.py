"""Follows one side while a run works: access logs of all its pods, and samples of their counters.

A service: it runs beside the loop, and steps ask it for evidence. What it missed is in the coverage.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from blueshift.clock import Clock
from blueshift.cluster.api import KubeApi
from blueshift.cluster.workloads import pods_of
from blueshift.controllers.profile import Profile
from blueshift.discovery.settings import Settings
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError
from blueshift.steps.facts import Baseline
from blueshift.steps.witness import Look, Witness, started
from blueshift.traffic.counters import Counters, thinned
from blueshift.traffic.drain import Coverage, DrainEvidence, DrainRules, Seen, by_log, by_metrics
from blueshift.traffic.logs import Line
from blueshift.traffic.routes import Routes
from blueshift.traffic.tally import Tally

EVERY = 5.0
"""Seconds between samples."""


Hear = Callable[[str, Line], None]
"""Takes each access once, with its pod."""


class _Sent(NamedTuple):
    at: float
    total: int
    """Probes sent up to then."""


class Follower:
    """What is known of one side's requests."""

    def __init__(
        self,
        side: SideName,
        kube: KubeApi,
        witness: Witness,
        profile: Profile,
        clock: Clock,
        hear: Hear | None = None,
        *,
        counts: bool = True,
    ) -> None:
        """Without `counts` it follows logs alone, and reads no metrics and no connections."""
        self.side = side
        self._kube = kube
        self._witness = witness
        self._profile = profile
        self._clock = clock
        self._hear = hear
        self._counts = counts
        self._counters = Counters()
        self._tally: Tally | None = None
        self._blind = ""
        self._uncounted = ""
        """Why the counters show not every request by host."""
        self._own: list[_Sent] = []
        self._following: dict[str, asyncio.Task[None]] = {}
        self._read: dict[str, float] = {}
        """Pod → the kubelet's timestamp of the last line that was counted."""
        self.latest: tuple[Look, ...] = ()
        self.since = clock.utc().timestamp()

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                await self._round()
                await self._clock.sleep(EVERY)
        finally:
            for task in self._following.values():
                task.cancel()

    async def _round(self) -> None:
        workload = await self._witness.workload(self.side)
        if workload is None:
            self.latest = ()
            return
        await self._prepare(workload)
        for pod in await pods_of(self._kube, workload):
            name = pod["metadata"]["name"]
            task = self._following.get(name)
            if pod["status"].get("phase") == "Running" and (task is None or task.done()):
                container = self._profile.container_name(workload)
                follow = self._follow(name, container, started(pod))
                self._following[name] = asyncio.create_task(follow)
        if self._counts:
            await self._look()

    async def _look(self) -> None:
        self.latest = await self._witness.look(self.side)
        self._counters.add(look.sample for look in self.latest if look.sample is not None)

    async def _prepare(self, workload: Mapping[str, Any]) -> None:
        config = await self._witness.config(workload)
        if self._tally is None:
            self._tally = Tally(self._profile.log_format(config))
        settings = self._profile.settings(workload, config)
        self._blind = settings.access_log_why
        self._uncounted = _uncounted(settings)

    async def _follow(self, pod: str, container: str, started: float) -> None:
        """One pod's log until its stream ends; the next round takes it up where this one was.

        The kubelet's timestamps tell lines that were counted already from new ones.
        """
        assert self._tally is not None
        tally = self._tally
        seen = self._read.get(pod, max(self.since, started))
        ticking: asyncio.Task[None] | None = None
        try:
            lines = self._kube.logs(
                self._witness.namespace(self.side),
                pod,
                container,
                follow=True,
                since=datetime.fromtimestamp(seen, UTC),
                timestamps=True,
            )
            tally.follow(pod, seen)
            ticking = asyncio.create_task(self._tick(pod))
            async for raw in lines:
                at, line = _stamped(raw)
                if at > seen:
                    access = tally.add(pod, line, at)
                    self._read[pod] = at
                    if access and self._hear:
                        self._hear(pod, access)
        except BlueshiftError:
            if pod in tally.pods:
                tally.lost(pod, tally.pods[pod].until)
        finally:
            if ticking:
                ticking.cancel()

    async def _tick(self, pod: str) -> None:
        """While the stream is open, silence is silence: lines arrive within about a second.

        The first tick waits longer: a stream that cannot be opened fails before it.
        """
        assert self._tally is not None
        await self._clock.sleep(2.0)
        while True:
            await self._clock.sleep(1.0)
            self._tally.alive(pod, self._clock.utc().timestamp() - 1.0)

    def observed(self, since: float | None = None) -> Baseline:
        """Requests and errors by the counters since an instant (default: since this side was first seen)."""
        start = max(self._counters.first, since or 0.0)
        end = self._counters.last or start
        seen = self._counters.window(start, end)
        own = max(0, self._probes(end) - self._probes(start, before=True))
        return Baseline(max(0, round(seen.total()) - own), round(seen.errors()), max(0.0, end - start))

    def sent(self, probes: int) -> None:
        """So many probes of our own are about to be counted by this side's metrics."""
        now = self._clock.utc().timestamp()
        self._own.append(_Sent(now, probes + (self._own[-1].total if self._own else 0)))
        self._own = thinned(self._own, now)

    def _probes(self, at: float, *, before: bool = False) -> int:
        """Probes sent up to an instant; `before` leaves out those of the instant itself."""
        return max(
            (own.total for own in self._own if own.at < at or (own.at == at and not before)), default=0
        )

    def requests(self, since: float, hosts: frozenset[str]) -> tuple[tuple[Seen, ...], tuple[Coverage, ...]]:
        """Who asked this side for known hosts since an instant, by log and by metrics, with coverage."""
        now = self._clock.utc().timestamp()
        counted, by_counters = by_metrics(self._counters.window(since, now), hosts, {}, now, self._uncounted)
        if self._tally is None:
            return counted, by_counters
        logged, by_lines = by_log(self._tally, since, self._blind)
        return (*logged, *counted), (*by_lines, *by_counters)

    async def evidence(
        self,
        rules: DrainRules,
        *,
        swapped: float,
        ttl: float,
        routes: Routes,
        baseline: float,
        dns: str,
        hosts: frozenset[str] = frozenset(),
    ) -> DrainEvidence:
        """All that `drain.drained` judges; reads the pods anew.

        `hosts` are known beside those of `routes`.
        """
        await self._look()
        now = self._clock.utc().timestamp()
        tally = self._tally
        gap = tally.longest_gap(swapped) if tally else 0.0
        seen, coverage = self.requests(now - rules.length(gap), routes.hosts() | hosts)
        return DrainEvidence(
            now=now,
            swapped=swapped,
            ttl=ttl,
            pods={look.pod: look.started for look in self.latest},
            seen=seen,
            coverage=coverage,
            connections={look.pod: look.connections for look in self.latest},
            lacks=tally.form.lacks if tally else (),
            unseen=routes.unseen(),
            unlogged=routes.unlogged,
            dns=dns,
            longest_gap=gap,
            baseline=baseline,
            noise=tally.noise(swapped) if tally else 0,
        )


def _uncounted(settings: Settings) -> str:
    if not settings.metrics:
        return "they are off (--enable-metrics=false)"
    return "" if settings.metrics_per_host else "they do not tell hosts apart (--metrics-per-host=false)"


def _stamped(raw: bytes) -> tuple[float, bytes]:
    """Split the kubelet's RFC 3339 timestamp, which is in the node's time zone, from a line."""
    stamp, _, line = raw.partition(b" ")
    try:
        return datetime.fromisoformat(stamp.decode()).timestamp(), line
    except ValueError:
        return 0.0, raw
