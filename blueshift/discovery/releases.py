"""Every ingress controller of a cluster, Helm release or not: what `blueshift init` chooses from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery import ingresses as serving
from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE
from blueshift.discovery.found import each
from blueshift.discovery.owner import owner
from blueshift.discovery.profile import Knowledge, Recognise
from blueshift.discovery.raw import Raw, annotated, dig, name, namespace, pod_labels
from blueshift.discovery.services import service_facts
from blueshift.discovery.world import HostFact, ServiceFact
from blueshift.dns.authority import Directory, follow
from blueshift.errors import BlueshiftError
from blueshift.together import together


class Found(msgspec.Struct, frozen=True):
    """One ingress controller."""

    profile: str
    version: str
    kind: str
    workload: str
    namespace: str
    release: str
    """Its Helm release; empty where none made it."""
    release_namespace: str
    controller: str
    """`spec.controller` of its classes."""
    classes: tuple[str, ...]
    watches: str
    services: tuple[ServiceFact, ...]
    hosts: tuple[HostFact, ...]
    owner: str = ""


class Pointing(msgspec.Struct, frozen=True):
    """Where DNS leads for the hosts of a controller, as this machine's resolver finds the authority."""

    here: dict[str, int] = {}
    """Zone → hosts whose name points at the controller."""
    elsewhere: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    unknown: dict[str, str] = {}
    """Host → why."""
    servers: dict[str, tuple[str, ...]] = {}
    """Zone → its name servers by name."""


async def controllers(kube: KubeApi, recognise: Recognise) -> tuple[Found, ...]:
    """Every workload that a profile knows, with what it serves, those with most hosts first.

    Raises ApiError where workloads, Services or Ingresses of all namespaces may not be listed.
    """
    deployments, daemons, services, classes, ingresses = await together(
        kube.list(paths.apis("apps/v1", "deployments")),
        kube.list(paths.apis("apps/v1", "daemonsets")),
        kube.list(paths.core("services")),
        kube.list(paths.apis("networking.k8s.io/v1", "ingressclasses")),
        kube.list(paths.apis("networking.k8s.io/v1", "ingresses")),
    )
    known = [(item, profile) for item in (*deployments, *daemons) if (profile := recognise(item)) is not None]

    async def one(pair: tuple[Raw, Knowledge]) -> Found:
        workload, profile = pair
        return _found(workload, profile, await _config(kube, profile, workload), services, classes, ingresses)

    found = await each(one, known)
    return tuple(sorted(found, key=lambda one: (-len(one.hosts), one.namespace, one.workload)))


async def _config(kube: KubeApi, profile: Knowledge, workload: Raw) -> Mapping[str, str]:
    place = profile.config_map(workload)
    found = await kube.find(paths.core("configmaps", *place)) if place else None
    return dig(found or {}, "data") or {}


def _found(
    workload: Raw,
    profile: Knowledge,
    config: Mapping[str, str],
    services: Sequence[dict[str, Any]],
    classes: Sequence[Raw],
    ingresses: Sequence[Raw],
) -> Found:
    settings = profile.settings(workload, config)
    own = serving.classes_of(classes, settings.controller)
    beside = [item for item in services if namespace(item) == namespace(workload)]
    marks = annotated(workload)
    return Found(
        profile=profile.name,
        version=settings.version,
        kind=str(workload["kind"]),
        workload=name(workload),
        namespace=namespace(workload),
        release=marks.get(RELEASE_NAME, ""),
        release_namespace=marks.get(RELEASE_NAMESPACE, ""),
        controller=settings.controller,
        classes=tuple(sorted({*own, settings.ingress_class} - {""})),
        watches=settings.watches,
        services=service_facts(beside, pod_labels(workload)),
        hosts=serving.host_facts(serving.served(ingresses, own, settings), profile.aliases),
        owner=owner([workload]),
    )


async def pointing(directory: Directory, found: Found, most: int = 50) -> Pointing:
    """Ask DNS for the first `most` hosts of a controller. Raises nothing: what failed is `unknown`."""
    addresses = {address for service in found.services for address in service.addresses}
    here: dict[str, int] = {}
    unknown: dict[str, str] = {}
    elsewhere: list[str] = []
    none: list[str] = []

    async def ask(host: HostFact) -> tuple[str, str, set[str]]:
        try:
            replies = [await follow(directory, host.host, kind) for kind in ("A", "AAAA")]
            values = {value for reply in replies if reply.records for value in reply.records.values}
            last = next((reply.last for reply in replies if reply.records), replies[0].last)
            return await directory.zone_of(last), "", values
        except BlueshiftError as error:
            return "", error.message, set()

    hosts = found.hosts[:most]
    for host, (zone, why, values) in zip(hosts, await each(ask, hosts), strict=True):
        if why:
            unknown[host.host] = why
        elif values & addresses:
            here[zone] = here.get(zone, 0) + 1
        else:
            (elsewhere if values else none).append(host.host)
    return Pointing(here, tuple(elsewhere), tuple(none), unknown, await _servers(directory, here))


async def _servers(directory: Directory, zones: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for zone in zones:
        try:
            names[zone] = tuple(sorted({server.name for server in await directory.servers(zone)}))
        except BlueshiftError:
            names[zone] = ()
    return names
