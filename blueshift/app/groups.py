"""What `blueshift groups` shows: group → class → release → hosts → addresses → traffic; its leaks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from blueshift.app.init_file import scalar
from blueshift.clock import Clock
from blueshift.cluster.api import KubeApi
from blueshift.controllers.registry import known
from blueshift.discovery.controllers import Controller, controllers
from blueshift.discovery.found import each
from blueshift.discovery.groups import groups
from blueshift.discovery.seen_groups import Group
from blueshift.discovery.traffic import RELEASES_AT_ONCE, measured, shares
from blueshift.playbook.config import Release
from blueshift.playbook.names import wrong
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.groups import leaks
from blueshift.preflight.protocol import Finding, Seen, finding, warns


class Shown(Group, frozen=True):
    """One group with its traffic. Programs read it: fields come to it, and none goes or changes."""

    requests_per_second: float | None = None
    """Over the life of its pods, as their metrics count; None where they do not tell."""
    unmeasured: str = ""
    """Why not."""
    share: float | None = None
    """Of the traffic of all groups, from 0 to 1; None where one of them is not measured."""
    by_host: dict[str, float] = msgspec.field(default_factory=dict)
    """Host → requests per second, where metrics tell hosts apart."""


class Overview(msgspec.Struct, frozen=True):
    """All groups, and what is to be known of them."""

    groups: tuple[Shown, ...]
    findings: tuple[Finding, ...]
    """Where isolation leaks, as the check `class-groups` says it, and groups of the settings that are not
    there."""


async def overview(kube: KubeApi, clock: Clock, names: Mapping[str, Release]) -> Overview:
    """Look at a cluster; `names` are the groups of the settings.

    Raises ApiError where workloads, Ingresses or IngressClasses of all namespaces may not be listed.
    """
    seen = await controllers(kube, known)
    found = await groups(kube, seen, names)
    by_workload = {one.workload: one for one in seen.found}

    async def show(group: Group) -> Shown:
        return await _measured(kube, clock, group, [by_workload[name] for name in group.workloads])

    shown = await each(show, found.groups, at_once=RELEASES_AT_ONCE)
    parts = shares([one.requests_per_second for one in shown])
    check = next(one for one in CHECKS if one.id == "class-groups")
    told = [*leaks(found), *(_missing(name, names[name]) for name in _absent(names, found.groups))]
    return Overview(
        tuple(msgspec.structs.replace(one, share=part) for one, part in zip(shown, parts, strict=True)),
        tuple(finding(check, one) for one in told),
    )


async def _measured(kube: KubeApi, clock: Clock, group: Group, of: Sequence[Controller]) -> Shown:
    by_host, why = await measured(kube, clock, of)
    return Shown(
        **msgspec.structs.asdict(group),
        requests_per_second=None if why else sum(by_host.values()),
        unmeasured=why,
        by_host=dict(sorted(by_host.items(), key=lambda item: (-item[1], item[0]))),
    )


def _absent(names: Mapping[str, Release], found: Sequence[Group]) -> list[str]:
    there = {one.name for one in found if one.named}
    return [name for name in names if name not in there]


def _missing(name: str, release: Release) -> Seen:
    return warns(
        f"the settings name the group {name}, and this cluster has no ingress controller of its release "
        f"{release.namespace}/{release.name}",
        "correct the release under `groups`, or take the group out",
        (f"{release.namespace}/{release.name}",),
    )


def lines(shown: Sequence[Group], names: Iterable[str] = ()) -> str:
    """The `groups` of the settings for those that they do not name; empty where there is nothing to part.

    `names` are those that the settings give, also to what is not in this cluster: no other group gets one.
    """
    lasting = [one for one in shown if one.release and not one.run]
    if len(lasting) < 2 or all(one.named for one in lasting):
        return ""
    written = ["groups:"]
    taken = {*names, *(one.name for one in shown if one.named)}
    for one in lasting:
        name = one.name if one.named else _free(_worded(one), taken)
        taken.add(name)
        space, _, release = one.release.partition("/")
        place = f"{{name: {scalar(release)}, namespace: {scalar(space)}}}"
        written.append(f"  {scalar(name)}: {{release: {place}}}")
    return "\n".join(written)


def _worded(one: Group) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", one.name.lower()).strip("-")[:40].strip("-")
    return name if not wrong("group", name) else "group"


def _free(name: str, taken: set[str]) -> str:
    tried, number = name, 1
    while tried in taken:
        number += 1
        tried = f"{name}-{number}"
    return tried
