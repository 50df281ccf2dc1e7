"""A client that asks DNS once and keeps the answer for good, as many programs do."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from blueshift.lab.demo.inside import entered
from blueshift.lab.demo.world import World
from blueshift.lab.nameservers import zone
from blueshift.lab.processes import run
from blueshift.lab.sites import sites

EVERY = 0.2
"""Seconds between two requests."""
_LONGEST = 2.0
"""Seconds that it waits for an answer."""


class Pinned:
    """Each request on a connection of its own, always at the first answer's address.

    Not the product's own probe: that is known by its User-Agent, and counts as nobody.
    """

    def __init__(self, world: World, *, every: float = EVERY, source: str = "") -> None:
        """`source` is an address of its own, of the clients' network."""
        self._world = world
        self._every = every
        self._own = ("--interface", source) if source else ()
        # Plain HTTP: it counts whether it is served, and not by which certificate.
        site = next(site for site in sites() if not site.tls and site.asked and "*" not in site.host)
        self._route = site.asked[0]
        self.host = site.host
        self.address = ""
        self.served = 0
        self.failed: list[str] = []
        """What curl printed for each request that was not answered as it should be."""
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Ask the lab's resolver, once, and begin to send."""
        resolver = zone(self._world.lab).resolver[0]
        argv = ["dig", f"@{resolver}", "+short", self.host, "A"]
        self.address = (await run(entered(self._world.lab, argv, clients=True), "dig")).split()[0]
        self._task = asyncio.create_task(self._send())

    async def stop(self) -> None:
        """Send no more; the last request ends by itself."""
        self._stopped.set()
        if self._task:
            await self._task

    async def _send(self) -> None:
        url = f"http://{self.host}{self._route.path}"
        argv = [
            *("curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{errormsg}"),
            *("--max-time", str(_LONGEST), "--resolve", f"{self.host}:80:{self.address}", *self._own, url),
        ]
        while not self._stopped.is_set():
            process = await asyncio.create_subprocess_exec(
                *entered(self._world.lab, argv, clients=True), stdout=asyncio.subprocess.PIPE
            )
            said = (await process.communicate())[0].decode()
            if said.startswith(f"{self._route.status} "):
                self.served += 1
            else:
                self.failed.append(said)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), self._every)
