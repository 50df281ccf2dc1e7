"""The check of rules about where pods may be: node selectors, affinity, topology spread."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.placement import about, domains, eligible, meant, tolerated
from blueshift.discovery.pods import Pods
from blueshift.discovery.raw import listed, matches
from blueshift.discovery.seen_room import Ground, Node, Room
from blueshift.discovery.world import World
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns
from blueshift.preflight.room import beyond, lasting, of_temporary, replicas, rollouts


class Crowd(NamedTuple):
    """Pods that rules about their places are asked about."""

    pods: Pods
    number: int
    """That must be there at once."""
    alone: int
    """Those of one revision among them."""
    nodes: Collection[str] = ()
    """Where some of them are now."""

    def under(self, rule: Mapping[str, Any]) -> int:
        """How many a rule is about: with this key it knows revisions apart."""
        return self.alone if "pod-template-hash" in listed(rule, "matchLabelKeys") else self.number


def spread(world: World) -> Iterator[Seen]:
    """No rule about where pods may be keeps a rollout from going on, and not all pods are on one node."""
    ground = found(world, "cluster-spread", Ground)
    temporary = [Crowd(pods, count, count) for pods, count in of_temporary(world)]
    bad = []
    for which, revision in rollouts(world):
        primary = [_at_once(world, ground, pods) for pods in lasting(revision, which)]
        everybody = [*temporary, *primary]
        bad += [text for one in everybody for text in _hindered(one, everybody, ground)]
    scales = _autoscaler(world)
    for text in dict.fromkeys(bad):
        remedy = "add nodes, or make the rule a preferred one (ScheduleAnyway) while this run lasts"
        if scales:
            yield warns(f"{text}; an autoscaler is at work ({scales}) and may add nodes", remedy)
        else:
            yield fails(text, remedy)
    yield from _one_node(world, ground)
    if not bad:
        yield passed("no rule about where pods may be keeps one of the run from a node")


def _at_once(world: World, ground: Ground, pods: Pods) -> Crowd:
    """Pods that must be there at once in a rollout: those of the surge only if none may go before."""
    count = replicas(world, pods)
    nodes = ground.pods if pods.name == world.workload.name else ()
    return Crowd(pods, count + beyond(pods, count), count, nodes)


def _autoscaler(world: World) -> str:
    try:
        return found(world, "cluster-headroom", Room).autoscaler
    except NotLooked:
        return ""


def _hindered(one: Crowd, everybody: Sequence[Crowd], ground: Ground) -> Iterator[str]:
    """What keeps pods from nodes. Rules that are about other pods alone are not judged."""
    pods = one.pods
    where = eligible(pods, ground.nodes)
    if not where:
        yield f"no node may run {pods.title}: its node selector, affinity and tolerations allow none"
        return
    for term in pods.apart:
        key = str(term["topologyKey"])
        # A node without the key is in no domain, and there the rule forbids nothing.
        if not about(term, pods, pods, ground.spaces) or any(key not in node.labels for node in where):
            continue
        crowd = sum(other.under(term) for other in everybody if about(term, pods, other.pods, ground.spaces))
        places = len(domains(where, key))
        if crowd > places:
            yield (
                f"{pods.title} allows one pod per {key}: {crowd} pods must be there at once, and there "
                f"are {places} places"
            )
    for rule in pods.spread:
        yield from _skewed(rule, one, where, ground.nodes)


def _skewed(
    rule: Mapping[str, Any], one: Crowd, where: Sequence[Node], nodes: Sequence[Node]
) -> Iterator[str]:
    """A domain that counts, has no pod and takes none holds all others to maxSkew (KEPs 895, 3022, 3094)."""
    key, skew, pods = str(rule["topologyKey"]), int(rule.get("maxSkew") or 1), one.pods
    count = one.under(rule) if matches(rule.get("labelSelector"), pods.labels) else 0
    counted = [node for node in nodes if rule.get("nodeAffinityPolicy") == "Ignore" or meant(pods, node)]
    if rule.get("nodeTaintsPolicy") == "Honor":
        counted = [node for node in counted if tolerated(pods, node)]
    usable, known = domains(where, key), domains(counted, key)
    empty = known - usable - domains([node for node in nodes if node.name in one.nodes], key)
    fewer = len(known) < int(rule.get("minDomains") or 1)
    if not usable:
        yield f"{pods.title} is spread by {key}, and no node that may run it has that label"
    elif (fewer or empty) and count > skew * len(usable):
        why = "there are fewer than minDomains" if fewer else f"{brief(sorted(empty))} takes none"
        yield (
            f"{pods.title} is spread by {key} with a skew of at most {skew}: {count} pods must be there at "
            f"once, and {skew * len(usable)} may be ({why})"
        )


def _one_node(world: World, ground: Ground) -> Iterator[Seen]:
    if len(ground.pods) != 1 or sum(ground.pods.values()) < 2:
        return
    what = f"{world.workload.kind} {world.workload.namespace}/{world.workload.name}"
    ((node, count),) = ground.pods.items()
    said = f"all {count} ready pods of {what} are on node {node}: whatever ends it, ends all traffic"
    own = [pods for pods in world.harden.pods if pods.name == world.workload.name]
    if own and len(eligible(own[0], ground.nodes)) > 1:
        yield warns(said, "spread them: `controller.topologySpreadConstraints` or anti-affinity", (what,))
    else:
        yield tells(f"{said}, and no other node may run them", (what,))
