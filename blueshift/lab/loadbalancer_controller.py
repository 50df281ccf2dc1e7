"""Gives Services of type LoadBalancer their addresses, as a cloud's controller does.

`python -m blueshift.lab.loadbalancer_controller KUBECONFIG HABITS POOL…` is a process of the lab; HABITS are
`loadbalancer.Habits` as JSON. An address is just one of a range that nobody else has: kube-proxy serves what
`status.loadBalancer.ingress` says. Where the lab balances by itself, `ipMode: Proxy` keeps kube-proxy away.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from blueshift.clock import Clock, SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Conflict, NotFound
from blueshift.errors import Ambiguous, Retryable
from blueshift.lab import network
from blueshift.lab.addresses import families
from blueshift.lab.balancer.hop import Hop
from blueshift.lab.balancer.nft import Kernel
from blueshift.lab.balancer.watch import Balancer, Way
from blueshift.lab.loadbalancer import Habits, Pool, Service, addresses_of, allocate, lacking


class Controller:
    """Watches Services; each that lacks an address is given one after the delay."""

    def __init__(self, kube: KubeApi, clock: Clock, pools: Sequence[Pool], habits: Habits) -> None:
        self._kube, self._clock, self._pools, self._habits = kube, clock, pools, habits
        self._services: dict[str, dict[str, Any]] = {}
        self._promised: dict[str, tuple[str, ...]] = {}

    async def run(self) -> None:
        """For ever."""
        giving: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            async for event in self._kube.watch(paths.core("services")):
                uid = event.object["metadata"]["uid"]
                if event.type == "DELETED":
                    self._services.pop(uid, None)
                    continue
                self._services[uid] = event.object
                if lacking(event.object) and (uid not in giving or giving[uid].done()):
                    giving[uid] = group.create_task(self._give(uid))

    async def _give(self, uid: str) -> None:
        await self._clock.sleep(self._habits.delay)
        while (service := self._services.get(uid)) is not None and lacking(service):
            chosen = allocate(service, self._taken(uid), self._pools)
            name = f"{service['metadata']['namespace']}/{service['metadata']['name']}"
            if chosen is None:
                sys.stderr.write(f"{name}: no address to give\n")
                await self._clock.sleep(5)
                continue
            self._promised[uid] = chosen
            try:
                # The answer is newer than what the watch has told so far.
                self._services[uid] = await self._write(service, chosen)
                sys.stderr.write(f"{name}: {', '.join(chosen)}\n")
            except NotFound:
                return
            except (Retryable, Ambiguous, Conflict) as trouble:
                sys.stderr.write(f"{name}: {trouble}\n")
                await self._clock.sleep(1)
            finally:
                del self._promised[uid]

    def _taken(self, uid: str) -> list[str]:
        has = [addresses_of(service) for service in self._services.values()]
        promised = [addresses for other, addresses in self._promised.items() if other != uid]
        return [address for addresses in (*has, *promised) for address in addresses]

    async def _write(self, service: Service, addresses: Sequence[str]) -> dict[str, Any]:
        metadata = service["metadata"]
        path = paths.core("services", metadata["namespace"], metadata["name"], "status")
        mode = "Proxy" if self._habits.own else "VIP"
        ingress = [{"ip": address, "ipMode": mode} for address in addresses]
        # With the uid: a Service made anew under the old name waits for its own turn.
        body = {"metadata": {"uid": metadata["uid"]}, "status": {"loadBalancer": {"ingress": ingress}}}
        return await self._kube.patch(path, body)


async def main(kubeconfig: str, habits: Habits, pools: Sequence[str]) -> None:
    """Serve one cluster until this process is ended."""
    clock = SystemClock()
    kube = await KubeApi.connect(clock, kubeconfig=kubeconfig)
    try:
        async with asyncio.TaskGroup() as group:
            controller = Controller(kube, clock, [Pool(network) for network in pools], habits)
            group.create_task(controller.run())
            if habits.own:
                group.create_task(Balancer(kube, clock, _way(habits, clock), habits.deregister_lag).run())
    finally:
        await kube.close()


def _way(habits: Habits, clock: Clock) -> Way:
    if habits.mode == "direct":
        return Kernel()
    return Hop(clock, {family.pool: family.node for family in families(network.has_ipv6())})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], msgspec.json.decode(sys.argv[2], type=Habits), sys.argv[3:]))
