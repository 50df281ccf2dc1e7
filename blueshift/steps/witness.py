"""What a run sees of its two sides: pods, addresses, request counters, connections, access logs.

Each look is a read of the cluster; what could not be read is said to be unknown and is never a zero.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.workloads import Rollout, pods_of, ready_pods, rollout
from blueshift.controllers.profile import Profile
from blueshift.discovery.raw import dig
from blueshift.discovery.services import role_of
from blueshift.discovery.settings import Settings
from blueshift.discovery.world import ServiceFact, WorkloadFact, World, front
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Prometheus
from blueshift.shift.protocol import Target
from blueshift.together import together
from blueshift.traffic.metrics import Sample, extract
from blueshift.traffic.prometheus import samples
from blueshift.traffic.sockets import Ports, Socket, parse_sockets
from blueshift.traffic.status import Connections, parse_status

_AT_ONCE = 8
_SOCKETS = ("sh", "-c", "cat /proc/net/tcp && if [ -e /proc/net/tcp6 ]; then cat /proc/net/tcp6; fi")


class Look(msgspec.Struct, frozen=True):
    """One pod, once."""

    pod: str
    started: float
    """Seconds since the epoch."""
    sample: Sample | None
    connections: Connections | None
    unknown: str = ""


class Whereabouts(msgspec.Struct, frozen=True):
    """Where both sides are to be found."""

    namespace: str
    """Of the primary's release."""
    workload: WorkloadFact
    temporary: tuple[str, str]
    """(release, namespace), whether it is there or not."""
    service: ServiceFact | None = None
    """By which clients come to the primary, if it was looked for and is there."""


def whereabouts(world: World) -> Whereabouts:
    """Those of a run."""
    temporary = (world.temporary_release, world.temporary_namespace)
    return Whereabouts(world.release.namespace, world.workload, temporary, front(world.services))


