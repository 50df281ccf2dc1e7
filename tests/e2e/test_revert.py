"""A run that succeeded is reverted under load: the old chart with the user's values serves again."""

from __future__ import annotations

import pytest

from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.world import FROM, TO
from tests.e2e.command import blueshift
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.traffic import again_if_void, assert_ended, traffic

pytestmark = pytest.mark.slow


@again_if_void
async def test_an_upgrade_that_succeeded_is_taken_back(make_world: MakeWorld, record: Record) -> None:
    world = await make_world("revert")
    before = await seen.look(world.lab)
    config = settings.write(world)
    async with traffic(world) as counted:
        there = await blueshift(world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain")
        assert there.code == 0, there.why
        between = await seen.look(world.lab)
        back = await blueshift(world.lab, "revert", there.run, "--yes", "--output", "plain")
    record({"requests": counted.summary.requests, "failed": counted.summary.failed})
    assert_ended(back, 0, counted.summary)
    after = await seen.look(world.lab)
    assert (between.version, after.version) == (TO, FROM)
    assert after.answers == before.answers
    assert seen.left_behind(before, after) == ()
