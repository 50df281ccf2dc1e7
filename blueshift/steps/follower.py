"""Follows one side while a run works: access logs of all its pods, and samples of their counters.

A service: it runs beside the loop, and steps ask it for evidence. What it missed is in the coverage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from blueshift.clock import Clock
from blueshift.cluster.api import KubeApi
from blueshift.cluster.workloads import pods_of
from blueshift.controllers.profile import Profile
from blueshift.discovery.settings import Settings
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError
from blueshift.steps.clients import Clients
from blueshift.steps.connected import Connected, Held
from blueshift.steps.facts import Baseline, row, rows
from blueshift.steps.podlogs import LAG, Hear, PodLogs, clock_time
from blueshift.steps.witness import Look, Witness, started
from blueshift.traffic.counters import Counters, thinned
from blueshift.traffic.drain import DrainRules
from blueshift.traffic.judge import Observed, is_error
from blueshift.traffic.routes import Routes
from blueshift.traffic.sides import NOBODY, Answered
from blueshift.traffic.windows import Lately
from blueshift.traffic.witnesses import (
    COUNTERS,
    Coverage,
    DrainEvidence,
    Seen,
    by_log,
    by_metrics,
    by_streams,
)

EVERY = 5.0
"""Seconds between samples."""
HIDES = 60.0
"""Seconds for which it is known whether a Service hides clients."""


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
        back: float = 0.0,
    ) -> None:
        """Logs are read from `back` seconds ago on.

        Without `counts` it follows logs alone, and reads no metrics and no connections.
        """
        self.side = side
        self._kube = kube
        self._witness = witness
        self._profile = profile
        self._clock = clock
        self._hear = hear
        self._counts = counts
        self._clients = Clients(kube, clock)
        self._staying = Connected(side, witness, clock)
        self._settings: Settings | None = None
        self._hides: tuple[float, bool] | None = None
        self._counters = Counters()
        self.logs: PodLogs | None = None
        """None until the format of the log is known."""
        self._blind = ""
        self._uncounted = ""
        """Why the counters show not every request by host."""
        self._own: list[_Sent] = []
        self.latest: tuple[Look, ...] = ()
        self.running: frozenset[str] | None = None
        """Its pods at the latest look, none where the side is not there; None before the first."""
        self.looked = -1.0
        """When that was, by the clock's `now`."""
        self.since = clock.utc().timestamp() - back

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                await self._round()
                await self._clock.sleep(EVERY)
        finally:
            if self.logs:
                self.logs.stop()

    async def _round(self) -> None:
        workload = await self._witness.workload(self.side)
        if workload is None:
            self.latest = ()
            self.running, self.looked = frozenset(), self._clock.now()
            return
        logs = await self._prepare(workload)
        pods = {
            pod["metadata"]["name"]: started(pod)
            for pod in await pods_of(self._kube, workload)
            if pod["status"].get("phase") == "Running"
        }
        logs.follow(self._witness.namespace(self.side), self._profile.container_name(workload), pods)
        self.running, self.looked = frozenset(pods), self._clock.now()
        if self._counts:
            await self._look()

    async def _look(self) -> None:
        self.latest = await self._witness.look(self.side)
        self._counters.add(look.sample for look in self.latest if look.sample is not None)

    async def _prepare(self, workload: Mapping[str, Any]) -> PodLogs:
        config = await self._witness.config(workload)
        if self.logs is None:
            form = self._profile.log_format(config)
            self.logs = PodLogs(self._kube, self._clock, form, self.since, self._hear)
        else:
            with suppress(BlueshiftError):  # lines of a format that is none cannot be read, which is known
                self.logs.reads(self._profile.log_format(config))
        self._settings = settings = self._profile.settings(workload, config)
        self._blind = settings.access_log_why
        self._uncounted = _uncounted(settings)
        return self.logs

    async def caught_up(self, within: float) -> bool:
        """Wait until all that the pods had logged by now has been read, at most so many seconds."""
        end = self._clock.now() + within
        while not (self.logs and self.latest):
            if self._clock.now() >= end:
                return False
            await self._clock.sleep(0.5)
        return await self.logs.caught_up({look.pod for look in self.latest}, end - self._clock.now())

    def observed(self, since: float | None = None) -> Baseline:
        """Requests and errors by the counters since an instant (default: since this side was first seen)."""
        start = max(self._counters.first, since or 0.0)
        end = self._counters.last or start
        seen = self._counters.window(start, end)
        own = max(0, self._probes(end) - self._probes(start, before=True))
        requests = max(0, round(seen.total()) - own)
        # Counters do not tell whose errors they are: where few come and our probes fail, most are ours.
        errors = min(requests, round(seen.errors()))
        return Baseline(requests, errors, max(0.0, end - start))

    def counted(self, since: float) -> Answered:
        """By the counters since an instant; those of single hosts with our own probes, which hide at most."""
        whole = self.observed(since)
        requests: dict[str, float] = {}
        errors: dict[str, float] = {}
        for series, count in self._counters.window(since, self._counters.last).counts.items():
            requests[series.host] = requests.get(series.host, 0.0) + count
            if is_error(series.status):
                errors[series.host] = errors.get(series.host, 0.0) + count
        targets = {host: Observed(round(n), round(errors.get(host, 0.0))) for host, n in requests.items()}
        return Answered(Observed(whole.requests, whole.errors), targets)

    def logged(self, since: float) -> Answered:
        """By the access logs since an instant, from when this was asked first with it."""
        if self.logs is None or self.dark:
            return NOBODY
        return self.logs.windows.window(since, self._clock.utc().timestamp()).answered()

    @property
    def counts(self) -> bool:
        """Whether the counters of its pods tell hosts apart."""
        return self._counts and not self._uncounted

    def baseline(self) -> Baseline:
        """All that was seen since this side is followed, for the journal."""
        whole, logged = self.observed(), self.logged(self.since)
        return Baseline(
            whole.requests,
            whole.errors,
            whole.seconds,
            counted=rows(self.counted(self.since).targets),
            log=row("", logged.whole) if logged.whole.requests else None,
            logged=rows(logged.targets),
        )

    def holes(self, since: float, margin: float) -> tuple[str, ...]:
        """Why the logs of this side do not show every request since an instant: where, and from when to when.

        Lines that could not be read are one if their share is more than `margin`.
        """
        if self.logs is None:
            return (f"no log of the {self.side} was read",)
        now = self._clock.utc().timestamp()
        window = self.logs.windows.window(since, now)
        late = window.opened - since > LAG
        found = (
            f"the access log of the {self.side} does not show every request ({dark})"
            if (dark := self.dark)
            else "",
            f"lines that were read before {clock_time(window.opened)} were not counted" if late else "",
            window.blind(margin),
        )
        return (*(one for one in found if one), *self.logs.holes(since, now))

    @property
    def dark(self) -> str:
        """Why the access log is no witness of errors; empty where it is."""
        if self.logs and "status" in self.logs.tally.form.lacks:
            return "its format has no $status"
        return self._blind

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
        counted, by_counters = by_metrics(self._counters.window(since, now), hosts, now, self._uncounted)
        by_counters += self._unread(now, now)
        if self.logs is None:
            return counted, by_counters
        logged, by_lines = by_log(self.logs.tally, since, self._blind)
        return (*logged, *counted), (*by_lines, *by_counters)

    def lately(self) -> Lately | None:
        """What the logs of all pods showed since this was asked last; None where they tell nothing."""
        if self.logs is None or self.dark:
            return None
        return self.logs.windows.lately(self._clock.utc().timestamp())

    def coverage(self) -> tuple[Coverage, ...]:
        """How far each witness has watched each pod since this side is followed."""
        now = self._clock.utc().timestamp()
        seen = self._counters.window(self.since, now)
        _, counted = by_metrics(seen, frozenset(), now, self._uncounted)
        # Of a pod that counts nothing no look has a beginning.
        dark = tuple(msgspec.structs.replace(one, since=self.since) if one.blind else one for one in counted)
        known = {one.pod for one in counted}
        dark += tuple(one for one in self._unread(self.since, now) if one.pod not in known)
        return (*(by_streams(self.logs.tally, self._blind) if self.logs else ()), *dark)

    def _unread(self, since: float, until: float) -> tuple[Coverage, ...]:
        """Pods whose counters nobody told at the latest look, and why."""
        return tuple(
            Coverage("metrics", look.pod, since, until, blind=look.unknown)
            for look in self.latest
            if look.sample is None and look.unknown
        )

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
        proxied: frozenset[str] = frozenset(),
    ) -> DrainEvidence:
        """All that `drain.drained` judges; reads the pods anew.

        `hosts` are known beside those of `routes`; `proxied` is as in DrainEvidence.
        """
        await self._look()
        now = self._clock.utc().timestamp()
        tally = self.logs.tally if self.logs else None
        gap = tally.longest_gap(swapped) if tally else 0.0
        since = now - rules.length(gap)
        seen, coverage = self.requests(since, routes.hosts() | hosts)
        counted = [one.since for one in coverage if one.witness in COUNTERS and not one.blind]
        logged, own = tally.within(min(counted, default=since)) if tally else (0, 0)
        held = Held()
        if self._settings is not None:
            held = await self._staying.look(self.latest, self._settings, routes, rules.own_connections)
        return DrainEvidence(
            now=now,
            swapped=swapped,
            ttl=ttl,
            pods={look.pod: look.started for look in self.latest},
            seen=seen,
            coverage=coverage,
            connections={look.pod: look.connections for look in self.latest},
            held=held.clients,
            untold=held.untold,
            inside=held.inside,
            logged=logged,
            own=own,
            lacks=tally.form.lacks if tally else (),
            unseen=routes.unseen(),
            unlogged=routes.unlogged,
            dns=dns,
            longest_gap=gap,
            baseline=baseline,
            noise=tally.noise(swapped) if tally else 0,
            cluster=await self._clients.of_cluster(_busiest(seen, held.clients)),
            hidden=await self._hidden(),
            proxied=proxied,
        )

    @property
    def unseen(self) -> str:
        """What could not be told of clients, and why."""
        return self._clients.unseen

    async def _hidden(self) -> bool:
        """Whether clients are hidden; asked now and then, as a Service seldom changes."""
        now = self._clock.now()
        if self._settings is None:
            return False
        if self._hides is None or now - self._hides[0] > HIDES:
            self._hides = (now, await self._witness.hides_clients(self.side, self._settings))
        return self._hides[1]


def _busiest(seen: Sequence[Seen], held: Mapping[str, Sequence[str]]) -> list[str]:
    """Clients by address, those first that came most often; then those with connections that stay."""
    ordered = sorted(seen, key=lambda one: -one.requests)
    return list(dict.fromkeys([*(one.client for one in ordered if one.client), *chain(*held.values())]))


def _uncounted(settings: Settings) -> str:
    if not settings.metrics:
        return "they are off (--enable-metrics=false)"
    return "" if settings.metrics_per_host else "they do not tell hosts apart (--metrics-per-host=false)"
