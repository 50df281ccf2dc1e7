"""The crash matrix: which points of a run every fault means, and the cells that try them.

Points are dealt out: a cell meets several in one run, far apart and each once, and must still end as a run
that nothing disturbed. All kills share cells; a disturbance has cells of its own. A cell that fails is told
with all its points, and fails every one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from tests.crash.faultfile import faults
from tests.crash.runner import Bed, Order, Result


def kill_points(boundaries: Sequence[str]) -> tuple[str, ...]:
    """Every point of every kill, in the order of a run."""
    kills = [fault for fault in faults().values() if fault.kill]
    found = {point for fault in kills for point in fault.points(boundaries)}
    order = {"before": 0, "amid": 1, "after": 2}

    def place(point: str) -> tuple[int, int]:
        when, _, boundary = point.partition("|")
        return boundaries.index(boundary), order[when]

    return tuple(sorted(found, key=place))


def dealt(points: Sequence[str], each: int) -> Iterator[tuple[str, ...]]:
    """Parts of about `each` points, far apart in the run."""
    parts = -(-len(points) // each)
    for first in range(parts):
        yield tuple(points[first::parts])


def orders(boundaries: Sequence[str], each: int, tried: Sequence[Result] = ()) -> tuple[Order, ...]:
    """Every cell that is still to be tried; `each` kills in one.

    A cell that failed stays so; a point that a run never came to is tried once more.
    """
    done = {
        (result.fault, point)
        for result in tried
        for point in (result.hit if result.passed else result.points)
    }

    def left(fault: str, points: Sequence[str]) -> list[str]:
        return [point for point in points if (fault, point) not in done]

    kills = [Order("", part) for part in dealt(left("", kill_points(boundaries)), each)]
    return (
        *kills,
        *(
            Order(name, part)
            for name, fault in faults().items()
            if fault.disturb
            for part in dealt(left(name, fault.points(boundaries)), fault.disturb.each)
        ),
    )


async def run(
    bed: Bed, orders: Sequence[Order], together: int, done: Callable[[Result], None]
) -> list[Result]:
    """Run a cell for each, so many at once; `done` hears of each at its end."""
    limit = asyncio.Semaphore(together)
    results: list[Result] = []

    async def one(order: Order) -> None:
        async with limit:
            result = await bed.cell(order)
        results.append(result)
        done(result)

    async with asyncio.TaskGroup() as group:
        for order in orders:
            group.create_task(one(order))
    return results
