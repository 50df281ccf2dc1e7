"""Ingress controllers as `blueshift init` tells of them, and where DNS leads for their hosts."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from blueshift.discovery import ingresses as serving
from blueshift.discovery.controllers import Controller, Controllers
from blueshift.discovery.found import each
from blueshift.discovery.owner import owner
from blueshift.discovery.raw import name, namespace
from blueshift.discovery.services import service_facts
from blueshift.discovery.world import HostFact, ServiceFact
from blueshift.dns.authority import Directory, follow
from blueshift.errors import BlueshiftError


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


def found(one: Controller) -> Found:
    """What `init` tells of a controller."""
    release, space = one.release
    return Found(
        profile=one.known.name,
        version=one.settings.version,
        kind=one.kind,
        workload=name(one.raw),
        namespace=namespace(one.raw),
        release=release,
        release_namespace=space,
        controller=one.settings.controller,
        classes=tuple(sorted({*one.own_classes, one.settings.ingress_class} - {""})),
        watches=one.settings.watches,
        services=service_facts(one.services, one.raw),
        hosts=serving.host_facts(one.served, one.known.aliases),
        owner=owner([one.raw]),
    )


def listing(seen: Controllers) -> tuple[Found, ...]:
    """All of them, those with most hosts first."""
    return tuple(
        sorted(map(found, seen.found), key=lambda one: (-len(one.hosts), one.namespace, one.workload))
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
