"""A whole run whose DNS changes are made by a person, who does what the run prints and nothing else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import yaml

from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.world import TO, World
from blueshift.lab.nameservers import zone
from tests.e2e.command import blueshift, execute, tell
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.traffic import again_if_void, assert_ended, traffic

pytestmark = pytest.mark.slow


def by_hand(world: World) -> Path:
    """The demo's settings, with DNS by hand."""
    path = settings.write(world)
    content = yaml.safe_load(path.read_text())
    content["dns"] = {"backend": "manual", "settings": {"provider": "nsupdate"}}
    path.write_text(yaml.safe_dump(content))
    return path


async def obey(world: World, notice: str) -> None:
    """Run the printed command, with one's own key and server."""
    known = zone(world.lab)
    _, _, script = notice.partition("<<'EOF'\n")
    told = f"server {known.primary[0]}\n{script.removesuffix('EOF')}"
    await execute(world.lab, f"nsupdate -k {known.key_file} <<'EOF'\n{told}\nEOF")


@again_if_void
async def test_a_person_who_does_what_is_printed_loses_no_request(
    make_world: MakeWorld, record: Record
) -> None:
    world = await make_world("hand")
    before = await seen.look(world.lab)
    asked: asyncio.Queue[str] = asyncio.Queue()

    def hear(line: str) -> None:
        tell(line[:300])
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "noticed" and "please change" in event["sentence"]:
            asked.put_nowait(event["sentence"])

    async def person() -> None:
        while True:
            await obey(world, await asked.get())

    async with traffic(world) as counted:
        obeying = asyncio.create_task(person())
        try:
            ended = await blueshift(
                world.lab, "upgrade", "--yes", "--config", str(by_hand(world)), "--output", "json", hear=hear
            )
        finally:
            obeying.cancel()
    record({"requests": counted.summary.requests, "failed": counted.summary.failed})
    assert_ended(ended, 0, counted.summary)
    after = await seen.look(world.lab)
    assert (after.version, after.answers) == (TO, before.answers)
    assert seen.left_behind(before, after) == ()
