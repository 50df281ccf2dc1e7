"""Traffic groups out of the controllers of a cluster, each with a fingerprint by which a change is seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Forbidden
from blueshift.discovery import ingresses as serving
from blueshift.discovery.controllers import Controller, Controllers
from blueshift.discovery.found import each
from blueshift.discovery.raw import (
    RUN_LABEL,
    Raw,
    annotated,
    dig,
    labels,
    listed,
    mapped,
    name,
    pod_labels,
    ref,
)
from blueshift.discovery.seen_groups import Group, Groups
from blueshift.discovery.services import service_facts
from blueshift.helm.records import history
from blueshift.playbook.config import Release

REVISIONS_AT_ONCE = 4


async def groups(kube: KubeApi, seen: Controllers, names: Mapping[str, Release]) -> Groups:
    """The groups, those with most hosts first; `names` are those of the settings.

    Revisions are read from Helm's Secrets, and are None where these may not be listed: the roles that
    `blueshift rbac` prints reach those of their own release alone. Raises ApiError for other refusals.
    """
    by_release: dict[tuple[str, str], list[Controller]] = {}
    for one in seen.found:
        key = one.release if one.release[0] else ("", one.workload)
        by_release.setdefault(key, []).append(one)
    members = list(by_release.values())

    async def revision(of: Sequence[Controller]) -> int | None:
        return await _revision(kube, *of[0].release)

    found = [
        _group(of, at, seen.ingress_classes, names)
        for of, at in zip(members, await each(revision, members, at_once=REVISIONS_AT_ONCE), strict=True)
    ]
    served = {name for one in found for name in one.classes}
    return Groups(
        tuple(sorted(found, key=lambda one: (-len(one.hosts), one.who))),
        seen.unseen,
        {
            name(of): str(dig(of, "spec", "controller") or "")
            for of in seen.ingress_classes
            if name(of) not in served
        },
    )


async def _revision(kube: KubeApi, release: str, namespace: str) -> int | None:
    if not release:
        return None
    try:
        kept = await history(kube, namespace, release)
    except Forbidden:
        return None
    return kept[-1].revision if kept else None


def _group(
    of: Sequence[Controller], revision: int | None, all_classes: Sequence[Raw], names: Mapping[str, Release]
) -> Group:
    first = of[0]
    release, space = first.release
    classes = tuple(sorted({each for one in of for each in one.classes}))
    named = next((name for name, is_ in names.items() if (is_.name, is_.namespace) == first.release), "")
    taken = {ref(item): item for one in of for item in one.served}
    facts = [fact for one in of for fact in service_facts(one.services, one.raw)]
    points = [point for fact in facts for point in (*fact.addresses, fact.hostname) if point]
    return Group(
        name=named or "+".join(classes) or first.settings.ingress_class or release or ref(first.raw),
        named=bool(named),
        release=f"{space}/{release}" if release else "",
        workloads=tuple(one.workload for one in of),
        profile=first.known.name,
        version=first.settings.version,
        classes=classes,
        annotation=first.settings.ingress_class,
        watches=first.settings.watches,
        classless=first.settings.classless,
        hosts=tuple(fact.host for fact in serving.host_facts(tuple(taken.values()), first.known.aliases)),
        unclassed=tuple(sorted(key for key, item in taken.items() if _unclassed(item))),
        noted=tuple(sorted(key for key, item in taken.items() if annotated(item).get(serving.LEGACY_CLASS))),
        addresses=tuple(dict.fromkeys(points)),
        idle=all(one.idle for one in of),
        run=_run(first),
        revision=revision,
        digests=dict(sorted(_digests(of, all_classes))),
    )


def _run(one: Controller) -> str:
    """Charts without `commonLabels` have the label at their pods alone."""
    return {**pod_labels(one.raw), **labels(one.raw)}.get(RUN_LABEL, "")


def _unclassed(ingress: Raw) -> bool:
    return not (annotated(ingress).get(serving.LEGACY_CLASS) or dig(ingress, "spec", "ingressClassName"))


def _digests(of: Sequence[Controller], all_classes: Sequence[Raw]) -> Iterator[tuple[str, str]]:
    own = {name for one in of for name in one.own_classes}
    for one in of:
        spec = {key: value for key, value in mapped(one.raw, "spec").items() if key != "replicas"}
        yield one.workload, _digest(spec)
        for service in one.services:
            given = listed(service, "status", "loadBalancer", "ingress")
            yield f"Service {ref(service)}", _digest([mapped(service, "spec"), given])
    for found in all_classes:
        if name(found) in own:
            yield f"IngressClass {name(found)}", _digest(mapped(found, "spec"))


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()[:16]
