"""Back to where a run began, from its middle and under load: by a word from another shell, and by itself."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.breaks import BREAKS
from blueshift.lab.demo.inside import helm
from blueshift.lab.demo.world import FROM, NAMESPACE, RELEASE, World
from tests.e2e.command import Ended, blueshift, elsewhere, kill_when, tell
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.traffic import Counted, again_if_void, assert_ended, traffic

ROLLED_BACK = 4
HARDENED = {
    "controller.extraArgs.shutdown-grace-period",
    "controller.extraArgs.update-status-on-shutdown",
}
"""Values that stay: how pods end is no worse for them."""


async def values_of(world: World) -> dict[str, Any]:
    """The primary's own values, by dotted path."""
    text = await helm(world.lab, "get", "values", RELEASE, "-n", NAMESPACE, "-o", "json")
    return dict(_flat(json.loads(text), ()))


def _flat(value: Any, path: tuple[str, ...]) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [pair for key, inner in value.items() for pair in _flat(inner, (*path, key))]
    return [(".".join(path), value)]


class Before:
    """The world before the run, and the proof that it is as it was."""

    def __init__(self, world: World, looked: seen.Seen, values: dict[str, Any]) -> None:
        self.world = world
        self.looked = looked
        self.values = values

    @classmethod
    async def of(cls, world: World) -> Before:
        """Look."""
        return cls(world, await seen.look(world.lab), await values_of(world))

    async def assert_again(self, ended: Ended, counted: Counted) -> None:
        """Rolled back, nothing lost, nothing left over, everything where it was."""
        assert_ended(ended, ROLLED_BACK, counted.summary)
        after = await seen.look(self.world.lab)
        assert after.answers == self.looked.answers
        assert after.version == FROM
        assert seen.left_behind(self.looked, after) == ()
        now = await values_of(self.world)
        assert {path: now.get(path) for path in self.values} == self.values


async def upgraded_until(world: World, says: str, then: tuple[str, ...], *options: str) -> Ended:
    """Start an upgrade, and give the command `then` from another shell once it has said `says`."""
    config = settings.write(world)
    heard = asyncio.Event()
    given: list[Ended] = []

    def hear(line: str) -> None:
        tell(line)
        if says in line:
            heard.set()

    upgrading = asyncio.create_task(
        blueshift(
            world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain", *options, hear=hear
        )
    )
    waiting = asyncio.create_task(heard.wait())
    await asyncio.wait({upgrading, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert heard.is_set(), "it ended before"
    run = json.loads((await blueshift(world.lab, "status", "-o", "json")).text)[-1]["run"]
    given.append(await blueshift(world.lab, then[0], run, *then[1:]))
    assert given[0].code == 0, given[0].text
    return await upgrading


@pytest.mark.parametrize(
    "says",
    [
        "shift-to-temporary/wave-2: point at the temporary",
        pytest.param("forward/lower-ttl: waits", marks=pytest.mark.slow),
        pytest.param("forward/install-temporary: install ", marks=pytest.mark.slow),
        pytest.param("shift-to-temporary/wave-3: waits", marks=pytest.mark.slow),
        pytest.param("forward/drain-primary: waits", marks=pytest.mark.slow),
        pytest.param("forward/harden: harden ", marks=pytest.mark.slow),
        pytest.param("forward/upgrade: upgrade ", marks=pytest.mark.slow),
        pytest.param("shift-to-primary/wave-2: point at the primary", marks=pytest.mark.slow),
        pytest.param("forward/soak: waits", marks=pytest.mark.slow),
    ],
)
@again_if_void
async def test_a_run_is_taken_back_by_a_word_from_another_shell(
    make_world: MakeWorld, record: Record, says: str
) -> None:
    world = await make_world("abort")
    before = await Before.of(world)
    async with traffic(world) as counted:
        ended = await upgraded_until(world, says, ("abort", "--reason", "tried"))
    record({"requests": counted.summary.requests, "failed": counted.summary.failed, "at": says})
    await before.assert_again(ended, counted)


@again_if_void
async def test_a_target_that_never_starts_is_taken_back_without_a_person(
    make_world: MakeWorld, record: Record
) -> None:
    world = await make_world("failed")
    made = await BREAKS["target-image"](world, SystemClock())
    config = settings.write(world, values=made.values)
    before = await Before.of(world)
    async with traffic(world) as counted:
        ended = await blueshift(
            world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain",
            "--on-failure", "rollback",
        )  # fmt: skip
    record({"requests": counted.summary.requests, "failed": counted.summary.failed})
    await before.assert_again(ended, counted)
    kept = await values_of(world)
    assert kept.keys() >= HARDENED, "the playbook keeps the hardening"


@pytest.mark.slow
@again_if_void
async def test_the_way_back_is_killed_and_carried_on_from_elsewhere(
    make_world: MakeWorld, tmp_path: Path, record: Record
) -> None:
    world = await make_world("killed-back")
    before = await Before.of(world)
    config = settings.write(world)
    async with traffic(world) as counted:
        killed = await kill_when(
            world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain",
            says="forward/upgrade: upgrade ",
        )  # fmt: skip
        where: dict[str, Any] = dict(elsewhere(tmp_path))
        await kill_when(
            world.lab, "rollback", killed.run, "--yes", "--output", "plain",
            says="back/restore-primary: restore-primary ", **where,
        )  # fmt: skip
        ended = await blueshift(world.lab, "resume", killed.run, "--output", "plain")
    record({"requests": counted.summary.requests, "failed": counted.summary.failed})
    await before.assert_again(ended, counted)
