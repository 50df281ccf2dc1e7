"""kill -9 of the orchestrator; somebody else resumes on another machine, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from blueshift.lab import facts
from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.inside import entered
from blueshift.lab.demo.world import NAMESPACE, RELEASE, TO, World
from blueshift.lab.processes import killed
from blueshift.lab.zone import APPS
from tests.e2e.command import Ended, blueshift, elsewhere, kill_when
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.traffic import again_if_void, assert_ended, traffic

TEMPORARY = f"{RELEASE}-blueshift"


async def dns_has_changed(world: World) -> None:
    """Return when the primary name server answers for the canary with something new."""
    while True:
        answers = await seen.dns_answers(world.lab)
        canary = [line for line in next(iter(answers.values())) if line.startswith(f"{APPS[0]}. ")]
        if not any(line.endswith(f" {address}") for line in canary for address in world.addresses):
            return


async def helm_is_at_work(world: World, namespace: str, status: str) -> None:
    """Return when Helm has announced a revision that is not deployed: a second, which looks could miss."""
    kubectl = [str(facts.of(world.lab).tools / "kubectl"), "--kubeconfig", str(world.lab.kubeconfig)]
    watch = ["get", "secrets", "--watch", "-o", "name", "-n", namespace, "-l", f"owner=helm,status={status}"]
    argv = entered(world.lab, [*kubectl, *watch])
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    try:
        assert await process.stdout.readline(), "the watch ended by itself"
    finally:
        await killed(process)


class Moment(NamedTuple):
    """When to kill: after a line of the plain output, and once something is so in the world."""

    says: str
    then: Callable[[World], Awaitable[None]] | None = None


MOMENTS = {
    "lower-ttl": Moment(r"forward/lower-ttl: waits"),
    "install-temporary": Moment(
        r"forward/install-temporary: install ",
        lambda world: helm_is_at_work(world, TEMPORARY, "pending-install"),
    ),
    "dns-update": Moment(r"forward/shift-to-temporary/wave-1: ", dns_has_changed),
    "helm-upgrade": Moment(
        r"forward/upgrade: upgrade ", lambda world: helm_is_at_work(world, NAMESPACE, "pending-upgrade")
    ),
}


async def killed_and_resumed(world: World, folder: Path, moments: list[str]) -> Ended:
    """Start an upgrade, kill it at each moment, and carry it on from elsewhere each time; the last end."""
    config = settings.write(world)
    command: tuple[str, ...] = ("upgrade", "--yes", "--config", str(config), "--output", "plain")
    where: dict[str, Any] = {}
    for turn, name in enumerate(moments):
        moment = MOMENTS[name]
        then = partial(moment.then, world) if moment.then else None
        killed = await kill_when(world.lab, *command, says=moment.says, then=then, **where)
        command = ("resume", killed.run, "--output", "plain")
        where = dict(elsewhere(folder / str(turn)))
    return await blueshift(world.lab, *command, **where)


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(["dns-update", "helm-upgrade"], id="dns-update-then-helm-upgrade"),
        pytest.param(["lower-ttl"], marks=pytest.mark.slow, id="lower-ttl"),
        pytest.param(["install-temporary"], marks=pytest.mark.slow, id="install-temporary"),
        pytest.param(["dns-update"], marks=pytest.mark.slow, id="dns-update"),
        pytest.param(["helm-upgrade"], marks=pytest.mark.slow, id="helm-upgrade"),
    ],
)
@again_if_void
async def test_a_killed_run_is_carried_on_from_elsewhere(
    make_world: MakeWorld, tmp_path: Path, record: Record, moments: list[str]
) -> None:
    world = await make_world("kill")
    before = await seen.look(world.lab)
    async with traffic(world) as counted:
        ended = await killed_and_resumed(world, tmp_path, moments)
    after = await seen.look(world.lab)
    summary = counted.summary
    figures = {"requests": summary.requests, "failed": summary.failed, "void": summary.void}
    record({**figures, "exit_code": ended.code})
    assert_ended(ended, 0, summary)
    assert after.version == TO
    assert seen.left_behind(before, after) == ()
    assert after.answers == before.answers
