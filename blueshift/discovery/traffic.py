"""What the primary serves now: requests by host as its metrics count them, and how each host answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.workloads import pods_of, ready_pods
from blueshift.discovery.controllers import Controller
from blueshift.discovery.found import AT_ONCE, each
from blueshift.discovery.profile import Knowledge
from blueshift.discovery.raw import Raw, dig, listed, name, namespace
from blueshift.discovery.seen_neighbours import StandIn
from blueshift.discovery.settings import Settings
from blueshift.discovery.world import HostFact, ServiceFact
from blueshift.dns.wire import has_route
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Prometheus
from blueshift.together import together
from blueshift.traffic.metrics import Sample, extract
from blueshift.traffic.probe import probe
from blueshift.traffic.prometheus import samples

# Hosts that are probed in one look; the primary must not feel it.
MOST_HOSTS = 500
RELEASES_AT_ONCE = 2
"""Whose metrics are read: an exposition may be 39 MB."""
# Seconds for a probe: who answers slower than this proves nothing about a shift.
PATIENCE = 2.0
_SAMPLE = 2 * AT_ONCE


class NoMetrics(BlueshiftError):
    """Requests are not counted, or the counts cannot be read."""


async def requests(
    kube: KubeApi, clock: Clock, pods: Sequence[Raw], known: Knowledge, settings: Settings
) -> dict[str, float]:
    """Requests by host since each pod started. Raises NoMetrics, and what the API server refuses."""
    counted: dict[str, float] = {}
    for one in await _samples(kube, clock, pods, known, settings):
        for host, count in _by_host(one).items():
            counted[host] = counted.get(host, 0.0) + count
    return counted


async def rates(kube: KubeApi, clock: Clock, pods: Sequence[Raw], of: Controller) -> dict[str, float]:
    """Requests per second by host, over the life of each pod's controller: what releases of different ages
    can be compared by. Raises as `requests` does, and NoMetrics for a pod that does not tell its age."""
    found: dict[str, float] = {}
    now, container = clock.utc(), of.known.container_name(of.raw)
    for pod, one in zip(pods, await _samples(kube, clock, pods, of.known, of.settings), strict=True):
        lasted = max((now - _since(pod, container)).total_seconds(), 1.0)
        for host, count in _by_host(one).items():
            found[host] = found.get(host, 0.0) + count / lasted
    return found


async def measured(kube: KubeApi, clock: Clock, of: Sequence[Controller]) -> tuple[dict[str, float], str]:
    """Requests per second by host over these controllers, which are one release; or why they are not known.

    What is scaled to no pods has none. Raises nothing: metrics are a right, and a courtesy, of their own.
    """
    by_host: dict[str, float] = {}
    try:
        for one in of:
            pods = [] if one.idle else ready_pods(await pods_of(kube, one.raw))
            found = {} if one.idle else await rates(kube, clock, pods, one)
            for host, rate in found.items():
                by_host[host] = by_host.get(host, 0.0) + rate
    except BlueshiftError as error:
        return {}, error.message
    return by_host, ""


async def stand_in(source: Prometheus | None, pods: Sequence[Raw], known: Knowledge, clock: Clock) -> StandIn:
    """Whether the Prometheus that is configured has the counters of these pods; raises nothing.

    A run asks it only where a pod's own metrics cannot be read, which is late to learn that a token is wrong.
    """
    if source is None:
        return StandIn()
    running = [pod for pod in pods if dig(pod, "status", "phase") == "Running"]
    names = [name(pod) for pod in running]
    try:
        space = namespace(running[0]) if running else ""
        found = await samples(source, names, space, known.metrics, clock) if running else {}
    except BlueshiftError as error:
        return StandIn(source.url, unusable=str(error))
    now = clock.utc().timestamp()
    behind = max((now - one.at for one in found.values()), default=0.0)
    lacking = tuple(pod for pod in names if pod not in found)
    return StandIn(source.url, tuple(sorted(found)), lacking, round(behind, 1))


def shares(measured: Sequence[float | None]) -> list[float | None]:
    """Of each in all, from 0 to 1; None where one is not known: a share would be a guess then."""
    known = [rate for rate in measured if rate is not None]
    total = sum(known)
    if len(known) < len(measured) or not total:
        return [None] * len(measured)
    return [rate / total for rate in known]


def _since(pod: Raw, container: str) -> datetime:
    """When what the controller's container counts began to: started anew, it counts from nothing.

    A sidecar that was started anew says nothing of it.
    """
    own = (one for one in listed(pod, "status", "containerStatuses") if one.get("name") == container)
    since = next((dig(one, "state", "running", "startedAt") for one in own), None)
    try:
        return datetime.fromisoformat(str(since))
    except ValueError:
        raise NoMetrics(f"pod {name(pod)} does not tell since when its controller runs") from None


def _by_host(sample: Sample) -> dict[str, float]:
    counted: dict[str, float] = {}
    for series, count in sample.counters.items():
        counted[series.host] = counted.get(series.host, 0.0) + count
    return counted


async def _samples(
    kube: KubeApi, clock: Clock, pods: Sequence[Raw], known: Knowledge, settings: Settings
) -> list[Sample]:
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

    return await each(sample, pods, at_once=4)


def unrouted(service: ServiceFact | None) -> tuple[str, ...]:
    """Addresses of a Service to which this machine has no route: nothing can be proven by them from here."""
    return tuple(address for address in service.addresses if not has_route(address)) if service else ()


async def baseline(
    clock: Clock,
    hosts: Sequence[HostFact],
    service: ServiceFact,
    addresses: Sequence[str],
    *,
    proxy_protocol: bool,
) -> dict[str, int]:
    """Host → the worst status at its root over these addresses of the Service; 0 for no answer.

    Later proofs ask only hosts that answered well here, at every address. Takes a minute at most.
    """
    if not addresses:
        return {}

    async def at(host: HostFact, address: str) -> int:
        result = await probe(
            address,
            port=service.https if host.tls else service.http,
            host=concrete(host.host),
            tls=host.tls,
            clock=clock,
            timeout=PATIENCE,
            proxy_protocol=proxy_protocol,
        )
        return result.status if result.ok else 0

    async def ask(host: HostFact) -> int:
        answers = await together(*(at(host, address) for address in addresses))
        return max(answers) if all(answers) else 0

    asked = _spread(hosts, MOST_HOSTS)
    # A sample alone: where this machine has no way to the address, the others would only run out of time too.
    # Over all of them, since hosts that stand side by side are often one application, and slow together.
    first = _spread(asked, _SAMPLE)
    answers = dict(zip(first, await each(ask, first), strict=True))
    if any(answers.values()):
        rest = [host for host in asked if host not in answers]
        answers |= zip(rest, await each(ask, rest), strict=True)
    return {host.host: answer for host, answer in sorted(answers.items(), key=lambda item: item[0].host)}


def _spread(hosts: Sequence[HostFact], most: int) -> Sequence[HostFact]:
    """At most so many, evenly over all."""
    return [hosts[at * len(hosts) // most] for at in range(most)] if len(hosts) > most else hosts


def concrete(host: str) -> str:
    """A host that a wildcard covers."""
    return host.replace("*", "blueshift-probe", 1) if host.startswith("*.") else host
