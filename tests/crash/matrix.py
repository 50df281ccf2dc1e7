"""The crash matrix: which points of a run every fault means, and the cells that try them.

Points are dealt out: a cell meets several in one run, far apart and each once, and must still end as a run
that nothing disturbed. All kills share cells; a disturbance has cells of its own. A cell that fails is told
with all its points, and fails every one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from tests.crash.faultfile import faults
from tests.crash.order import TRACKS, Boundaries, Name, Order, Result, Track
from tests.crash.runner import Bed

_WHEN = {"before": 0, "amid": 1, "after": 2}


def kill_points(boundaries: Boundaries, track: Track = "forward", ground: Name = "stub") -> tuple[str, ...]:
    """Every point of every kill on a track, in the order of a run."""
    kills = [fault for fault in faults().values() if fault.kill and fault.kill.track == track]
    found = {point for fault in kills for point in fault.points(boundaries, ground)}

    def place(point: str) -> tuple[int, int]:
        when, _, boundary = point.partition("|")
        return boundaries[track].index(boundary), _WHEN[when]

    return tuple(sorted(found, key=place))


def dealt(points: Sequence[str], each: int) -> Iterator[tuple[str, ...]]:
    """Parts of about `each` points, far apart in the run."""
    parts = -(-len(points) // each)
    for first in range(parts):
        yield tuple(points[first::parts])


def orders(
    boundaries: Boundaries, each: int, tried: Sequence[Result] = (), ground: Name = "stub"
) -> tuple[Order, ...]:
    """Every cell that is still to be tried; `each` kills in one.

    A cell that failed stays so; a point that a run never came to is tried once more.
    """
    done = {
        (one.order.track, one.order.fault, point)
        for one in tried
        for point in (one.hit if one.passed else one.order.points)
    }

    def left(track: Track, fault: str, points: Sequence[str], most: int) -> Iterator[Order]:
        open_still = [point for point in points if (track, fault, point) not in done]
        for part in dealt(open_still, most):
            yield Order(track, fault, part)

    found: list[Order] = []
    for name, fault in faults().items():
        if fault.disturb:
            found += left("forward", name, fault.points(boundaries, ground), min(each, fault.disturb.each))
    for track in TRACKS:
        found += left(track, "", kill_points(boundaries, track, ground), each)
    return tuple(found)


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