class Witness:
    """Looks at both sides of one run."""

    def __init__(
        self,
        kube: KubeApi,
        profile: Profile,
        clock: Clock,
        where: Whereabouts,
        stand_in: Prometheus | None = None,
    ) -> None:
        """Where a pod's metrics cannot be read, `stand_in` is asked for them."""
        self._stand_in = stand_in
        self._kube = kube
        self._profile = profile
        self._clock = clock
        self._where = where

    def namespace(self, side: SideName) -> str:
        """Where a side lives."""
        return self._where.namespace if side == "primary" else self._where.temporary[1]

    async def workload(self, side: SideName) -> dict[str, Any] | None:
        """The controller's Deployment or DaemonSet, as it is now."""
        if side == "primary":
            known = self._where.workload
            return await self._kube.find(
                paths.apis("apps/v1", f"{known.kind.lower()}s", known.namespace, known.name)
            )
        release, namespace = self._where.temporary
        for plural, kind in (("deployments", "Deployment"), ("daemonsets", "DaemonSet")):
            for item in await self._kube.list(paths.apis("apps/v1", plural, namespace)):
                owner = (item["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name")
                if owner == release and self._profile.matches({**item, "kind": kind}):
                    return {**item, "kind": kind}
        return None

    async def newest_ready(self, side: SideName) -> str | None:
        """Name of the ready pod of a side that was made last."""
        return next(reversed(await self.ready(side)), None)

    async def ready(self, side: SideName) -> tuple[str, ...]:
        """Names of the ready pods of a side, in the order in which they were made."""
        workload = await self.workload(side)
        pods = ready_pods(await pods_of(self._kube, workload)) if workload else []
        made = sorted((pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]) for pod in pods)
        return tuple(name for _, name in made)

    async def pods(self, side: SideName) -> Rollout:
        """Ready pods of a side, and whether its rollout is over."""
        workload = await self.workload(side)
        if workload is None:
            return Rollout(False, None, f"the {side} has no workload", 0, 0)
        return rollout(workload, await pods_of(self._kube, workload))

    async def addresses(self, side: SideName) -> Target:
        """The addresses of the Service in front of a side, as it publishes them now."""
        return _target(side, await self._services(side))

    async def hides_clients(self, side: SideName, settings: Settings) -> bool:
        """Whether the addresses in its log are those of nodes: a Service without `externalTrafficPolicy:
        Local` lets a node send on what came to it, as if it came from there (SNAT). PROXY headers and
        X-Forwarded-For tell the client all the same, where the controller believes them."""
        unknown = side == "primary" and self._where.service is None
        if unknown or settings.proxy_protocol or settings.forwarded_headers:
            return False
        services = await self._services(side)
        return any(item["spec"].get("externalTrafficPolicy", "Cluster") != "Local" for item in services)

    async def _services(self, side: SideName) -> list[dict[str, Any]]:
        if side == "primary":
            service = self._where.service
            if service is None:
                raise BlueshiftError("no Service leads to the primary")
            return [await self._kube.get(paths.core("services", service.namespace, service.name))]
        workload = await self.workload(side)
        if workload is None:
            return []
        labels = workload["spec"]["template"]["metadata"]["labels"]
        role = "external" if self._where.service is None else self._where.service.role
        return [
            item
            for item in await self._kube.list(paths.core("services", self.namespace(side)))
            if item["spec"].get("type") == "LoadBalancer"
            and _selects(item, labels)
            and role_of(item["metadata"]["name"], [workload["metadata"]["name"]]) == role
        ]

    async def look(self, side: SideName) -> tuple[Look, ...]:
        """Counters and connections of every pod of a side that runs."""
        workload = await self.workload(side)
        if workload is None:
            return ()
        gate = asyncio.Semaphore(_AT_ONCE)
        config = await self.config(workload)
        settings = self._profile.settings(workload, config)
        container = self._profile.container_name(workload)

        async def one(pod: Mapping[str, Any]) -> Look:
            name = pod["metadata"]["name"]
            async with gate:
                sample, why = await self._sample(side, name, settings.metrics_port)
                connections, more = await self._connections(
                    side, name, container, self._profile.status_command(settings)
                )
            unknown = "; ".join(part for part in (why, more) if part)
            return Look(name, started(pod), sample, connections, unknown)

        running = [pod for pod in await pods_of(self._kube, workload) if _runs(pod)]
        return await self._stood_in(side, tuple(await together(*(one(pod) for pod in running))))

    async def _stood_in(self, side: SideName, looks: tuple[Look, ...]) -> tuple[Look, ...]:
        """The same looks, with what Prometheus knows of pods whose metrics could not be read."""
        missing = [look.pod for look in looks if look.sample is None]
        if self._stand_in is None or not missing:
            return looks
        try:
            known = await samples(
                self._stand_in, missing, self.namespace(side), self._profile.metrics, self._clock
            )
            why = "Prometheus has no recent sample of it"
        except BlueshiftError as error:
            known, why = {}, f"Prometheus: {error.message}"
        return tuple(
            look
            if look.sample is not None
            else msgspec.structs.replace(look, sample=known[look.pod])
            if look.pod in known
            else msgspec.structs.replace(look, unknown=f"{look.unknown}; {why}")
            for look in looks
        )

    async def config(self, workload: Mapping[str, Any]) -> Mapping[str, str]:
        """The settings of the controller's ConfigMap."""
        place = self._profile.config_map(workload)
        if place is None:
            return {}
        found = await self._kube.find(paths.core("configmaps", *place))
        return (found or {}).get("data") or {}

    async def _sample(self, side: SideName, pod: str, port: int) -> tuple[Sample | None, str]:
        path = paths.core("pods", self.namespace(side), f"{pod}:{port}", "proxy") + "/metrics"
        try:
            body = await self._kube.text(path)
            return extract(body, pod, self._clock.utc().timestamp(), self._profile.metrics), ""
        except BlueshiftError as error:
            return None, f"metrics of {pod}: {error.message}"

    async def sockets(
        self, side: SideName, pods: Collection[str], ports: Ports
    ) -> dict[str, frozenset[Socket] | str]:
        """Open connections of clients to each of these pods, or why its container cannot tell them."""
        workload = await self.workload(side) if pods else None
        if workload is None:
            return {}
        container, gate = self._profile.container_name(workload), asyncio.Semaphore(_AT_ONCE)
        shared = bool(dig(workload, "spec", "template", "spec", "hostNetwork"))
        theirs = ports if shared else ports._replace(named=frozenset())

        async def one(pod: str) -> frozenset[Socket] | str:
            try:
                async with gate:
                    return parse_sockets(await self._printed(side, pod, container, _SOCKETS), theirs)
            except BlueshiftError as error:
                return f"its table of connections: {error.message}"

        return dict(zip(pods, await together(*(one(pod) for pod in pods)), strict=True))

    async def _connections(
        self, side: SideName, pod: str, container: str, argv: Sequence[str]
    ) -> tuple[Connections | None, str]:
        try:
            return parse_status(await self._printed(side, pod, container, argv)), ""
        except BlueshiftError as error:
            return None, f"status of {pod}: {error.message}"

    async def _printed(self, side: SideName, pod: str, container: str, argv: Sequence[str]) -> bytes:
        """What a command in a pod prints. Raises BlueshiftError, with what it says where it fails."""
        result = await self._kube.exec(self.namespace(side), pod, argv, container=container, timeout=10.0)
        if result.code != 0:
            raise BlueshiftError(result.stderr.decode(errors="replace")[:200].strip())
        return result.stdout


def started(pod: Mapping[str, Any]) -> float:
    """When a pod started, seconds since the epoch."""
    return datetime.fromisoformat(pod["status"].get("startTime", "1970-01-01T00:00:00Z")).timestamp()


def _runs(pod: Mapping[str, Any]) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running"


def _selects(service: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _target(side: SideName, services: Sequence[Mapping[str, Any]]) -> Target:
    ips = [
        entry["ip"]
        for service in services
        for entry in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        if entry.get("ip")
    ]
    return Target(side, tuple(ip for ip in ips if ":" not in ip), tuple(ip for ip in ips if ":" in ip))
