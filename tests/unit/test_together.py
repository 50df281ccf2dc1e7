"""Looks side by side: results in order, and nobody left behind when one fails."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from blueshift.errors import BlueshiftError
from blueshift.together import together


async def value(number: int, after: int = 0) -> int:
    for _ in range(after):
        await asyncio.sleep(0)
    return number


async def test_results_are_in_order() -> None:
    assert await together(value(1, after=3), value(2)) == (1, 2)
    assert await together() == ()


async def test_the_first_error_is_raised_as_itself_and_the_others_are_stopped() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise BlueshiftError("no such chart")

    with pytest.raises(BlueshiftError, match="no such chart"):
        await together(slow(), fails())
    assert ended == ["slow"]


async def test_a_cancel_is_not_forgotten_for_an_error_that_it_makes() -> None:
    async def fails_when_stopped() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise BlueshiftError("the connection was closed")

    async def for_ever() -> None:
        while True:
            with contextlib.suppress(BlueshiftError):
                await together(fails_when_stopped(), asyncio.Event().wait())

    task = asyncio.create_task(for_ever())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    task.cancel()
    assert done, "it began anew"
    assert task.cancelled()
