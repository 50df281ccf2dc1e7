"""A sample of the crash matrix: every few points of a whole run, on one lab, in cells side by side."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from blueshift.lab import lifecycle
from tests.crash import cells, matrix
from tests.crash.runner import Bed
from tests.e2e.command import tell

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]
SAMPLE = 52
"""Points, evenly over the run and over all kinds."""
EACH, TOGETHER = 13, 2


@pytest.fixture
async def bed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    if os.geteuid() != 0:
        pytest.skip("a lab needs root")
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(Path(folder)))
        lab = await cells.lab_up(f"t{os.getpid()}-crash")
        try:
            yield Bed(lab)
        finally:
            await lifecycle.down(lab)


async def test_a_killed_run_ends_as_an_undisturbed_one(bed: Bed) -> None:
    undisturbed = await bed.prepare()
    assert undisturbed.passed, undisturbed.wrong
    points = matrix.all_points(bed.boundaries)
    step = max(1, len(points) // SAMPLE)
    sample = points[::step][:SAMPLE]
    results = await matrix.run(
        bed, list(matrix.dealt(sample, EACH)), TOGETHER, lambda result: tell(repr(result))
    )
    failed = [(result.points, result.wrong) for result in results if not result.passed]
    assert not failed
    assert sum(len(result.killed) for result in results) == len(sample)
