"""Connections that would outlive every TTL end by a quiesce, and an abort puts its values back."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from blueshift.clock import SystemClock
from blueshift.lab import facts
from blueshift.lab.demo import seen, settings
from blueshift.lab.demo.generator import Generator, plan
from blueshift.lab.demo.inside import helm
from blueshift.lab.demo.world import FROM, NAMESPACE, RELEASE, World, install, values
from tests.e2e.command import RUN, blueshift, tell
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.hazards import controllers
from tests.e2e.quiet import quiet_playbook
from tests.e2e.test_worth import first
from tests.e2e.traffic import VoidError, again_if_void

pytestmark = pytest.mark.slow

RATE = 60.0
HELD_FOR = 20
"""Times the TTL of 2 s: time to see that connections stay."""
GATE = {"gate": {"id": "look", "message": "is it as it should be?"}}


async def pods_of(world: World) -> set[str]:
    return {pod["metadata"]["name"] for pod in await controllers(world)}


@again_if_void
async def test_pooled_connections_end_and_the_way_back_wakes_the_primary(
    make_world: MakeWorld, record: Record
) -> None:
    world, clock = await make_world("quiesce"), SystemClock()
    given = values(dual_stack=facts.of(world.lab).ipv6)
    del given["controller"]["config"]  # nginx's own: 75 idle seconds, 1,000 requests, one hour
    await install(world.lab, given=given)
    before, pods = await seen.look(world.lab), await pods_of(world)
    own = await helm(world.lab, "get", "values", RELEASE, "-n", NAMESPACE, "-o", "json")
    config = settings.write(world)
    playbook = quiet_playbook(world, ["primary"], after=[GATE], factor=HELD_FOR)
    planned = plan(world, rate=RATE)
    # Pools that give nothing up by themselves, and nothing that holds a connection for its own reasons.
    streams = tuple(one for one in planned.streams if one.kind in ("http1", "http2"))
    personas = tuple(msgspec.structs.replace(one, max_age=None, max_idle=None) for one in planned.personas)
    marks = {
        name: asyncio.Event()
        for name in (
            "shift-to-temporary/wave-3: settled",
            "quiesce-primary: settled",
            "waits at the gate look",
        )
    }
    run: list[str] = []

    def hear(line: str) -> None:
        tell(line)
        if found := RUN.search(line):
            run.append(found[1])
        for name, mark in marks.items():
            if name in line:
                mark.set()

    async def connections() -> int:
        told = await blueshift(world.lab, "drain", "status", run[-1], "-o", "json", hear=tell)
        (found,) = json.loads(told.text[told.text.index("\n[") :])
        return sum(count or 0 for count in found["connections"].values())

    generator = Generator(world, clock)
    await generator.start(msgspec.structs.replace(planned, streams=streams, personas=personas))
    try:
        await generator.warm(600, within=120)
        running = asyncio.create_task(
            blueshift(
                world.lab,
                *("upgrade", "--yes", "--config", str(config), "--playbook", str(playbook)),
                *("--output", "plain"),
                hear=hear,
            )
        )
        try:
            shifted, quiet, at_gate = marks.values()
            await first(running, shifted)
            kept = await connections()
            assert kept > 0, "nothing shows that it is needed"
            await first(running, quiet)
            begun = clock.now()
            await first(running, at_gate)
            drained = clock.now() - begun
            await clock.sleep(5)
            # Its pools stay with the temporary, which nobody quiesces on the way back.
            summary = await generator.stop()
            aborted = await blueshift(world.lab, "abort", run[-1], "--no-wait")
            assert aborted.code == 0, aborted.why
            ended = await running
        finally:
            running.cancel()
            await asyncio.wait({running})
    finally:
        await generator.kill()
    record(
        {
            "requests": summary.requests,
            "failed": summary.failed,
            "stale_closed": summary.stale_closed,
            "connections_before": kept,
            "drained_after_s": round(drained, 1),
        }
    )
    # The reload closes what is idle, which is what the step is for: once for each connection that was there,
    # and by itself no failure, as many as they are of so few requests (`STALE_SHARE`).
    failures = [one for one in summary.failures if one.phase != "stale"]
    assert not failures, (failures[:10], ended.why)
    assert summary.stale_closed <= kept
    if summary.void:
        raise VoidError(summary.void_reasons, ended.why)
    assert ended.code == 4, ended.why
    after = await seen.look(world.lab)
    assert (after.version, after.answers, seen.left_behind(before, after)) == (FROM, before.answers, ())
    assert await pods_of(world) == pods, "it made pods anew"
    now = await helm(world.lab, "get", "values", RELEASE, "-n", NAMESPACE, "-o", "json")
    assert json.loads(now) == json.loads(own), "the values are not those of before"
