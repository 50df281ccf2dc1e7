"""The demo from end to end: a world, traffic, the upgrade, and what is found afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from blueshift.clock import Clock
from blueshift.lab.demo import clients, roles, seen, settings, upgrade
from blueshift.lab.demo.breaks import BREAKS, Broken
from blueshift.lab.demo.clients import Others
from blueshift.lab.demo.generator import Generator, plan
from blueshift.lab.demo.inside import listed
from blueshift.lab.demo.result import Dns, Primary, Result, Run, Temporary, traffic_of
from blueshift.lab.demo.world import TTL, World
from blueshift.lab.load import LONG_SESSIONS
from blueshift.lab.paths import Lab
from blueshift.traffic.prober.summary import Summary

Say = Callable[[str], None]
WARM = 1000
"""Requests that must have ended before the upgrade begins."""
WARM_WITHIN = 120.0
AFTER = 5.0
"""Seconds of traffic after the run has ended or holds."""
GATE = " waits at the gate "
"""How a plain line says that a person is asked."""
GATE_PATIENCE = 60.0
"""Seconds that a gate of the run may stay shut."""
HOLDING, INTERRUPTED = 5, 130
STATES = {0: "succeeded", 3: "refused", HOLDING: "holding"}
"""Exit code of `blueshift upgrade` → `run.state`."""


async def rehearse(
    world: World,
    *,
    rate: float,
    long: bool,
    broken_by: str | None,
    say: Say,
    clock: Clock,
    others: Collection[str] = (),
) -> tuple[Result, int]:
    """Upgrade a world that was just made, under traffic. The result, and the exit code of `upgrade`.

    `long` adds sessions of five minutes from the beginning, which the drain of the primary waits for.
    `others` are clients beside the ordinary ones (`clients.EXPECTED`).
    """
    for name in others:
        say(f"{name}: {clients.EXPECTED[name]}")
    if not clients.STAYING.isdisjoint(others):
        say(f"a person is asked after {clients.ASK_AFTER}, and nobody is here: the run will hold (exit 5)")
    beside, chosen = Others(world, clock, others), clients.overrides(others)
    broken = await BREAKS[broken_by](world, clock) if broken_by else Broken()
    config = settings.write(world, values=broken.values, overrides=chosen, key_file=broken.key_file)
    await beside.prepare()
    await roles.grant(world, config)
    before = await seen.look(world.lab)
    traffic = Generator(world, clock)
    try:
        long_sessions = LONG_SESSIONS if long else ()
        await traffic.start(plan(world, rate=rate, long_sessions=long_sessions, beside=beside.beside))
        await beside.start()
        say(f"traffic: {rate:g} requests/s over {len(world.addresses)} addresses")
        await traffic.warm(WARM, within=WARM_WITHIN)
        began = clock.now()
        process = await upgrade.start(
            world.lab, "upgrade", "--yes", "--config", str(config), "--output", "plain"
        )
        code = await carried(process, say, clock)
        wall = clock.now() - began
        await clock.sleep(AFTER)
        say("the run is over; the last requests end")
        # Sessions and long polls take their time to end: the world is looked at meanwhile.
        summary, found = await asyncio.gather(traffic.stop(), _look(world, clock))
        counted = await beside.stop(traffic)
    finally:
        await asyncio.gather(traffic.kill(), beside.kill())
    _tell_failures(summary, say)
    left = seen.left_behind(before, found.seen)
    result = Result(
        run=Run(
            state=STATES.get(code, "failed"),
            step=found.step or "preflight",
            wall_s=round(wall, 1),
            inherent_wait_s=round(settings.inherent_wait(TTL) if found.step else 0.0, 1),
            settings={step: dict(given) for step, given in chosen.items()},
        ),
        traffic=traffic_of(summary, *counted),
        primary=Primary(before=before.version, after=found.seen.version),
        temporary=Temporary(purged=not left, left=left),
        dns=Dns(equal=before.answers == found.seen.answers, unanswered=found.unanswered),
    )
    return result, code


async def carried(process: asyncio.subprocess.Process, say: Say, clock: Clock) -> int:
    """Follow the run to its end; one that waits for a person's word finds nobody here, and so it holds."""
    asked = asyncio.Event()

    def hear(line: str) -> None:
        say(line)
        if GATE in line:
            asked.set()

    async def nobody() -> None:
        await asked.wait()
        await clock.sleep(GATE_PATIENCE)
        say("a gate is shut and nobody is here to open it: the demo ends")
        process.terminate()

    waiting = asyncio.create_task(nobody())
    try:
        code = await upgrade.followed(process, hear)
    except asyncio.CancelledError:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        raise
    finally:
        waiting.cancel()
    return HOLDING if asked.is_set() and code == INTERRUPTED else code


class _Found(NamedTuple):
    seen: seen.Seen
    step: str
    unanswered: int


async def _look(world: World, clock: Clock) -> _Found:
    return _Found(
        await seen.look(world.lab), await step_of(world.lab), len(await seen.unreached(world, clock))
    )


async def step_of(lab: Lab) -> str:
    """Where the lab's latest run stands, by its journal; empty when there is none."""
    found = await listed(lab, "configmaps", "-A", "-l", "blueshift.dev/run")
    journals = [
        msgspec.json.decode(journal)
        for item in found
        if (journal := item.get("data", {}).get("journal.json"))
    ]
    if not journals:
        return ""
    journal = max(journals, key=lambda item: str(item["created"]))
    if still := journal.get("standstill"):
        return str(still["step"])
    begun: Sequence[str] = [step for step in journal["track"] if step in journal.get("steps", {})]
    return begun[-1] if begun else ""


def _tell_failures(summary: Summary, say: Say) -> None:
    for each in summary.failures[:10]:
        say(
            f"failed at {each.at:.1f} s: {each.kind} {each.host}{each.path} at {each.address} "
            f"in {each.phase}: {each.reason} (answered by {each.answered_by or 'nobody'})"
        )
