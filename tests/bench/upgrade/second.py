"""A second witness, which is not ours: wrk beside the traffic of a run (DESIGN §7).

It is no open loop, asks DNS once and keeps its connections: so it is started anew every ten seconds, as a
client that comes and goes.
"""

from __future__ import annotations

import asyncio
import re

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.lab.demo.upgrade import BLUESHIFT
from blueshift.lab.paths import Lab
from blueshift.lab.sites import sites

ROUND = 10
"""Seconds of one start; what is under way at its end is dropped by wrk and counted by nobody."""
CONNECTIONS = 8
WAIT = 0.2
"""Seconds that the application takes for each answer: without a pause wrk would measure the machine."""
_NOBODY = ("unable to connect to ", "unable to resolve ")
_PAUSE = 1.0
"""Seconds after a start that reached nobody, which ends at once."""
_REQUESTS = re.compile(r"(\d+) requests in ")
_BROKEN = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)")


class Seen(msgspec.Struct, frozen=True):
    """What wrk says."""

    requests: int = 0
    """That were answered."""
    refused: int = 0
    """Of these: by a status of neither 2xx nor 3xx."""
    broken: int = 0
    """Connections that could not be made or ended in the midst, and answers that took over two seconds."""

    def plus(self, other: Seen) -> Seen:
        """Both together."""
        return Seen(self.requests + other.requests, self.refused + other.refused, self.broken + other.broken)


def read(printed: str) -> Seen:
    """The figures of one start. Raises BlueshiftError for what is none, and no word of reaching nobody."""
    asked = _REQUESTS.search(printed)
    if asked is None:
        if not any(words in printed for words in _NOBODY):
            raise BlueshiftError(f"wrk has no figures: {printed[-200:] or 'it said nothing'}")
        return Seen(broken=1)
    broken, refused = _BROKEN.search(printed), _REFUSED.search(printed)
    return Seen(
        int(asked[1]), int(refused[1]) if refused else 0, sum(map(int, broken.groups())) if broken else 0
    )


class Second:
    """wrk, as long as it is wanted."""

    def __init__(self, lab: Lab, clock: Clock) -> None:
        self._lab = lab
        self._clock = clock
        self._enough = False
        self._task: asyncio.Task[Seen] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._ask())

    async def stop(self) -> Seen:
        """The sum, when the start that is under way has ended. Raises BlueshiftError; see `read`."""
        self._enough = True
        return await self._task if self._task else Seen()

    async def kill(self) -> None:
        """End it without figures."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _ask(self) -> Seen:
        (inbox,) = (site for site in sites() if site.name == "inbox")
        wrk = ("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{ROUND}s", f"https://{inbox.host}/inbox?wait={WAIT:g}")
        within = (BLUESHIFT, "lab", "exec", "--clients", "--name", self._lab.name)
        seen = Seen()
        while not self._enough:
            process = await asyncio.create_subprocess_exec(
                *within, "--", *wrk, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            try:
                printed, _ = await process.communicate()
            except asyncio.CancelledError:
                process.kill()
                await process.wait()
                raise
            told = read(printed.decode(errors="replace"))
            seen = seen.plus(told)
            if not told.requests:
                await self._clock.sleep(_PAUSE)
        return seen
