"""The world that the demo upgrades: a lab, the application, a controller of the old version, and names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.lab import application, build, facts, lifecycle, nameservers, namespaces
from blueshift.lab.balancer.backends import ANNOUNCED
from blueshift.lab.certificates import Authority
from blueshift.lab.charts import chart
from blueshift.lab.demo.inside import apply, helm, kubectl, listed
from blueshift.lab.image_set import build_images, import_images
from blueshift.lab.image_specs import REGISTRY
from blueshift.lab.loadbalancer import PLAIN, Habits
from blueshift.lab.paths import Lab
from blueshift.lab.sites import sites
from blueshift.lab.zone import records
from blueshift.traffic.probe import probe
from blueshift.traffic.prober.plan import Route

Say = Callable[[str], None]
RELEASE, NAMESPACE = "ingress-nginx", "ingress-nginx"
FROM, TO = "4.11.3", "4.12.1"
"""Chart versions."""
TTL = 15
"""Seconds of every record: the run must wait the old TTL out before it moves anything."""
KEPT = 10
"""Seconds after which the controller ends a client's busy connection, with its next answer."""
READY_WITHIN = 120.0
"""Seconds until every site must answer after the world was made."""


class World(msgspec.Struct, frozen=True):
    """The world as it was made."""

    lab: Lab
    folder: Path
    """The demo's own files: settings, key, certificates, ledger."""
    addresses: tuple[str, ...]
    """Of the primary's Service, IPv4 first."""
    ca: Path


async def prepare(say: Say, progress: Callable[[Any], None]) -> tuple[Path, tuple[Path, ...]]:
    """The cluster's programs and the images, from the cache or built now; needs no root."""
    return await build.cluster_tools(say, progress), await build_images(say, progress)


async def make(
    lab: Lab,
    tools: Path,
    images: tuple[Path, ...],
    say: Say,
    clock: Clock,
    *,
    ttl: int = TTL,
    balancer: Habits = PLAIN,
) -> World:
    """Bring the lab up with everything in it; returns when every site answers at every address."""
    settled = await lifecycle.up(lab, tools=tools, balancer=balancer, say=say, clock=clock)
    ca = folder(lab) / "sites-ca.pem"
    ca.parent.mkdir(exist_ok=True)
    # Ingresses first: the controller's webhook would judge each by itself, and slowly.
    objects = application.manifests(
        sites(), Authority(ca), image=f"{REGISTRY}/echo:1", dual_stack=settled.ipv6
    )
    await asyncio.gather(import_images(lab, images), apply(lab, objects))
    await install(lab)
    return await point(lab, clock, ttl=ttl)


async def install(
    lab: Lab, version: str = FROM, given: Mapping[str, Any] | None = None, *, name: str = RELEASE
) -> None:
    """Install the primary by helm, as a person would; with these values instead of the demo's.

    `name` is that of the release and of its namespace.
    """
    known = facts.of(lab)
    own = values(dual_stack=known.ipv6, proxied=known.balancer.mode == "proxy")
    text = msgspec.json.encode(given or own).decode()
    await helm(
        lab, "upgrade", "--install", name, str(chart(version)), "-n", name, "--create-namespace",
        "--wait", "--timeout", "180s", "-f", "-", stdin=text,
    )  # fmt: skip


async def point(lab: Lab, clock: Clock, *, ttl: int = TTL, name: str = NAMESPACE) -> World:
    """Point every name at the primary (in namespace `name`) and wait until every site answers."""
    addresses = await service_addresses(lab, clock, name)
    await nameservers.write_zone(lab, records(addresses, ttl=ttl), clock)
    await kubectl(lab, "rollout", "status", "-n", application.NAMESPACE, "deployment/echo", "--timeout=120s")
    world = World(lab=lab, folder=folder(lab), addresses=addresses, ca=folder(lab) / "sites-ca.pem")
    await _answered(world, clock)
    return world


