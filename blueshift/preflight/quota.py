"""The check of quotas: whether admission lets a run's pods and Services in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from blueshift.discovery.found import found
from blueshift.discovery.pods import Container, Pods
from blueshift.discovery.quantity import spoken
from blueshift.discovery.seen_room import Limits, Quota, Quotas
from blueshift.discovery.world import Rendered, World
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells
from blueshift.preflight.room import Load, of_rollout, of_temporary, rollouts

_SPECIFIED = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
_JUDGED = frozenset({"Terminating", "NotTerminating", "BestEffort", "NotBestEffort"})


def quota(world: World) -> Iterator[Seen]:
    """Quotas and limits admit the temporary's pods and, at the primary, those of a rollout's surge."""
    seen = found(world, "cluster-quota", Quotas)
    bad = False
    for space in dict.fromkeys((world.temporary_namespace, world.workload.namespace)):
        limits = [one for one in seen.limits if one.namespace == space]
        quotas = [one for one in seen.quotas if one.namespace == space]
        for one in (
            *_limited(_every(world, space), limits),
            *(each for quota in quotas for each in _rationed(world, space, quota, limits)),
        ):
            bad = bad or one.outcome == "fail"
            yield one
    if not bad:
        count = len(seen.quotas), len({one.name for one in seen.limits})
        yield passed(f"{count[0]} quotas and {count[1]} limit ranges leave room for the pods of a run")


def _of_space(world: World, space: str) -> tuple[list[Load], list[list[Load]]]:
    """What stays beside what is there, and the surges of which one at a time comes on top."""
    stays = of_temporary(world) if space == world.temporary_namespace else []
    surges = [of_rollout(world, revision, which) for which, revision in rollouts(world)]
    return stays, surges if space == world.workload.namespace else []


def _every(world: World, space: str) -> list[Pods]:
    """All pods that are to be admitted, Jobs of hooks too."""
    revisions: list[Rendered] = [world.temporary] if space == world.temporary_namespace else []
    if space == world.workload.namespace:
        revisions += [world.harden, world.target]
    return [pods for revision in revisions for pods in revision.pods]


def _rationed(world: World, space: str, quota: Quota, limits: Sequence[Limits]) -> Iterator[Seen]:
    unknown = sorted(set(quota.scopes) - _JUDGED)
    if unknown:
        yield tells(f"ResourceQuota {quota.name} goes by {', '.join(unknown)}: it was not judged")
        return
    stays, surges = _of_space(world, space)
    need = _needs(stays, quota, limits)
    peaks = [_needs(surge, quota, limits) for surge in surges]
    for resource in quota.left:
        need[resource] += max((peak[resource] for peak in peaks), default=0)
    if space == world.temporary_namespace:
        need.update(_services(world.temporary))
    for resource, left in quota.left.items():
        if need[resource] > left:
            yield fails(
                f"ResourceQuota {quota.name} leaves {spoken(resource, left)} of {resource}, and a run needs "
                f"{spoken(resource, need[resource])} more there than runs now",
                "raise the quota while the run lasts",
                (quota.name,),
            )
    yield from _unspecified(world, space, quota, limits)


def _unspecified(world: World, space: str, quota: Quota, limits: Sequence[Limits]) -> Iterator[Seen]:
    """A quota of CPU or memory refuses pods that do not say how much they want (or may have) of it."""
    for resource in _SPECIFIED:
        kind, _, what = resource.partition(".")
        silent = dict.fromkeys(
            pods.title
            for pods in _every(world, space)
            if resource in quota.left
            and _counts(quota, pods)
            and any(what not in getattr(one, kind) for one in _filled(pods, limits).containers)
        )
        if silent:
            yield fails(
                f"ResourceQuota {quota.name} counts {resource}, so it refuses pods with a container that "
                f"has no {kind} of {what}: {brief(list(silent))}",
                f"set `resources.{kind}.{what}` in the values, or a LimitRange with defaults",
                silent,
            )


def _needs(loads: Sequence[Load], quota: Quota, limits: Sequence[Limits]) -> Counter[str]:
    total: Counter[str] = Counter()
    for pods, count in loads:
        if _counts(quota, pods):
            full = _filled(pods, limits)
            total["pods"] += count
            for kind in ("requests", "limits"):
                for what, amount in full.needs(kind).items():
                    total[f"{kind}.{what}"] += amount * count
    return total


def _counts(quota: Quota, pods: Pods) -> bool:
    """Whether all scopes of a quota hold for pods, which have no deadline."""
    modest = not any(one.requests or one.limits for one in pods.containers)
    holds = {"NotTerminating": True, "Terminating": False, "BestEffort": modest, "NotBestEffort": not modest}
    return all(holds[scope] for scope in quota.scopes)


def _services(temporary: Rendered) -> Mapping[str, int]:
    kinds = Counter(service.type for service in temporary.services)
    return {
        "services": kinds.total(),
        "services.loadbalancers": kinds["LoadBalancer"],
        "services.nodeports": kinds["LoadBalancer"] + kinds["NodePort"],
    }


def _filled(pods: Pods, limits: Sequence[Limits]) -> Pods:
    """With the defaults that a LimitRange gives to containers."""
    containers = list(pods.containers)
    for rule in limits:
        if rule.type == "Container":
            containers = [
                msgspec.structs.replace(
                    one,
                    requests={**rule.limits, **rule.requests, **one.requests},
                    limits={**rule.limits, **one.limits},
                )
                for one in containers
            ]
    return msgspec.structs.replace(pods, containers=tuple(containers))


def _limited(every: Sequence[Pods], limits: Sequence[Limits]) -> Iterator[Seen]:
    for rule in limits:
        refused = dict.fromkeys(
            f"{pods.title}: {said}" for pods in every for said in _exceeds(rule, _filled(pods, limits))
        )
        for said in refused:
            yield fails(
                f"LimitRange {rule.name} refuses {said}",
                "change `resources` in the values, or the LimitRange",
                (rule.name,),
            )


def _exceeds(rule: Limits, pods: Pods) -> Iterator[str]:
    """As the LimitRanger admission plugin has it: what is bounded must also be said."""
    parts: list[Container] = list(pods.containers)
    if rule.type == "Pod":
        parts = [Container("", "", _sum(parts, "requests"), _sum(parts, "limits"))]
    for one in parts:
        for what, most in rule.most.items():
            if one.limits.get(what, most + 1) > most:
                has = spoken(what, one.limits[what]) if what in one.limits else "none"
                yield f"a {rule.type.lower()} may have a limit of {spoken(what, most)} {what}, and has {has}"
        for what, least in rule.least.items():
            if one.requests.get(what, least - 1) < least:
                has = spoken(what, one.requests[what]) if what in one.requests else "none"
                yield (
                    f"a {rule.type.lower()} must request {spoken(what, least)} {what} at least, and "
                    f"requests {has}"
                )


def _sum(containers: Sequence[Container], kind: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in containers:
        total.update(getattr(one, kind))
    return dict(total)
