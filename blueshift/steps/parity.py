"""Route parity of the two sides of a run: their generated configurations, then their answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

from blueshift.controllers.profile import Profile
from blueshift.discovery.world import HostFact
from blueshift.engine.protocol import Hold, Wait
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError, Retryable
from blueshift.shift.protocol import Target
from blueshift.steps.context import Here, Tools
from blueshift.steps.live import live_hosts
from blueshift.steps.places import Places
from blueshift.steps.proof import reached
from blueshift.together import together
from blueshift.traffic.parity import AskedSide, Parity, ParityRules, compare_routes
from blueshift.traffic.routes import Routes

if TYPE_CHECKING:  # client libraries that a plan does not need
    from blueshift.cluster.api import KubeApi
    from blueshift.steps.witness import Witness

# Seconds: a configuration of 2,500 hosts is some 30 MB through exec.
_DUMP = 60.0


class Served(NamedTuple):
    """What both sides are configured to serve."""

    routes: tuple[Routes, Routes]
    """The primary's and the temporary's."""
    hosts: tuple[HostFact, ...]
    """Of the Ingresses that exist."""


async def served(tools: Tools) -> Served:
    """Read both configurations. Raises BlueshiftError when one cannot be read."""
    ours, theirs, hosts = await together(
        configured(tools, "primary"), configured(tools, "temporary"), live_hosts(tools)
    )
    return Served((ours, theirs), hosts)


async def parity(tools: Tools, temporary: Target, read: Served, skip: tuple[str, ...] = ()) -> Parity:
    """Compare primary and temporary, all routes of both. Raises BlueshiftError as `compare_routes` does."""
    service = tools.world.service()
    primary = tools.target("primary")
    sides = (
        AskedSide("primary", reached(primary), service.http, service.https),
        AskedSide("temporary", reached(temporary), service.http, service.https),
    )
    certified = [host.host for host in read.hosts if host.tls]
    # Counted before and not after: the answers to it must not pass for users' requests.
    tools.followers["primary"].sent(len(read.routes[0].routes))
    tools.followers["temporary"].sent(len(read.routes[1].routes))
    return await compare_routes(
        read.routes, sides, clock=tools.clock, rules=ParityRules(skip=skip), certified=certified
    )


# Seconds. An Ingress that comes or goes while both are read is with one side sooner than with the other.
PATIENCE = 20.0


def unlike(here: Here, sentence: str) -> Wait | Hold:
    """What a difference means: compared again for a while, then a hold."""
    since = here.waited("routes")
    if since is None or since < PATIENCE:
        return Wait("routes", sentence, then="they are compared again", poll=5.0)
    return Hold(sentence)


class Reads(Protocol):
    """What it takes to read a configuration: of a run's tools, and of less."""

    @property
    def kube(self) -> KubeApi:
        """The cluster."""

    @property
    def witness(self) -> Witness:
        """Knows where the sides are."""

    @property
    def profile(self) -> Profile:
        """The controller's."""

    @property
    def places(self) -> Places:
        """For the command in a hint."""


async def configured(tools: Reads, side: SideName) -> Routes:
    """What the newest ready pod of a side was configured to serve."""
    pod = await tools.witness.newest_ready(side)
    dump = await dumped(tools, side, pod)
    # Seconds for thousands of hosts, in which services of the run must not stand still.
    return await asyncio.to_thread(tools.profile.routes, dump)


async def dumped(tools: Reads, side: SideName, pod: str | None) -> str:
    """The generated configuration of a pod. Raises BlueshiftError when it cannot be read."""
    workload = await tools.witness.workload(side)
    if workload is None or pod is None:
        raise Retryable(f"the {side} has no ready pod whose configuration could be read", after=2.0)
    container = tools.profile.container_name(workload)
    namespace = tools.witness.namespace(side)
    command = tools.profile.config_dump_command
    result = await tools.kube.exec(namespace, pod, command, container=container, timeout=_DUMP)
    if result.code != 0:
        said = result.stderr.decode(errors="replace").strip()[-300:]
        raise BlueshiftError(
            f"{' '.join(command)} failed in {namespace}/{pod}: {said}",
            hint=f"{tools.places.kubectl} exec -n {namespace} {pod} -c {container} -- {' '.join(command)}",
        )
    return result.stdout.decode(errors="replace")
