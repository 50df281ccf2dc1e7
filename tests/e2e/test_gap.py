"""A witness that was cut: what a run did not see of a log is in its report, and its verdict no pass."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import datetime
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.lab.demo import settings
from blueshift.lab.demo.inside import within
from blueshift.lab.demo.world import NAMESPACE, World
from blueshift.lab.processes import run as run_program
from tests.e2e.command import blueshift, tell
from tests.e2e.conftest import MakeWorld, Record
from tests.e2e.hazards import controllers
from tests.e2e.test_worth import first
from tests.e2e.traffic import again_if_void, assert_ended, traffic

pytestmark = pytest.mark.slow

SOAK = 60
LOST = 4.0
"""Seconds of the log that are there for nobody."""


async def rotate_and_cut(world: World, pod: dict[str, Any], clock: SystemClock) -> None:
    """Empty its log twice, as a copytruncate does, and end the streams before anybody has read between."""
    metadata = pod["metadata"]
    folder = world.lab.root / "pods" / f"{NAMESPACE}_{metadata['name']}_{metadata['uid']}" / "controller"
    log = max(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    os.truncate(log, 0)
    # A reader stands behind the end now, and gets nothing until the log is as long as it was.
    await clock.sleep(LOST)
    os.truncate(log, 0)
    # The API server's connections to the kubelet: each carries a log.
    argv = ["ss", "-K", "dport", "=", ":10250"]
    await run_program(within(world.lab.netns_path, argv), "cutting the streams")


@again_if_void
async def test_a_hole_in_a_log_is_reported_and_asks_a_person(make_world: MakeWorld, record: Record) -> None:
    world, clock = await make_world("gap"), SystemClock()
    config = settings.write(world, overrides={**settings.OVERRIDES, "soak": {"lasts": f"{SOAK}s"}})
    command = ("upgrade", "--yes", "--config", str(config), "--output", "plain")
    soaks, asks = asyncio.Event(), asyncio.Event()

    def hear(line: str) -> None:
        tell(line)
        if "forward/soak: waits: watching" in line:
            soaks.set()
        if "waits at the gate accept-verdict" in line:
            asks.set()

    async with traffic(world) as counted:
        running = asyncio.create_task(blueshift(world.lab, *command, hear=hear))
        try:
            await first(running, soaks)
            await clock.sleep(SOAK / 4)
            pod, *_ = await controllers(world)
            at = clock.utc()
            await rotate_and_cut(world, pod, clock)
            await first(running, asks)
            run = json.loads((await blueshift(world.lab, "status", "-o", "json")).text)[0]["run"]
            approved = await blueshift(
                world.lab, "approve", run, "accept-verdict", "--reason", "logs were cut"
            )
            assert approved.code == 0, approved.text
            ended = await running
        finally:
            running.cancel()
            await asyncio.wait({running})
    summary = counted.summary
    assert_ended(ended, 0, summary)
    report = world.folder / "report.json"
    made = await blueshift(world.lab, "report", run, "-o", str(report))
    assert made.code == 0, made.text
    told = json.loads(report.read_text())
    name = pod["metadata"]["name"]
    gaps = [
        (datetime.fromisoformat(begin), datetime.fromisoformat(end))
        for one in told["evidence"]["watched"]
        if (one["witness"], one["pod"]) == ("log", name)
        for begin, end in one["gaps"]
        if end
    ]
    (lost,) = [gap for gap in gaps if gap[1] >= at]
    assert (lost[1] - lost[0]).total_seconds() > LOST - 1
    record(
        {
            "requests": summary.requests,
            "failed": summary.failed,
            "gap_s": round((lost[1] - lost[0]).total_seconds(), 1),
        }
    )
    said = [
        line for line in ended.lines if "verdict marginal" in line and f"the log of {name} is missing" in line
    ]
    assert said, ended.why
