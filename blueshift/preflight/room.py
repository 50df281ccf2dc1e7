"""Checks of the room for a run's pods: what is free on nodes, ports of nodes, images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.placement import eligible
from blueshift.discovery.pods import Pods
from blueshift.discovery.quantity import spoken
from blueshift.discovery.seen import Ports
from blueshift.discovery.seen_room import Free, Ground, Image, Images, Node, Room, Taken
from blueshift.discovery.world import Rendered, World
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns

Load = tuple[Pods, int]
"""Pods and how many of them."""


def of_temporary(world: World) -> list[Load]:
    """What the temporary brings. Raises NotLooked where that is not known."""
    return [(pods, pods.replicas) for pods in lasting(world.temporary, "temporary")]


def of_rollout(world: World, revision: Rendered, which: str) -> list[Load]:
    """The pods beyond the primary's replicas without which a rollout cannot go on. Raises NotLooked."""
    return [(pods, beyond(pods, replicas(world, pods))) for pods in lasting(revision, which)]


def beyond(pods: Pods, count: int) -> int:
    """One where no pod may go before its successor is ready; more of a surge only make it faster."""
    return 0 if pods.away(count) else min(1, pods.surging(count))


def replicas(world: World, pods: Pods) -> int:
    """How many there are: of the primary as it runs now, which an autoscaler may have raised."""
    return world.workload.replicas if pods.name == world.workload.name else pods.replicas


def rollouts(world: World) -> tuple[tuple[str, Rendered], ...]:
    """The revisions that roll out at the primary, one after the other."""
    return ("hardened", world.harden), ("target", world.target)


def lasting(revision: Rendered, which: str) -> list[Pods]:
    """Without the Jobs of hooks, which are gone before more comes."""
    if revision.error:
        raise NotLooked(f"the {which} revision does not render, so what its pods need is not known")
    pods = [one for one in revision.pods if one.kind != "Job"]
    if not pods:
        raise NotLooked(f"no workload is known of the {which} revision")
    return pods


def headroom(world: World) -> Iterator[Seen]:
    """The temporary's pods, and beside them those of a rollout, fit onto the nodes.

    Pods are placed one by one onto the node with the most CPU free, about as the scheduler does. That a
    target asks for more than the pods that it replaces is not counted, apart from the first one.
    """
    ground, room = found(world, "cluster-spread", Ground), found(world, "cluster-headroom", Room)
    temporary = of_temporary(world)
    left = dict(room.free)
    bad = list(_unplaced(temporary, ground.nodes, left))
    for which, revision in () if bad else rollouts(world):
        surge = of_rollout(world, revision, which)
        bad += [text for text in _unplaced(surge, ground.nodes, dict(left)) if text not in bad]
    remedy = "free or add nodes, or lower the requests of the controller's pods while this run lasts"
    for text in bad:
        if room.autoscaler:
            yield warns(f"{text}; an autoscaler is at work ({room.autoscaler}) and may add nodes", remedy)
        else:
            yield fails(text, remedy)
    if not bad:
        count = sum(number for _, number in temporary)
        yield passed(f"{count} pods of the temporary, and those of a rollout beside them, fit onto the nodes")


def _unplaced(loads: Sequence[Load], nodes: Sequence[Node], left: dict[str, Free]) -> Iterator[str]:
    """Place pods and say which find no node; what they take is taken from `left`."""
    for pods, count in loads:
        where, need = eligible(pods, nodes), pods.needs("requests")
        for placed in range(count):
            fitting = [node.name for node in where if node.name in left and _fits(need, left[node.name])]
            if not fitting:
                asks = f"{spoken('cpu', need['cpu'])} CPU and {spoken('memory', need['memory'])} memory"
                may = (
                    f"none of the {len(where)} that may run them has that free"
                    if where
                    else "none may run them"
                )
                yield (
                    f"{count - placed} of {count} pods of {pods.title} find no node: each asks for {asks}, "
                    f"and of {len(nodes)} nodes {may}"
                )
                break
            best = max(fitting, key=lambda name: left[name].cpu)
            has = left[best]
            left[best] = Free(has.cpu - need["cpu"], has.memory - need["memory"], has.pods - 1)


def _fits(need: Mapping[str, int], free: Free) -> bool:
    # What is not asked for fits also where more is taken than there is (scheduler, fit.go).
    cpu, memory = need["cpu"], need["memory"]
    return free.pods > 0 and (not cpu or cpu <= free.cpu) and (not memory or memory <= free.memory)


def host_ports(world: World) -> Iterator[Seen]:
    """The temporary takes no port of a node that is the primary's or another's."""
    ports, taken = found(world, "cluster-lb-address", Ports), found(world, "cluster-host-ports", Taken)
    bad = False
    for pods, _ in of_temporary(world):
        both = sorted(set(pods.host_ports) & set(ports.host_ports))
        if pods.host_network or both:
            bad = True
            what = "the host's network" if pods.host_network else f"host ports {', '.join(map(str, both))}"
            yield fails(
                f"{pods.title} of the temporary takes {what}, as the primary does: no node has room for both",
                "take it out of the values: the temporary needs the addresses of its Service alone",
                (pods.title,),
            )
        elif pods.host_ports:
            yield tells(f"{pods.title} of the temporary takes host ports: one pod fits on each node")
    for service in world.temporary.services:
        for port in service.node_ports:
            whose = taken.ports.get(str(port))
            if whose:
                bad = True
                yield fails(
                    f"node port {port} is fixed for Service {service.namespace}/{service.name} of the "
                    f"temporary, and it is that of Service {whose}: a node port is given once per cluster",
                    "take `nodePort` out of the values: Kubernetes then gives a free one",
                    (f"{service.namespace}/{service.name}",),
                )
    if not bad:
        yield passed("the temporary takes no port of a node that another has")


def image_pull(world: World) -> Iterator[Seen]:
    """The images are on the nodes, or pull secrets are there; that a registry gives one is never guessed.

    A kubelet names the 50 largest images of its node alone (nodeStatusMaxImages), so one may be there unseen.
    """
    images = found(world, "cluster-image-pull", Images).images
    if not images:
        raise NotLooked("no image of the temporary or the target is known")
    held = [one for one in images if one.nodes and one.held == one.nodes and not one.always]
    if held:
        names = list(dict.fromkeys(one.image for one in held))
        yield passed(f"every node that may run them has {brief(names)}")
    for one in images:
        if one not in held:
            yield _to_be_pulled(one)


def _to_be_pulled(one: Image) -> Seen:
    has = f"{one.held} of {one.nodes} nodes that may run it have {one.image} of the {one.revision}"
    if one.missing:
        return warns(
            f"{has}, and there is no pull secret {brief(one.missing)}",
            "make the Secret that `imagePullSecrets` names; a registry that asks for one refuses the pull",
            one.missing,
        )
    why = "its registry is asked at each start" if one.always else "the others would pull it"
    secrets = f" with pull secret {brief(one.secrets)}, which is there" if one.secrets else ""
    return Seen(
        "not-looked",
        f"{has}; {why}{secrets}, and whether it can be pulled was not tried",
        "pull it onto a node by hand (`crictl pull`) if you are not sure that the registry gives it",
        stops=False,
    )
