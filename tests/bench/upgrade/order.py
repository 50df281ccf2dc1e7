"""Which runs there are (a scenario, a tool, a repeat), in which order, and which of them are left."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from tests.bench.upgrade.ledger import Count
from tests.bench.upgrade.second import Seen

ToolName = Literal["helm_upgrade", "manual", "blueshift"]
TOOLS: tuple[ToolName, ...] = ("helm_upgrade", "manual", "blueshift")
ATTEMPTS = 2
"""A run that proves nothing is tried once more, and then named as void."""


class Cell(msgspec.Struct, frozen=True):
    """One run to be made."""

    scenario: str
    tool: ToolName
    repeat: int
    """From 1 on."""

    @property
    def name(self) -> str:
        """Of its files."""
        return f"{self.scenario}-{self.tool}-{self.repeat}"


class Ran(msgspec.Struct, frozen=True):
    """One run that was made."""

    cell: Cell
    commit: str
    at: str
    """When the tool was started, UTC."""
    rate: float
    """Requests per second over HTTP/1.1, as asked for."""
    count: Count
    wall_s: float
    """From the tool's start to its end."""
    noticed: bool
    """Whether the tool itself said that something is wrong, or stopped."""
    said: str
    """Its words then; or how it ended."""
    version: str
    """The chart that the primary had at the end."""
    void: tuple[str, ...] = ()
    """Why its figures prove nothing; then they are counted nowhere."""
    ledger: str = ""
    """Its file in build/bench/upgrade."""
    second: Seen = Seen()
    """What wrk saw beside it, in the scenarios that have it."""


def cells(repeats: Mapping[str, int], tools: Mapping[str, Sequence[ToolName]], seed: int) -> list[Cell]:
    """Every run: each first repeat before any second one, and in each of these rounds in a shuffled order.

    So what slows the machine down for an hour meets all tools, also where a sitting ends early. The order
    hangs on the seed alone: leaving scenarios, or tools of them, out changes nobody's place among the others.
    """

    def place(cell: Cell) -> tuple[int, float]:
        return cell.repeat, random.Random(f"{seed} {cell.name}").random()

    every = (
        Cell(scenario, tool, repeat)
        for scenario, most in repeats.items()
        for repeat in range(1, most + 1)
        for tool in tools[scenario]
    )
    return sorted(every, key=place)


def sound(runs: Iterable[Ran], commits: Iterable[str]) -> dict[Cell, Ran]:
    """The newest run of each cell that counts: not void, and of one of these commits."""
    counted = frozenset(commits)
    return {run.cell: run for run in runs if not run.void and run.commit in counted}


def voids(runs: Iterable[Ran], commits: Iterable[str]) -> dict[Cell, list[Ran]]:
    """Runs without a sound one of the same cell."""
    kept, counted = list(runs), frozenset(commits)
    proven = sound(kept, counted)
    found: dict[Cell, list[Ran]] = {}
    for run in kept:
        if run.void and run.commit in counted and run.cell not in proven:
            found.setdefault(run.cell, []).append(run)
    return found


def left(wanted: Sequence[Cell], runs: Iterable[Ran], commits: Iterable[str]) -> list[Cell]:
    """Those that were not made yet, in their order; a void one stays until it was tried often enough."""
    kept, counted = list(runs), frozenset(commits)
    proven, failed = sound(kept, counted), voids(kept, counted)
    return [cell for cell in wanted if cell not in proven and len(failed.get(cell, ())) < ATTEMPTS]
