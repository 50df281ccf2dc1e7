"""Several awaitables side by side, which end together: none outlives the error of another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
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
    """The results, in order. The first error is raised as itself, once every other task has been stopped; a
    cancel that comes meanwhile is raised before any error.

    `asyncio.gather` lets the others run on, over connections that are being closed, and Python then reports
    their errors to a person who has just been told the one that matters. A `TaskGroup` forgets a cancel for
    the errors that it makes (Python before 3.13): what outlives errors would then never end.
    """
    tasks = [asyncio.create_task(_one(each)) for each in work]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        errors = [error for task in tasks if task.done() and (error := _error(task))]
    finally:
        await _stopped(tasks)
    if errors:
        raise errors[0]
    return tuple(task.result() for task in tasks)


async def _stopped(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    cancelled: asyncio.CancelledError | None = None
    while left := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in tasks:
        _error(task)  # asked for, so that Python reports none
    if cancelled:
        raise cancelled


def _error(task: asyncio.Task[Any]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


async def _one(work: Awaitable[A]) -> A:
    return await work
