"""Traffic around what a test does, and its proof."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec

import msgspec

from blueshift.clock import SystemClock
from blueshift.lab.demo.generator import Generator, plan
from blueshift.lab.demo.run import WARM
from blueshift.lab.demo.world import World
from blueshift.traffic.prober.summary import Summary
from tests.e2e.command import Ended, tell

RATE = 120.0
"""Requests per second: little beside other work, and enough in a soak of 25 s for a verdict (judge.py)."""


class Counted:
    """The figures, once the traffic has ended."""

    summary: Summary


@asynccontextmanager
async def traffic(
    world: World, *, rate: float = RATE, pooled: bool = True, warm: int = WARM
) -> AsyncIterator[Counted]:
    """Send while the block lasts, from 1,000 (`warm`) requests before it until 5 s after it.

    Without pools each request has a connection of its own: none can meet the moment in which a server closes
    an idle one, which is the client's to repeat.
    """
    clock = SystemClock()
    generator, counted = Generator(world, clock), Counted()
    planned = plan(world, rate=rate)
    if not pooled:
        personas = tuple(msgspec.structs.replace(one, max_age=0.0) for one in planned.personas)
        planned = msgspec.structs.replace(planned, personas=personas)
    await generator.start(planned)
    try:
        await generator.warm(warm, within=120)
        yield counted
        await clock.sleep(5)
        counted.summary = await generator.stop()
    finally:
        await generator.kill()


class VoidError(AssertionError):
    """Nothing failed, and the count proves nothing: the machine stood still for too long."""


def assert_nothing_lost(summary: Summary) -> None:
    """No request failed, and the count proves it. Raises VoidError where it does not."""
    assert summary.failed == 0, summary.failures[:10]
    if summary.void:
        raise VoidError(summary.void_reasons)


def assert_ended(ended: Ended, code: int, summary: Summary) -> None:
    """It ended with that exit code, and no request failed.

    Raises VoidError first: on a machine that stood still, proofs fail too, and the run rightly holds.
    """
    assert summary.failed == 0, (summary.failures[:10], ended.why)
    if summary.void:
        raise VoidError(summary.void_reasons, ended.why)
    assert ended.code == code, ended.why


P = ParamSpec("P")


def again_if_void(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Try once more what was neither seen to go well nor to fail; a second time it fails."""

    @functools.wraps(test)
    async def tried(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await test(*args, **kwargs)
        except VoidError as void:
            tell(f"void, and so tried once more: {void}")
            await test(*args, **kwargs)

    return tried
