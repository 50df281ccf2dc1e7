"""What every side gets while nobody uses it: the lab's scanners, and our own probes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from blueshift.clock import SystemClock
from blueshift.lab import facts, namespaces, noise
from blueshift.lab.demo.world import World
from blueshift.traffic.probe import probe

PROBED_EVERY = 5.0
"""Seconds: a probe has a connection of its own for a moment, which holds a drain up for that."""


@asynccontextmanager
async def scanning(world: World, *, probed: str) -> AsyncIterator[None]:
    """Scan the world's addresses, and send probes for the host `probed`, while the block lasts."""
    stopped, clock = threading.Event(), SystemClock()
    own = [family.clients[-1] for family in facts.of(world.lab).families]

    async def probing() -> None:
        while not stopped.is_set():
            for address in world.addresses:
                await probe(address, port=80, host=probed, tls=False, clock=clock)
            await clock.sleep(PROBED_EVERY)

    async def both() -> dict[str, int]:
        found, _ = await asyncio.gather(noise.scan(world.addresses, own, stopped, clock), probing())
        return found

    inside = asyncio.to_thread(namespaces.inside, world.lab.clients_netns_path, lambda: asyncio.run(both()))
    task = asyncio.create_task(inside)
    try:
        yield
    finally:
        stopped.set()
        found = await task
    assert sum(found.values()) > 0, "nothing was scanned"
