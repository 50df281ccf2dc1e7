"""Traffic around what a test does, and its proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from blueshift.clock import SystemClock
from blueshift.lab.demo.generator import Generator, plan
from blueshift.lab.demo.run import WARM
from blueshift.lab.demo.world import World
from blueshift.traffic.prober.summary import Summary

RATE = 120.0
"""Requests per second: little beside other work, and enough in a soak of 20 s for a verdict (judge.py)."""


class Counted:
    """The figures, once the traffic has ended."""

    summary: Summary


@asynccontextmanager
async def traffic(world: World, *, rate: float = RATE) -> AsyncIterator[Counted]:
    """Send while the block lasts, from 1,000 requests before it until 5 s after it."""
    clock = SystemClock()
    generator, counted = Generator(world, clock), Counted()
    await generator.start(plan(world, rate=rate))
    try:
        await generator.warm(WARM, within=120)
        yield counted
        await clock.sleep(5)
        counted.summary = await generator.stop()
    finally:
        generator.kill()


def assert_nothing_lost(summary: Summary) -> None:
    """No request failed, and the count proves it."""
    assert summary.failed == 0, summary.failures[:10]
    assert not summary.void, summary.void_reasons
