"""The only place that asks the machine for the time, so that a test can move it by hand."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol

# CLOCK_BOOTTIME counts the time of a suspended laptop; macOS has only the monotonic clock.
_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Durations from `now`, instants for people and journals from `utc`."""

    def now(self) -> float:
        """Seconds on a clock that never jumps; only differences mean something."""

    def utc(self) -> datetime:
        """The instant, corrected by what `learn` was told."""

    def learn(self, server: datetime) -> None:
        """Take the API server's `Date` as the truth about the instant."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Raise TimeoutError in the block when it lasts longer."""


class SystemClock:
    """The machine's clock, asked for the instant once: when it is set, no wait is over early or late."""

    def __init__(self) -> None:
        self._zero = datetime.now(UTC) - timedelta(seconds=self.now())

    def now(self) -> float:
        """See Clock."""
        return time.clock_gettime(_BOOT)

    def utc(self) -> datetime:
        """See Clock."""
        return self._zero + timedelta(seconds=self.now())

    def learn(self, server: datetime) -> None:
        """See Clock. HTTP dates have whole seconds: a clock that is less than two off counts as right."""
        difference = server - self.utc()
        if abs(difference) >= timedelta(seconds=2):
            self._zero += difference

    async def sleep(self, seconds: float) -> None:
        """See Clock."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """See Clock."""
        return asyncio.timeout(seconds)
