"""A program on one core, with what it used of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

LONGEST = 300.0
"""Seconds that any of them may take."""


class Ended(NamedTuple):
    """How it went."""

    out: str
    said: str
    processor_s: float
    rss_mb: float


def pinned(argv: Sequence[str], core: int = 0, ok: tuple[int, ...] = (0,)) -> Ended:
    """Run it to its end on one core. Raises AssertionError for another exit code."""
    before = os.times()
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    out, said = process.communicate(timeout=LONGEST)
    after = os.times()
    assert process.returncode in ok, f"{argv[0]} ended with {process.returncode}: {said[-500:]}"
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Ended(out, said, used, peak_mb())


def peak_mb() -> float:
    """MiB: the most that any child of this process has held."""
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
