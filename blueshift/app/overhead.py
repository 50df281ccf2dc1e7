"""What asking costs the machine that asks: a figure without it may be the prober's own and not a server's."""

from __future__ import annotations

import resource
from pathlib import Path

import msgspec

from blueshift.clock import Clock

_STATUS = Path("/proc/self/status")


class Overhead(msgspec.Struct, frozen=True):
    """What this process took itself."""

    cpu_s: float
    """Seconds of the processor, in the program and in the kernel for it, from the first request to the last
    answer: neither the start of the command nor what is made of the ledger at the end."""
    cpu_share: float
    """Of one processor, over that time. One that is near 1 holds no higher rate."""
    cpu_ms_per_request: float
    peak_rss_mb: float
    """MiB: the most that the process had in memory until then."""


class Meter:
    """Reads the processor's time from its making on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.now()
        self._used = cpu_seconds()

    def read(self, requests: int) -> Overhead:
        """Return what was taken until now, for so many requests."""
        used = cpu_seconds() - self._used
        return Overhead(
            cpu_s=round(used, 3),
            cpu_share=round(used / max(0.001, self._clock.now() - self._since), 3),
            cpu_ms_per_request=round(used * 1000 / max(1, requests), 3),
            peak_rss_mb=round(peak_rss_mb(), 1),
        )


def cpu_seconds() -> float:
    """Seconds of the processor that this process has taken, its threads with it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_rss_mb() -> float:
    """MiB. By Linux's own figure: that of getrusage(2) begins with what the program had that started this."""
    try:
        return int(_STATUS.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