def folder(lab: Lab) -> Path:
    """Where the demo keeps its files; goes with the lab."""
    return lab.root / "demo"


def values(*, dual_stack: bool, proxied: bool = False) -> dict[str, Any]:
    """The primary's values: what a platform team would write, in the official chart's words.

    `proxied`: behind a balancer that is a hop, they ask it for PROXY headers and read them.
    """
    service: dict[str, Any] = {"externalTrafficPolicy": "Local"}
    if dual_stack:
        service |= {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"]}
    # Clients keep a connection for as long as the server does. With nginx's own 75 idle seconds, 1000
    # requests and one hour, the demo's pools would rightly stay with the old address for very long.
    config = {"keep-alive": "20", "http-snippet": f"keepalive_time {KEPT}s;"}
    if proxied:
        service["annotations"] = {ANNOUNCED: "true"}
        config["use-proxy-protocol"] = "true"
        # By itself ingress-nginx believes headers of IPv4 balancers alone (0.0.0.0/0).
        config["proxy-real-ip-cidr"] = "0.0.0.0/0,::/0"
    return {
        "controller": {
            "replicaCount": 2,
            "service": service,
            "metrics": {"enabled": True},
            "config": config,
            "readinessProbe": {"initialDelaySeconds": 2, "periodSeconds": 2},
        }
    }


async def service_addresses(lab: Lab, clock: Clock, namespace: str = NAMESPACE) -> tuple[str, ...]:
    """The addresses of the primary's LoadBalancer, IPv4 first; waits until there is one of each family."""
    wanted = len(facts.of(lab).families)
    async with clock.timeout(READY_WITHIN):
        while True:
            found = [
                entry["ip"]
                for item in await listed(lab, "services", "-n", namespace)
                if item["spec"]["type"] == "LoadBalancer"
                for entry in item["status"].get("loadBalancer", {}).get("ingress", ())
            ]
            if len(found) == wanted:
                return tuple(sorted(found, key=lambda address: ip_address(address).version))
            await clock.sleep(0.3)


async def backends(lab: Lab) -> tuple[str, ...]:
    """Admin addresses of the application's pods."""
    pods = await listed(lab, "pods", "-n", application.NAMESPACE, "-l", application.SELECTOR)
    addresses = [pod["status"]["podIP"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return tuple(f"http://{address}:{application.ADMIN_PORT}" for address in addresses)


async def _answered(world: World, clock: Clock) -> None:
    """Wait until every site gives its right status at every address."""
    left = questions(world.addresses)
    try:
        async with clock.timeout(READY_WITHIN):
            while left := await unanswered(world, left, clock):
                await clock.sleep(0.5)
    except TimeoutError:
        raise BlueshiftError(
            f"{len(left)} sites did not answer in {READY_WITHIN:.0f} s, the first {left[0]}",
            hint=f"blueshift lab exec --name {world.lab.name} -- kubectl get pods,ingress -A",
        ) from None


Question = tuple[str, Route]


def questions(addresses: Sequence[str]) -> list[Question]:
    """(address, route): one question for each site and address."""
    return [(address, site.asked[0]) for site in sites() for address in addresses if site.asked]


async def unanswered(world: World, asked: Sequence[Question], clock: Clock) -> list[Question]:
    """Ask from the clients' network; the questions whose status is not the right one."""

    async def one(question: Question) -> int:
        address, route = question
        result = await probe(
            address,
            port=route.to_port,
            host=route.host,
            path=route.path,
            tls=route.tls,
            clock=clock,
            method=route.method,
            headers=route.headers,
            ca=str(world.ca),
        )
        return result.status

    async def every() -> list[int]:
        return await asyncio.gather(*(one(question) for question in asked))

    enter = world.lab.clients_netns_path
    statuses = await asyncio.to_thread(namespaces.inside, enter, lambda: asyncio.run(every()))
    return [
        question for question, status in zip(asked, statuses, strict=True) if status != question[1].status
    ]
