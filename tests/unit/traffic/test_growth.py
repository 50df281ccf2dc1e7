"""How a pool grows: one connection after the other, and who waits gets the first that is free."""

from __future__ import annotations

import asyncio

import pytest

from blueshift.traffic.prober.growth import GROWTH, Growth


class Steps:
    """A clock whose sleeps end one by one, when told to."""

    def __init__(self) -> None:
        self.at = 0.0
        self.sleeping: list[asyncio.Future[None]] = []

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.sleeping.append(asyncio.get_running_loop().create_future())
        await self.sleeping[-1]
        self.at += seconds

    async def over(self) -> None:
        self.sleeping.pop(0).set_result(None)
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Steps:
    return Steps()


@pytest.fixture
def growth(clock: Steps) -> Growth[str]:
    return Growth(clock)  # type: ignore[arg-type]


async def test_requests_that_come_together_open_one_connection_each_turn(
    growth: Growth[str], clock: Steps
) -> None:
    asking = [asyncio.create_task(growth.more(clock.now)) for _ in range(4)]
    await settle()
    assert [task.done() for task in asking] == [True, False, False, False]
    await clock.over()
    assert [task.done() for task in asking] == [True, True, False, False]
    await clock.over()
    await clock.over()
    assert [await task for task in asking] == [None] * 4


async def test_who_waits_longest_gets_what_comes_free(growth: Growth[str], clock: Steps) -> None:
    assert await growth.more(clock.now) is None
    first, second = (asyncio.create_task(growth.more(clock.now)) for _ in range(2))
    await settle()
    assert growth.hand("free")
    await settle()
    assert await first == "free"
    assert not second.done()
    assert growth.hand("free again")
    assert await second == "free again"
    assert not growth.hand("nobody wants it")


async def test_below_the_rate_of_growth_nobody_waits(growth: Growth[str], clock: Steps) -> None:
    for _ in range(50):
        assert await growth.more(clock.now) is None
        clock.at += GROWTH
    assert not clock.sleeping


async def test_what_ended_is_replaced_without_a_wait(growth: Growth[str], clock: Steps) -> None:
    """A server that closes after each answer, or all at a reload, must not seem slow."""
    for _ in range(3):
        await growth.more(clock.now)
        clock.at += GROWTH
    growth.ended(3)
    asking = [asyncio.create_task(growth.more(clock.now)) for _ in range(4)]
    await settle()
    assert [task.done() for task in asking] == [True, True, True, True]  # the fourth is one more, and first
    fifth = asyncio.create_task(growth.more(clock.now))
    await settle()
    assert not fifth.done()
    growth.ended()
    await settle()
    assert await fifth is None


async def test_one_that_gives_up_waiting_leaves_its_turn_and_its_connection(
    growth: Growth[str], clock: Steps
) -> None:
    assert await growth.more(clock.now) is None
    first, second, third = (asyncio.create_task(growth.more(clock.now)) for _ in range(3))
    await settle()
    first.cancel()
    await settle()
    assert growth.hand("for the second")
    second.cancel()  # it came, and is not taken
    await settle()
    assert await third == "for the second"
