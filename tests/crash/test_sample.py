"""A sample of the crash matrix: points of every kind from a whole run, on one lab, in runs side by side."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator

import pytest

from blueshift.lab import lifecycle
from tests.crash import matrix
from tests.crash.faultfile import faults
from tests.crash.grounds import GROUNDS
from tests.crash.order import Boundaries, Order
from tests.crash.runner import Bed
from tests.e2e.command import tell

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]
KILLS, EACH, TOGETHER = 52, 13, 2
DISTURBANCES = ("api-write-lost", "record-changed-by-hand")
"""One that a run rides out, and one that it must hold at."""


@pytest.fixture
async def bed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    """A lab with the stub's images."""
    if os.geteuid() != 0:
        pytest.skip("a lab needs root")
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        monkeypatch.setenv("XDG_STATE_HOME", folder)
        lab = await GROUNDS["stub"].lab_up(f"t{os.getpid()}-crash")
        try:
            yield Bed(lab, GROUNDS["stub"])
        finally:
            await lifecycle.down(lab)


def sample(boundaries: Boundaries) -> tuple[Order, ...]:
    """Kills evenly over the run, and the first points of two disturbances."""
    points = matrix.kill_points(boundaries)
    kills = points[:: max(1, len(points) // KILLS)][:KILLS]
    return (
        *(Order("forward", "", part) for part in matrix.dealt(kills, EACH)),
        *(Order("forward", name, faults()[name].points(boundaries)[:EACH]) for name in DISTURBANCES),
    )


async def test_a_killed_or_disturbed_run_ends_as_one_that_nothing_disturbed(bed: Bed) -> None:
    undisturbed = await bed.prepare("forward")
    assert undisturbed.passed, undisturbed.wrong
    results = await matrix.run(
        bed,
        sample(bed.boundaries),
        TOGETHER,
        lambda result: tell(f"{result.cell}: {result.wrong or 'passed'}"),
    )
    assert not [(result.order, result.wrong) for result in results if not result.passed]
    # A wait that is over before it is seen is no point of that run.
    assert sum(len(result.hit) for result in results if not result.order.fault) >= KILLS - 4
