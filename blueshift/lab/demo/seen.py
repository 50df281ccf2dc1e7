"""The world before and after a run, looked at from outside the product: by kubectl, helm and dig."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.dns.records import RecordSet
from blueshift.lab import facts
from blueshift.lab.demo.inside import entered, helm, listed
from blueshift.lab.demo.world import NAMESPACE, RELEASE, World, questions, unanswered
from blueshift.lab.nameservers import zone
from blueshift.lab.paths import Lab
from blueshift.lab.processes import run
from blueshift.lab.zone import records
from blueshift.traffic.prober.plan import Route

_CLUSTER_KINDS = (
    "namespaces", "clusterroles", "clusterrolebindings", "ingressclasses", "validatingwebhookconfigurations",
    "mutatingwebhookconfigurations",
)  # fmt: skip
STATE_NAMESPACES = frozenset({"blueshift", "blueshift-control"})
"""Where runs keep their journal, which stays."""
_HELM_SECRET = "helm.sh/release.v1"  # noqa: S105  # a type

Answers = Mapping[str, tuple[str, ...]]
"""Server address → its records as dig prints them: name, TTL, class, type and value; sorted."""


class Seen(msgspec.Struct, frozen=True):
    """One look."""

    objects: frozenset[str]
    """`Kind [namespace/]name` of everything that a release and its pods leave behind when purged badly."""
    answers: dict[str, tuple[str, ...]]
    version: str
    """Chart version of the primary's newest revision."""


async def look(lab: Lab) -> Seen:
    """Look at everything that must be as before."""
    objects, answers, version = await asyncio.gather(_objects(lab), dns_answers(lab), chart_version(lab))
    return Seen(objects=objects, answers=answers, version=version)


def left_behind(before: Seen, after: Seen) -> tuple[str, ...]:
    """What is there now and was not before, and is neither the primary's own nor a run's journal."""
    new = after.objects - before.objects
    own = (f"Secret {NAMESPACE}/sh.helm.release.v1.{RELEASE}.", f"Lease {NAMESPACE}/blueshift-{RELEASE}")
    states = {f"Namespace {name}" for name in STATE_NAMESPACES}
    return tuple(sorted(item for item in new - states if not item.startswith(own)))


async def chart_version(lab: Lab) -> str:
    """Of the primary's newest revision."""
    found = msgspec.json.decode(await helm(lab, "list", "-n", NAMESPACE, "-o", "json"))
    return next(
        str(item["chart"]).removeprefix("ingress-nginx-") for item in found if item["name"] == RELEASE
    )


async def dns_answers(lab: Lab) -> dict[str, tuple[str, ...]]:
    """Every record of the lab's zone, from each server's own address."""
    known = zone(lab)
    pool = [family.pool.partition("/")[0] for family in facts.of(lab).families]
    wanted = records(pool)
    both = (known.primary[0], known.secondary[0])
    found = await asyncio.gather(*(_asked(lab, server, wanted) for server in both))
    return dict(zip(both, found, strict=True))


async def unreached(world: World, clock: Clock) -> list[tuple[str, Route]]:
    """Questions that an address in DNS does not answer as it should: each name, as each server gives it."""
    asked: dict[tuple[str, str], Route] = {}
    for lines in (await dns_answers(world.lab)).values():
        values: dict[str, list[str]] = {}
        for line in lines:
            name, _, _, _, value = line.split(" ", 4)
            values.setdefault(name.rstrip("."), []).append(value.rstrip("."))
        for _, route in questions(world.addresses[:1]):
            wild = "*." + route.host.partition(".")[2]
            found = values.get(route.host) or values.get(wild) or []
            # A value is an address, or the name that an alias leads to.
            asked |= {(address, route.host): route for name in found for address in values.get(name, [name])}
    return await unanswered(world, [(address, route) for (address, _), route in asked.items()], clock)


async def _asked(lab: Lab, server: str, wanted: Sequence[RecordSet]) -> tuple[str, ...]:
    # One dig for all: each question is its name and type.
    words = [word for record in wanted for word in (record.name, record.type)]
    argv = ["dig", f"@{server}", "+noall", "+answer", "+nottlunits", "+tries=2", "+time=2", *words]
    text = await run(entered(lab, argv), "dig")
    lines = {" ".join(line.split()) for line in text.splitlines() if line and not line.startswith(";")}
    return tuple(sorted(lines))


async def _objects(lab: Lab) -> frozenset[str]:
    items = await listed(lab, ",".join(_CLUSTER_KINDS))
    items += await listed(lab, "leases", "-A")
    items += await listed(lab, "secrets", "-A", "--field-selector", f"type={_HELM_SECRET}")
    return frozenset(map(_named, items))


def _named(item: Mapping[str, Any]) -> str:
    metadata = item["metadata"]
    within = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    return f"{item['kind']} {within}{metadata['name']}"
