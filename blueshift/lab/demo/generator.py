"""The traffic around a run: the lab's generator as a process of its own, in the clients' network."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.lab import facts
from blueshift.lab.demo.inside import within
from blueshift.lab.demo.world import World, backends
from blueshift.lab.load import Beside, load
from blueshift.lab.nameservers import zone
from blueshift.lab.processes import killed
from blueshift.lab.sites import sites
from blueshift.lab.traffic import Config
from blueshift.traffic.prober.plan import Plan
from blueshift.traffic.prober.summary import Summary

LONGEST = 3600.0
"""Seconds of traffic at most, whatever becomes of the run."""
_ENDS_WITHIN = 150.0
"""Seconds from SIGTERM to the summary: the last long poll, and the comparison with the backends."""


class Generator:
    """One generator process. Its files are `NAME.json` (told), `.ledger`, `.summary` and `.log`.

    It is in the clients' network, or in the namespace that `netns` is a handle of.
    """

    def __init__(
        self, world: World, clock: Clock, *, name: str = "traffic", netns: Path | None = None
    ) -> None:
        self._world = world
        self._clock = clock
        self._base = world.folder / name
        self._netns = netns or world.lab.clients_netns_path
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """What it says while it runs."""
        return self._base.with_suffix(".log")

    @property
    def ledger(self) -> Path:
        """A row for each request; whole when it was stopped."""
        return self._base.with_suffix(".ledger")

    async def start(self, plan: Plan) -> None:
        """Begin to send. Raises BlueshiftError when the world has no backend."""
        known = zone(self._world.lab)
        config = Config(
            plan=plan,
            ledger=str(self.ledger),
            summary=str(self._base.with_suffix(".summary")),
            backends=await backends(self._world.lab),
            resolver=known.resolver[0],
            attended=True,
        )
        told = self._base.with_suffix(".json")
        told.write_bytes(msgspec.json.encode(config))
        argv = [sys.executable, "-m", "blueshift.lab.traffic", "--config", str(told)]
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C at the demo's terminal must not end the traffic before the run.
            self._process = await asyncio.create_subprocess_exec(
                *within(self._netns, argv),
                stdin=asyncio.subprocess.PIPE,  # closed by our end, also by kill -9
                stderr=log,
                start_new_session=True,
            )

    async def warm(self, requests: int, *, within: float) -> None:
        """Return when so many requests have ended. Raises BlueshiftError if they do not in `within` s."""
        try:
            async with self._clock.timeout(within):
                while self._ended() < requests:
                    if self._process is None or self._process.returncode is not None:
                        raise BlueshiftError(f"the traffic ended by itself: {self._tail()}")
                    await self._clock.sleep(0.5)
        except TimeoutError:
            raise BlueshiftError(
                f"only {self._ended()} of {requests} requests had ended after {within:.0f} s: {self._tail()}"
            ) from None

    async def stop(self) -> Summary:
        """End the sending and return the figures. Raises BlueshiftError when there are none."""
        process = self._process
        if process is None:
            raise BlueshiftError("the traffic was not started")
        try:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            async with self._clock.timeout(_ENDS_WITHIN):
                await process.wait()
            return msgspec.json.decode(self._base.with_suffix(".summary").read_bytes(), type=Summary)
        except (TimeoutError, OSError, msgspec.DecodeError) as error:
            raise BlueshiftError(f"the traffic left no figures: {self._tail()}") from error
        finally:
            await self.kill()

    async def kill(self) -> None:
        """End it without figures."""
        if self._process is not None:
            await killed(self._process)

    def _ended(self) -> int:
        """By its last line: `traffic: 10 s, sent 3000, ended 2990, …`."""
        lines = [line for line in self._lines() if line.startswith("traffic: ")]
        return int(lines[-1].partition("ended ")[2].partition(",")[0]) if lines else 0

    def _tail(self) -> str:
        return "; ".join(self._lines()[-3:]) or "it said nothing"

    def _lines(self) -> Sequence[str]:
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else ()


def plan(
    world: World, *, rate: float, long_sessions: Sequence[float] = (), beside: Sequence[Beside] = ()
) -> Plan:
    """The demo's load on this world: `rate` requests per second over every site and kind of client.

    `beside` come on top of it.
    """
    known = facts.of(world.lab).families
    return load(
        sites(),
        rate=rate,
        duration=LONGEST,
        ca=str(world.ca),
        families=tuple(6 if family.version == 6 else 4 for family in known),
        sources=tuple(family.clients for family in known),
        long_sessions=long_sessions,
        beside=beside,
    )
