"""Checks of the cluster: rights, pods, addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blueshift.discovery.found import found
from blueshift.discovery.seen import Permissions, Ports
from blueshift.discovery.services import role_of
from blueshift.discovery.world import Rendered, ServiceFact, World, front
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns

_ONLY = "this version moves names between addresses of LoadBalancer Services only"


def rbac(world: World) -> Iterator[Seen]:
    """This user may do everything that the run does."""
    seen = found(world, "cluster-rbac", Permissions)
    if not seen.denied:
        yield passed(f"this user has all {seen.asked} rights that the run needs")
        return
    missing = [
        f"{one.verb} {one.resource}" + (f" in {one.namespace}" if one.namespace else "")
        for one in seen.denied
    ]
    yield fails(
        f"this user lacks {len(missing)} of {seen.asked} rights: {brief(missing)} (the first, as "
        f"{seen.denied[0].why})",
        "`blueshift rbac --role runner` prints roles that have them, for an admin to apply",
        missing,
    )


def execute(world: World) -> Iterator[Seen]:
    """Commands may be run in the controller's pods."""
    seen = found(world, "cluster-exec", Permissions)
    if seen.denied:
        spaces = ", ".join(sorted({one.namespace for one in seen.denied}))
        yield fails(
            f"this user may not run commands in the pods of {spaces}: neither could the routes of both sides "
            "be compared, nor open connections be counted",
            f"grant `get` and `create` on pods/exec in {spaces}",
        )
    else:
        yield passed("commands may be run in the controller's pods")


def replicas(world: World) -> Iterator[Seen]:
    """Every pod of the primary is ready, and one may be lost."""
    workload = world.workload
    what = f"{workload.kind} {workload.namespace}/{workload.name}"
    said = f"{what}: {workload.ready} of {workload.replicas} pods are ready"
    remedy = f"`kubectl -n {workload.namespace} describe pods` shows why; upgrade when all are ready"
    if workload.ready == 0:
        yield fails(said, remedy, (what,))
    elif workload.ready < workload.replicas:
        yield fails(
            f"{said}: it must be whole before traffic leaves and before it comes back", remedy, (what,)
        )
    elif workload.sleeps:
        yield fails(
            f"KEDA takes {what} to no pod when nothing comes, as while traffic is away: it could not prove "
            "itself, and nobody could go back to it",
            f"set minReplicaCount of the ScaledObject {workload.scaled_object} to 1 or more, and no "
            "idleReplicaCount, until the upgrade is over",
            (what,),
        )
    elif workload.ready == 1:
        yield warns(
            f"{what} has one pod: whatever ends it, ends all traffic", "set at least 2 replicas", (what,)
        )
    else:
        yield passed(said)


def lb_address(world: World) -> Iterator[Seen]:
    """The temporary can have an address of its own, as the primary has."""
    ports = found(world, "cluster-lb-address", Ports)
    service = front(world.services)
    if ports.host_network or ports.host_ports:
        yield _by_nodes(ports, service)
    if service is None:
        yield fails(
            f"no Service leads to the pods of {world.release.name} on ports 80 or 443",
            f"the chart's `controller.service.enabled` makes one; {_ONLY}",
        )
        return
    yield from _service(service)
    yield from _counterpart(service, world.temporary)
    yield from _routes(world, ports.unrouted)
    answers = world.baseline.values()
    if answers and not any(0 < status < 500 for status in answers):
        # Without an answer from here the run would hold before it moves anything; with only 5xx it could
        # not tell a broken side from a broken application.
        asked = [address for address in service.addresses if address not in ports.unrouted]
        yield fails(
            f"none of {len(world.baseline)} hosts answers well at {' and '.join(asked)} from here: what "
            "answers before the run is what each side must prove itself by",
            "run this from where clients' addresses can be reached, and see that the applications are up",
        )


def _by_nodes(ports: Ports, service: ServiceFact | None) -> Seen:
    how = "hostNetwork" if ports.host_network else f"host ports {', '.join(map(str, ports.host_ports))}"
    if service is None or not service.addresses:
        return fails(
            f"the primary takes traffic by its nodes' addresses ({how}): a second release has no address of "
            "its own there",
            f"put a Service of type LoadBalancer in front of it; {_ONLY}",
        )
    value = "hostNetwork" if ports.host_network else "hostPort.enabled"
    beside = " and ".join(service.addresses)
    return fails(
        f"the primary takes traffic by its nodes' addresses ({how}) beside {beside}: whoever comes by them "
        "cannot be moved to a second release",
        f"set `controller.{value}: false` first: Service {service.namespace}/{service.name} brings clients "
        "to the pods as well",
    )


def _counterpart(service: ServiceFact, temporary: Rendered) -> Iterator[Seen]:
    """The temporary release has a Service like it, which one made by hand beside the release has not."""
    if temporary.error or service.type != "LoadBalancer":
        return
    workloads = [one.name for one in temporary.pods]
    made = [one for one in temporary.services if role_of(one.name, workloads) == service.role]
    if not any(one.type == "LoadBalancer" for one in made):
        value = "controller.service.internal" if service.role == "internal" else "controller.service"
        yield fails(
            f"the temporary would have no {service.role} Service of type LoadBalancer, as the primary has by "
            f"{service.namespace}/{service.name}",
            f"have the release make that Service itself, by the values of `{value}`",
        )


def _routes(world: World, unrouted: Sequence[str]) -> Iterator[Seen]:
    """A run asks every address that names move to: what this machine has no route to is never proven."""
    for family, kind in (("IPv4", "A"), ("IPv6", "AAAA")):
        blind = [address for address in unrouted if (":" in address) is (kind == "AAAA")]
        moved = [name.name for name in world.moving() if any(one.type == kind for one in name.records)]
        if blind and moved:
            yield fails(
                f"this machine has no route to {' and '.join(blind)}, and {len(moved)} names move by {kind} "
                f"records: that the temporary serves them by {family} could not be proven from here",
                f"run this from a machine that reaches the load balancer by {family}",
                moved,
            )
        elif blind:
            yield tells(
                f"this machine has no route to {' and '.join(blind)}; no name has {kind} records to move"
            )


def _service(service: ServiceFact) -> Iterator[Seen]:
    what = f"Service {service.namespace}/{service.name}"
    if service.type != "LoadBalancer":
        yield fails(
            f"{what} is of type {service.type}: its address is given outside of Kubernetes, so a second "
            "release gets none by itself",
            f"use a Service of type LoadBalancer; {_ONLY}",
            (what,),
        )
    elif service.hostname and not service.addresses:
        yield fails(
            f"the load balancer of {what} has a name ({service.hostname}) and no address: its names are "
            "aliases, which are not moved yet",
            _ONLY[0].upper() + _ONLY[1:],
            (what,),
        )
    elif not service.addresses:
        yield fails(
            f"{what} has no address: nothing in this cluster gives one",
            "install what gives addresses to Services of type LoadBalancer; its events say why there is none",
            (what,),
        )
    else:
        families = [name for name, have in (("IPv4", service.ipv4), ("IPv6", service.ipv6)) if have]
        yield passed(f"{what} has {' and '.join(service.addresses)}")
        yield tells(
            f"the temporary must get {' and '.join(families)} too: names of both families move together"
        )
