"""Two people at one release: the second is refused by name, and another shell opens the gate."""

from __future__ import annotations

import asyncio
import json

import pytest

from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.world import TO
from tests.e2e.command import blueshift, tell
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.traffic import again_if_void, assert_ended, traffic

pytestmark = pytest.mark.slow


@again_if_void
async def test_a_second_upgrade_is_refused_and_a_gate_is_opened_from_another_shell(
    make_world: MakeWorld, record: Record
) -> None:
    world = await make_world("people")
    before = await seen.look(world.lab)
    asked = {step: given for step, given in settings.OVERRIDES.items() if step != "purge"}
    config = settings.write(world, overrides=asked)
    command = ("upgrade", "--yes", "--config", str(config), "--output", "plain")
    begun, at_the_gate = asyncio.Event(), asyncio.Event()

    def hear(line: str) -> None:
        tell(line)
        if "forward/lower-ttl: waits" in line:
            begun.set()
        if "waits at the gate purge" in line:
            at_the_gate.set()

    async with traffic(world) as counted:
        first = asyncio.create_task(blueshift(world.lab, *command, hear=hear))
        await begun.wait()
        second = await blueshift(world.lab, *command)
        assert second.code not in (0, 5), second.text
        assert "held by" in second.text
        opening = asyncio.create_task(at_the_gate.wait())
        await asyncio.wait({first, opening}, return_when=asyncio.FIRST_COMPLETED)
        assert opening.done(), "the run ended without asking"
        lines = [line for line in second.lines if "held by" in line]
        run = json.loads((await blueshift(world.lab, "status", "-o", "json")).text)[0]["run"]
        assert any(run in line for line in lines), "the holder's run is not named"
        approved = await blueshift(world.lab, "approve", run, "purge", "--reason", "seen to be idle")
        assert approved.code == 0, approved.text
        assert "by system:serviceaccount:people:bob" in approved.text
        ended = await first
    record({"requests": counted.summary.requests, "failed": counted.summary.failed})
    assert_ended(ended, 0, counted.summary)
    after = await seen.look(world.lab)
    assert (after.version, after.answers) == (TO, before.answers)
    assert seen.left_behind(before, after) == ()
    shown = await blueshift(world.lab, "show", run)
    told = [line for line in shown.lines if line.startswith("approved")]
    assert told, shown.text
    assert all("by system:serviceaccount:people:bob" in line for line in told)
    assert not any("claims" in line for line in told), "the policy was in force"
