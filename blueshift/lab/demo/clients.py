"""Clients beside the demo's ordinary ones: some that do not follow DNS, some that want no host of ours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.lab import facts, namespaces, noise
from blueshift.lab.addresses import Family
from blueshift.lab.demo import pod
from blueshift.lab.demo.generator import LONGEST, Generator
from blueshift.lab.demo.settings import OVERRIDES
from blueshift.lab.demo.world import NAMESPACE, World
from blueshift.lab.load import LONG_CACHED, PINNED, Beside, in_cluster
from blueshift.lab.loadbalancer import Habits
from blueshift.lab.sites import sites
from blueshift.traffic.prober.ledger import read_ledger
from blueshift.traffic.prober.summary import KindCount

IN_CLUSTER, SCANNER = "in-cluster", "scanner"
EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        LONG_CACHED.name: f"keeps what DNS answered for {LONG_CACHED.cache:.0f} s: the drains wait for it",
        PINNED.name: "never asks DNS again: the drain of the primary names it and does not end",
        IN_CLUSTER: "asks the controller's Service by the cluster's own address: it stays there as well",
        SCANNER: "asks every address for no host of ours: nothing waits for it",
    }
)
"""Client → what is to be expected of a run."""
STAYING = frozenset({PINNED.name, IN_CLUSTER})
"""For whose sake a person is asked whether the run goes on; in the demo nobody answers, and so it holds."""
ASK_AFTER = "90s"
_SCANNED = 4
"""Addresses of each family, from the first of the balancer's on: the sides' are among them."""


class Counted(NamedTuple):
    """What came of them."""

    clients: Mapping[str, KindCount]
    noise: Mapping[str, int]
    """Tries by what came of them."""
    doubts: tuple[str, ...]
    """Why a count of a client in the cluster proves nothing."""


def possible(chosen: Collection[str], balancer: Habits) -> None:
    """Raises BlueshiftError for clients that this balancer's controller could not serve; before anything is
    built or begun, which takes minutes."""
    if IN_CLUSTER in chosen and balancer.mode == "proxy":
        raise BlueshiftError(
            "a client in the cluster goes past the load balancer, and so without the PROXY header that "
            "the controller reads",
            place="--client in-cluster",
            hint="leave it out, or use `--lb-mode direct`",
        )


def overrides(chosen: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """The demo's, and how soon a person is asked where somebody stays for good."""
    if STAYING.isdisjoint(chosen):
        return OVERRIDES
    return {**OVERRIDES, "drain-primary": {**OVERRIDES["drain-primary"], "ask_after": ASK_AFTER}}


class Others:
    """Those that were chosen, for as long as the traffic runs. `prepare` before the world is looked at."""

    def __init__(self, world: World, clock: Clock, chosen: Collection[str]) -> None:
        self._world = world
        self._clock = clock
        self._chosen = chosen
        self._generator: Generator | None = None
        self._stopped = threading.Event()
        self._scanning: asyncio.Task[dict[str, int]] | None = None

    @property
    def beside(self) -> tuple[Beside, ...]:
        """Those that are part of the ordinary traffic's process."""
        return tuple(each for each in (LONG_CACHED, PINNED) if each.name in self._chosen)

    async def prepare(self) -> None:
        """Make what they need in the cluster. Raises BlueshiftError when it cannot be had."""
        lab = self._world.lab
        if IN_CLUSTER not in self._chosen:
            return
        self._generator = Generator(self._world, self._clock, name=IN_CLUSTER, netns=await pod.network(lab))

    async def start(self) -> None:
        """Begin to ask."""
        lab, families = self._world.lab, facts.of(self._world.lab).families
        if self._generator:
            found = [await pod.service_address(lab, NAMESPACE, family.version) for family in families]
            addresses = tuple(filter(None, found))
            await self._generator.start(
                in_cluster(sites(), addresses, duration=LONGEST, ca=str(self._world.ca))
            )
        if SCANNER in self._chosen:
            self._scanning = asyncio.create_task(self._scan(families))

    async def stop(self, ordinary: Generator) -> Counted:
        """End it, after the ordinary traffic has ended. Raises BlueshiftError when there are no figures."""
        counts: dict[str, KindCount] = {each.name: KindCount() for each in self.beside}
        if counts:
            await asyncio.to_thread(_count, ordinary, counts)
        doubts: tuple[str, ...] = ()
        if self._generator:
            found = await self._generator.stop()
            counts[IN_CLUSTER] = KindCount(found.requests, found.failed)
            doubts = tuple(f"{IN_CLUSTER}: {reason}" for reason in found.void_reasons)
        self._stopped.set()
        return Counted(counts, await self._scanning if self._scanning else {}, doubts)

    async def kill(self) -> None:
        """End it without figures."""
        self._stopped.set()
        if self._generator:
            await self._generator.kill()
        if self._scanning:
            await asyncio.wait([self._scanning])

    async def _scan(self, families: tuple[Family, ...]) -> dict[str, int]:
        addresses = [address for family in families for address in family.balanced(_SCANNED)]
        own = [family.clients[-1] for family in families]

        def work() -> dict[str, int]:
            return asyncio.run(noise.scan(addresses, own, self._stopped, self._clock))

        return await asyncio.to_thread(namespaces.inside, self._world.lab.clients_netns_path, work)


def _count(ordinary: Generator, counts: dict[str, KindCount]) -> None:
    for row in read_ledger(ordinary.ledger):
        count = counts.get(row.persona.rpartition("-")[0])
        if count is not None:
            count.requests += 1
            count.failed += row.failed
