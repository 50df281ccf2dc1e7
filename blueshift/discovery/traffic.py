"""What the primary serves now: requests by host as its metrics count them, and how each host answers."""

from __future__ import annotations

from collections.abc import Sequence

from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery.found import each
from blueshift.discovery.profile import Knowledge, Settings
from blueshift.discovery.raw import Raw, name, namespace
from blueshift.discovery.world import HostFact, ServiceFact
from blueshift.errors import BlueshiftError
from blueshift.traffic.metrics import Sample, extract
from blueshift.traffic.probe import probe

# Hosts that are probed in one look; the primary must not feel it.
MOST_HOSTS = 500
# Seconds for a probe: who answers slower than this proves nothing about a shift.
PATIENCE = 2.0
_FIRST = 4


class NoMetrics(BlueshiftError):
    """Requests are not counted, or the counts cannot be read."""


async def requests(
    kube: KubeApi, clock: Clock, pods: Sequence[Raw], known: Knowledge, settings: Settings
) -> dict[str, float]:
    """Requests by host since each pod started. Raises NoMetrics, and what the API server refuses."""
    if not settings.metrics:
        raise NoMetrics("its metrics are off")
    if not settings.metrics_per_host:
        raise NoMetrics("its metrics do not tell hosts apart (--metrics-per-host=false)")
    if not pods:
        raise NoMetrics("no pod is ready")

    async def sample(pod: Raw) -> Sample:
        path = paths.core("pods", namespace(pod), f"{name(pod)}:{settings.metrics_port}", "proxy")
        body = await kube.text(f"{path}/metrics")
        return extract(body, name(pod), clock.utc().timestamp(), known.metrics)

    counted: dict[str, float] = {}
    for one in await each(sample, pods, at_once=4):
        for series, count in one.counters.items():
            counted[series.host] = counted.get(series.host, 0.0) + count
    return counted


async def baseline(
    clock: Clock, hosts: Sequence[HostFact], service: ServiceFact, *, proxy_protocol: bool
) -> dict[str, int]:
    """Host → status that it answers with at its root, by the Service's address; 0 for no answer.

    Later proofs ask only hosts that answered well here. One address is enough: all lead to the same pods.
    """
    if not service.addresses or not hosts:
        return {}

    async def ask(host: HostFact) -> int:
        result = await probe(
            service.addresses[0],
            port=service.https if host.tls else service.http,
            host=concrete(host.host),
            tls=host.tls,
            clock=clock,
            timeout=PATIENCE,
            proxy_protocol=proxy_protocol,
        )
        return result.status if result.ok else 0

    asked = hosts[:MOST_HOSTS]
    # A few alone: where this machine has no way to the address, the others would only run out of time too.
    answers = await each(ask, asked[:_FIRST])
    if any(answers):
        answers += await each(ask, asked[_FIRST:])
    return {host.host: answer for host, answer in zip(asked, answers, strict=False)}


def concrete(host: str) -> str:
    """A host that a wildcard covers."""
    return host.replace("*", "blueshift-probe", 1) if host.startswith("*.") else host
