"""A drain sees the one who is left, and nothing but that: one request a minute among scanners and probes."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.lab import facts
from blueshift.lab.demo import pod, settings
from blueshift.lab.demo.inside import within
from blueshift.lab.demo.world import NAMESPACE, World
from blueshift.lab.processes import run as run_program
from tests.e2e.command import RUN, blueshift, tell
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.pinned import Pinned
from tests.e2e.scanner import scanning
from tests.e2e.test_worth import first

pytestmark = pytest.mark.slow

WINDOW = 150.0
"""Seconds: a client that asks every minute is seen in it more than once."""
_SLACK = 60.0


async def from_a_pod(world: World, host: str) -> None:
    """One request by the Service's own address in the cluster."""
    address = await pod.service_address(world.lab, NAMESPACE, 4)
    argv = ["curl", "-s", "-o", "/dev/null", "-H", f"Host: {host}", f"http://{address}/"]
    await run_program(within(await pod.network(world.lab), argv), "curl in a pod")


async def test_a_client_of_one_request_a_minute_is_seen_and_named(
    make_world: MakeWorld, record: Record
) -> None:
    world, clock = await make_world("drained"), SystemClock()
    drain = {**settings.OVERRIDES["drain-primary"], "window": f"{WINDOW:.0f}s"}
    config = settings.write(world, overrides={**settings.OVERRIDES, "drain-primary": drain})
    # An address of its own, which the primary's Service (externalTrafficPolicy: Local) lets through.
    source = facts.of(world.lab).families[0].clients[0]
    client = Pinned(world, every=60, source=source)
    waits, settled = asyncio.Event(), asyncio.Event()
    run: list[str] = []

    def hear(line: str) -> None:
        tell(line)
        if found := RUN.search(line):
            run.append(found[1])
        # Said only when the minimum is over: then it is the client alone that it waits for.
        if re.search(r"drain-primary: waits: .*were asked in the last", line):
            waits.set()
        if "drain-primary: settled" in line:
            settled.set()

    async def left(*arguments: str) -> tuple[int, dict[str, Any]]:
        """As another shell sees it; what it says to people is on lines of its own before the facts."""
        told = await blueshift(world.lab, "drain", "status", run[-1], "-o", "json", *arguments, hear=tell)
        text = told.text
        (found,) = json.loads(text[text.index("\n[") :])
        return told.code, found

    await client.start()
    assert client.address in world.addresses, "it keeps the answer from before the shift"
    async with scanning(world, probed=client.host):
        running = asyncio.create_task(
            blueshift(world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain", hear=hear)
        )
        try:
            await first(running, waits)
            await clock.sleep(WINDOW + 10)
            assert not settled.is_set(), "it was drained while somebody still came"
            await from_a_pod(world, client.host)
            code, seen = await left()
            assert (code, seen["judged"], seen["side"]) == (1, "remaining", "primary")
            named = {one["client"]: one["why"] for one in seen["clients"] if one["client"]}
            assert "a pinned address" in named.pop(source)
            (why,) = named.values()
            assert f"a pod of this cluster ({pod.NAMESPACE}/{pod.NAME})" in why
            assert not seen["hidden"]
            assert seen["noise"] > 0, "scanners are told, and hold nothing up"
            assert client.failed == []
            served, since = client.served, clock.now()
            await client.stop()
            async with clock.timeout(WINDOW + 60 + _SLACK):
                await first(running, settled)
            waited = clock.now() - since
            # It asked within the last minute.
            assert waited > WINDOW - 60
        finally:
            await client.stop()
            running.cancel()
            await asyncio.wait({running})
    record(
        {
            "served_pinned": served,
            "noise": seen["noise"],
            "drained_after_s": round(waited, 1),
        }
    )
