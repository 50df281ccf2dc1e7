"""Several awaitables side by side, which end together: none outlives the error of another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")


@overload
async def together(a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def together(a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /) -> tuple[A, B, C]: ...
@overload
async def together(
    a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], e: Awaitable[E], /
) -> tuple[A, B, C, D, E]: ...
@overload
async def together(
    a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], e: Awaitable[E], f: Awaitable[F], /
) -> tuple[A, B, C, D, E, F]: ...
@overload
async def together(*work: Awaitable[A]) -> tuple[A, ...]: ...
async def together(*work: Awaitable[Any]) -> tuple[Any, ...]:
    """The results, in order. The first error is raised as itself, once every other task has been stopped.

    `asyncio.gather` lets the others run on, over connections that are being closed, and Python then reports
    their errors to a person who has just been told the one that matters.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_one(each)) for each in work]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(task.result() for task in tasks)


async def _one(work: Awaitable[A]) -> A:
    return await work
