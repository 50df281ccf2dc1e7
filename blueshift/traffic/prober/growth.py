"""How many connections a client has to one host, how that grows, and who waits for one.

A client without such a rule opens as many connections as requests come in while the first one is made, and at
a high rate does nothing else meanwhile: at 5,000 requests per second it was late for half a second.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from blueshift.clock import Clock

T = TypeVar("T")

GROWTH = 0.004
"""Seconds between two connections that are more than there ever were; one takes up to two milliseconds of our
processor, for the handshake of TLS. Below 1 / GROWTH requests per second nobody waits."""


class Growth(Generic[T]):
    """One host's connections of the kind `T`, idle ones and those being made too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open = 0
        self._most = 0
        """The most that there have been at once: so many may be there again without a wait."""
        self._next = -math.inf
        self._waiting: deque[asyncio.Future[T | None]] = deque()
        self._turns: asyncio.Task[None] | None = None

    async def more(self, now: Callable[[], float]) -> T | None:
        """Return a connection that came free, or None when it is the caller's turn to open one.

        Either way the caller tells what becomes of it, by `hand` or `ended`.
        """
        if self._open < self._most:
            self._open += 1
            return None
        if not self._waiting and now() >= self._next:
            self._next = now() + GROWTH
            self._open += 1
            self._most = self._open
            return None
        coming: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(coming)
        if self._turns is None:
            self._turns = asyncio.create_task(self._give_turns())
        try:
            return await coming
        except asyncio.CancelledError:
            if coming.done() and not coming.cancelled():  # it came, and nobody takes it any more
                kept = coming.result()
                if kept is None or not self.hand(kept):
                    self.ended()
            raise

    def hand(self, kept: T) -> bool:
        """Give a connection that came free to who has waited longest; False: nobody waits."""
        if (first := self._first()) is None:
            return False
        first.set_result(kept)
        return True

    def ended(self, count: int = 1) -> None:
        """Take note that connections are no more, or could not be made: others may take their place."""
        self._open -= count
        while self._open < self._most and (first := self._first()) is not None:
            self._open += 1
            first.set_result(None)

    def close(self) -> None:
        """Give no more turns."""
        if self._turns is not None:
            self._turns.cancel()

    def _first(self) -> asyncio.Future[T | None] | None:
        while self._waiting:
            if not (first := self._waiting.popleft()).done():
                return first
        return None

    async def _give_turns(self) -> None:
        while self._waiting:
            await self._clock.sleep(GROWTH)
            if (first := self._first()) is not None:
                self._open += 1
                self._most = max(self._most, self._open)
                first.set_result(None)
        self._turns = None
