"""The crash matrix: the faults as files, the points that they name in a run, and the cells that try them.

Points are dealt out: a cell is killed at several points of one run, far apart and each once, and must still
end as a run that nothing disturbed. A cell that fails is told with all its points, and fails every one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from tests.crash.runner import Bed, Result

_HELM = re.compile(r"^\S+/(install-temporary|harden|upgrade|purge)\S* effect (revision|uninstall|release)")


class Kill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which points of a run a fault means."""

    when: Literal["before", "after", "amid"]
    of: Literal["write", "effect", "helm"]

    def points(self, boundaries: Sequence[str]) -> tuple[str, ...]:
        """The points, in the order of the run."""
        return tuple(f"{self.when}|{boundary}" for boundary in boundaries if self._means(boundary))

    def _means(self, boundary: str) -> bool:
        if self.of == "helm":
            return bool(_HELM.search(boundary))
        return (self.of == "effect") is (" effect " in boundary)


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    what: str
    where: str
    holds: str
    kill: Kill


def faults() -> dict[str, Fault]:
    """Every fault by the name of its file."""
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    return {file.stem: msgspec.yaml.decode(file.read_bytes(), type=Fault) for file in files}


def all_points(boundaries: Sequence[str]) -> tuple[str, ...]:
    """Every point of every fault, in the order of a run."""
    found = {point for fault in faults().values() for point in fault.kill.points(boundaries)}
    order = {"before": 0, "amid": 1, "after": 2}

    def place(point: str) -> tuple[int, int]:
        when, _, boundary = point.partition("|")
        return boundaries.index(boundary), order[when]

    return tuple(sorted(found, key=place))


def dealt(points: Sequence[str], each: int) -> Iterator[tuple[str, ...]]:
    """Cells of about `each` points, far apart in the run."""
    cells = max(1, -(-len(points) // each))
    for first in range(cells):
        yield tuple(points[first::cells])


async def run(
    bed: Bed, orders: Sequence[tuple[str, ...]], together: int, done: Callable[[Result], None]
) -> list[Result]:
    """Run a cell for each, so many at once; `done` hears of each at its end."""
    limit = asyncio.Semaphore(together)
    results: list[Result] = []

    async def one(points: tuple[str, ...]) -> None:
        async with limit:
            result = await bed.cell(points)
        results.append(result)
        done(result)

    async with asyncio.TaskGroup() as group:
        for points in orders:
            group.create_task(one(points))
    return results
