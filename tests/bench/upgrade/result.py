"""build/bench/upgrade.json: sums over the repeats that count, and every single run."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tests.bench.upgrade.order import TOOLS, Cell, Ran, sound, voids
from tests.bench.upgrade.second import Seen


class Sum(msgspec.Struct):
    """One tool in one scenario, summed over its runs."""

    runs: int = 0
    requests: int = 0
    failed: int = 0
    stale_closed: int = 0
    wrong: int = 0
    cut_long: int = 0
    long: int = 0
    wrong_seconds: int = 0
    wall_s: float = 0.0
    noticed: int = 0
    """In how many of the runs the tool itself noticed."""
    wrk: Seen = Seen()
    """The second witness, where there was one; none of its requests is among the others."""

    def add(self, run: Ran) -> None:
        """Take a run."""
        self.runs += 1
        for field in ("requests", "failed", "stale_closed", "wrong", "cut_long", "long", "wrong_seconds"):
            setattr(self, field, getattr(self, field) + getattr(run.count, field))
        self.wall_s = round(self.wall_s + run.wall_s, 1)
        self.noticed += run.noticed
        self.wrk = self.wrk.plus(run.second)


class Result(msgspec.Struct, frozen=True):
    """All that was measured."""

    commit: str
    """Of the newest run; each run names its own."""
    date: str
    machine: str
    seed: int
    """Of the order of the runs."""
    rate: float
    """Requests per second over HTTP/1.1."""
    waits_s: float
    """What Blueshift's settings make any run wait (blueshift.lab.demo.settings.inherent_wait)."""
    settings: Mapping[str, Any]
    """Of each tool."""
    scenarios: Mapping[str, Mapping[str, Sum]]
    void: tuple[str, ...]
    """Runs that proved nothing as often as they were tried, with the reason; counted nowhere."""
    runs: tuple[Ran, ...]
    variations: Mapping[str, Mapping[str, Sum]] = {}
    """As `scenarios`: Blueshift in one of these worlds by another playbook than the one that is shipped."""

    @property
    def worlds(self) -> Mapping[str, Mapping[str, Sum]]:
        """Scenarios, and their variations."""
        return {**self.scenarios, **self.variations}


def summed(runs: Iterable[Ran]) -> dict[str, dict[str, Sum]]:
    """Scenario → tool → sums, in the order of the tools."""
    found: dict[str, dict[str, Sum]] = {}
    for run in sorted(runs, key=lambda run: TOOLS.index(run.cell.tool)):
        found.setdefault(run.cell.scenario, {}).setdefault(run.cell.tool, Sum()).add(run)
    return found


def result(
    runs: Sequence[Ran],
    commits: Sequence[str],
    order: Sequence[str],
    variations: Sequence[str] = (),
    *,
    seed: int,
    waits_s: float,
    settings: Mapping[str, Any],
) -> Result:
    """What the runs of these commits come to; `order` is that of the scenarios, of which
    `variations` are some others. One run must count.

    All are of one rate: sums of several would be sums of nothing.
    """
    counted = list(sound(runs, commits).values())
    newest = max(counted, key=lambda run: run.at)
    sums = summed(counted)
    return Result(
        commit=newest.commit,
        date=newest.at[:10],
        machine=f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}",
        seed=seed,
        rate=newest.rate,
        waits_s=round(waits_s, 1),
        settings=settings,
        scenarios={name: sums[name] for name in order if name in sums},
        void=tuple(_void(cell, tried) for cell, tried in voids(runs, commits).items()),
        runs=tuple(sorted(counted, key=lambda run: run.at)),
        variations={name: sums[name] for name in variations if name in sums},
    )


def _void(cell: Cell, tried: Sequence[Ran]) -> str:
    return f"{cell.name}, tried {len(tried)} times: {tried[-1].void[0]}"
