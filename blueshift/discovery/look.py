"""The one look: everything that checks and plans go by, read side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.cluster.api import KubeApi
from blueshift.cluster.identity import Cluster
from blueshift.discovery import classes, drift, external_dns, helm_history, prestop, sides, traffic
from blueshift.discovery import dns as zones
from blueshift.discovery.controllers import controllers
from blueshift.discovery.found import attempt, kept
from blueshift.discovery.groups import groups
from blueshift.discovery.names import Trail, classify, sides_of, unknown
from blueshift.discovery.prepared import is_prepared
from blueshift.discovery.primary import Primary, primary
from blueshift.discovery.profile import Recognise
from blueshift.discovery.rights import EXEC, RULES, Rule, at, permissions, scaling, spaces_of
from blueshift.discovery.seen import Hosts, Ports, Rights, Servers
from blueshift.discovery.seen_classes import Sharing
from blueshift.discovery.seen_groups import Groups
from blueshift.discovery.seen_sides import Running
from blueshift.discovery.surroundings import surroundings
from blueshift.discovery.trails import Follower
from blueshift.discovery.world import NameFact, Rendered, Right, World, front, standing
from blueshift.dns.authority import Directory
from blueshift.dns.backend import DnsBackend
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Config
from blueshift.together import together


@dataclass(frozen=True)
class Sources:
    """Where a look reads."""

    kube: KubeApi
    """Several checks read the same: a look gets one that asks once (`OneLook`)."""
    cluster: Cluster
    dns: DnsBackend
    directory: Directory
    clock: Clock
    knows: Recognise
    """The profile of any controller of the cluster, also of one that is only held against the primary."""


@dataclass(frozen=True)
class Revised:
    """The revisions of a run, rendered."""

    temporary: Rendered
    harden: Rendered
    target: Rendered
    quiesced: dict[str, Rendered] = field(default_factory=dict)
    """By side."""
    helm: str = ""
    """Version of the helm program that would make them."""

    @property
    def rights(self) -> tuple[Right, ...]:
        """What Helm needs for all of them."""
        return tuple(dict.fromkeys(right for one in self.all for right in one.rights))

    @property
    def all(self) -> tuple[Rendered, ...]:
        """In the order in which a run makes them."""
        return (self.temporary, *self.quiesced.values(), self.harden, self.target)


Render = Callable[[Primary], Awaitable[Revised]]
"""Renders the revisions for what was found: how profiles change values is not known in this layer."""


async def look(
    sources: Sources,
    config: Config,
    recognise: Recognise,
    render: Render,
    *,
    temporary_release: str,
    temporary_namespace: str,
) -> World:
    """Look once. Nothing is changed; DNS is sent updates that write what stands already.

    Raises BlueshiftError where there is no such release or no known controller in it, where the API server
    refuses what nothing can be said without (the release's Secrets, workload, Ingresses), and what `render`
    raises. Whatever else cannot be seen is kept as such under `findings`.
    """
    found = await primary(sources.kube, config.release.name, config.release.namespace, recognise)
    unrouted = traffic.unrouted(front(found.services))
    ports = msgspec.structs.replace(found.ports, unrouted=unrouted)
    prepared = await is_prepared(sources.kube, temporary_namespace, config.release)

    workload = found.workload
    spaces = spaces_of(workload.namespace, temporary_namespace, config.cluster.state_namespace)
    own = prepared or temporary_namespace == workload.namespace

    def needed(rules: Sequence[Rule]) -> tuple[Right, ...]:
        return at(rules, spaces, config.release.name, prepared=own)

    scales = scaling(workload.namespace, workload.scaled_object)

    async def revise() -> tuple[Revised, dict[str, Any]]:
        temporary = (temporary_release, temporary_namespace)
        made, now, beside = await together(
            render(found),
            _now(sources.kube, found, needed(EXEC)),
            _controllers(sources, config, found, temporary),
        )
        allowed, around, compared = await together(
            attempt(
                {
                    "cluster-rbac": permissions(
                        sources.kube,
                        (*needed(RULES), *scales, *made.rights),
                    ),
                    "nginx-prometheus": traffic.stand_in(
                        config.traffic.prometheus, found.pods, found.known, sources.clock
                    ),
                }
            ),
            surroundings(
                sources.kube,
                found,
                temporary_namespace,
                temporary=made.temporary,
                harden=made.harden,
                target=made.target,
            ),
            _compared(found, now, made.target),
        )
        return made, {**allowed, **beside, **around, **now, **compared}

    (revised, of_cluster), (names, of_dns, baseline) = await together(
        revise(), _names(sources, config, found, unrouted)
    )
    servers, tried = kept(of_dns["dns-name-servers"], Servers), kept(of_dns["dns-update-rights"], Rights)
    return World(
        taken=sources.clock.utc(),
        cluster=sources.cluster,
        release=found.release,
        workload=found.workload,
        controller=found.controller,
        services=found.services,
        hosts=found.hosts,
        names=names,
        dns=zones.dns_fact(sources.dns, servers or Servers(), tried or Rights()),
        temporary=revised.temporary,
        harden=revised.harden,
        target=revised.target,
        quiesced=revised.quiesced,
        temporary_release=temporary_release,
        temporary_namespace=temporary_namespace,
        baseline=baseline,
        prepared=prepared,
        findings={**of_cluster, **of_dns, **_plain(found, revised, ports)},
    )


async def look_again(sources: Sources, config: Config, recognise: Recognise) -> dict[str, Any]:
    """What a plan stands or falls with as the world shows it now (`world.standing`). Changes nothing.

    Raises BlueshiftError where the release or what it stands on is gone or may not be read.
    """
    found = await primary(sources.kube, config.release.name, config.release.namespace, recognise)
    trails = await _trails(sources, found)
    return standing(
        sources.cluster, found.release, found.services, classify(trails, sides_of(found.services))
    )


async def _names(
    sources: Sources, config: Config, found: Primary, unrouted: Collection[str]
) -> tuple[tuple[NameFact, ...], dict[str, Any], dict[str, int]]:
    """Where every host's name leads; then what servers, key and primary say of those that move."""
    trails, (requests, unmeasured) = await together(_trails(sources, found), _requests(sources, found))
    names = classify(trails, sides_of(found.services))
    hosts = Hosts(
        unknown=unknown(trails),
        hostless=found.hostless,
        acknowledged=config.hosts.acknowledged,
        requests=requests,
        unmeasured=unmeasured,
    )
    seen, baseline = await together(
        attempt(
            {
                "dns-name-servers": zones.servers(names, sources.directory),
                "dns-update-rights": zones.rights(names, sources.dns),
                "dns-external-dns": external_dns.ownership(sources.kube, sources.dns, names),
            }
        ),
        _baseline(sources, found, names, unrouted),
    )
    return names, {**seen, "dns-hosts": msgspec.to_builtins(hosts)}, baseline


async def _trails(sources: Sources, found: Primary) -> tuple[Trail, ...]:
    return await Follower(sources.dns, sources.directory).follow([host.host for host in found.hosts])


async def _requests(sources: Sources, found: Primary) -> tuple[dict[str, float], str]:
    try:
        counted = await traffic.requests(sources.kube, sources.clock, found.pods, found.known, found.settings)
    except BlueshiftError as error:
        return {}, error.message
    return counted, ""


async def _now(kube: KubeApi, found: Primary, rights: tuple[Right, ...]) -> dict[str, Any]:
    """What there is to see before anything is rendered; Helm renders meanwhile."""
    release, container = (found.release.name, found.release.namespace), found.workload.container
    return await attempt(
        {
            "nginx-running": sides.running(kube, found),
            "cluster-exec": permissions(kube, rights),
            "nginx-prestop-binary": prestop.look(kube, found.pods, container, found.known.prestop(found.raw)),
            "helm-values-drift": drift.drift(kube, release, found.objects),
            "helm-history-max": helm_history.kept(kube, found.record),
        }
    )


async def _controllers(
    sources: Sources, config: Config, found: Primary, temporary: tuple[str, str]
) -> dict[str, Any]:
    """Every controller of the cluster, found once for both checks that hold them against each other."""
    seen = asyncio.ensure_future(controllers(sources.kube, sources.knows))

    async def shared() -> Sharing:
        return classes.sharing(found, await seen, temporary)

    async def grouped() -> Groups:
        return await groups(sources.kube, await seen, config.groups or {})

    return await attempt({"class-shared": shared(), "class-groups": grouped()})


async def _compared(found: Primary, now: dict[str, Any], target: Rendered) -> dict[str, Any]:
    running = kept(now["nginx-running"], Running)
    if running is None:
        return {"nginx-compared": now["nginx-running"]}
    return await attempt({"nginx-compared": sides.comparison(found, running, target)})


def _plain(found: Primary, revised: Revised, ports: Ports) -> dict[str, Any]:
    """What the primary's objects tell without another question."""
    client = helm_history.client(found.record, found.raw, revised.helm)
    return {"cluster-lb-address": msgspec.to_builtins(ports), "helm-client": msgspec.to_builtins(client)}


async def _baseline(
    sources: Sources, found: Primary, names: tuple[NameFact, ...], unrouted: Collection[str]
) -> dict[str, int]:
    """Of hosts that move alone: a probe of another would count as its traffic at the next look."""
    service = front(found.services)
    if service is None:
        return {}
    addresses = [address for address in service.addresses if address not in unrouted]
    proxied = found.controller.proxy_protocol
    moving = {host for name in names if name.state == "move" for host in name.hosts}
    hosts = [host for host in found.hosts if host.host in moving]
    return await traffic.baseline(sources.clock, hosts, service, addresses, proxy_protocol=proxied)
