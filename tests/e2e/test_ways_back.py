"""The commands that a hold prints are executed as they stand, and lead back to the start."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.breaks import BREAKS
from blueshift.lab.demo.world import FROM, World
from tests.e2e.command import blueshift, execute
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.hazards import controllers
from tests.e2e.traffic import again_if_void, assert_nothing_lost, traffic

pytestmark = pytest.mark.slow

SETTLES = 60.0
"""Seconds after the names went back until nobody uses the temporary: a TTL of 2 s, connections that may be
idle for 20 s, sessions of at most 30 s. The printed advice is for production."""


async def ready_images(world: World) -> set[str]:
    """Images that the primary's ready pods run."""
    return {
        status["image"]
        for pod in await controllers(world)
        for status in pod["status"].get("containerStatuses", ())
        if status["ready"]
    }


@pytest.mark.parametrize("broken", ["target-image", "parity"])
@again_if_void
async def test_the_way_back_of_a_hold(make_world: MakeWorld, record: Record, broken: str) -> None:
    world = await make_world("back")
    made = await BREAKS[broken](world, SystemClock())
    config = settings.write(world, values=made.values)
    before, images = await seen.look(world.lab), await ready_images(world)
    async with traffic(world) as counted:
        held = await blueshift(world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain")
        assert held.code == 5, held.why
        status = await blueshift(world.lab, "status", held.run, "-o", "json")
        journal: dict[str, Any] = json.loads(status.text)
        ways = [way for way in journal["standstill"]["ways"] if way["what"].startswith("back ")]
        assert ways, "a hold without a way back"
        for way in ways:
            assert way["command"].splitlines()[0] in held.text, "a person was not told this command"
            if "remove the temporary" in way["what"]:
                await asyncio.sleep(SETTLES)
            await execute(world.lab, way["command"])
    record({"requests": counted.summary.requests, "failed": counted.summary.failed, "commands": len(ways)})
    assert_nothing_lost(counted.summary)
    after = await seen.look(world.lab)
    assert after.answers == before.answers
    assert after.version == FROM
    assert await ready_images(world) == images
    assert seen.left_behind(before, after) == ()
