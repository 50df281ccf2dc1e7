"""One run: a lab of its own, the world of the scenario, traffic, the tool, and the ledger that is left."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.lab import facts, lifecycle
from blueshift.lab.demo import roles, seen, settings
from blueshift.lab.demo import world as worlds
from blueshift.lab.demo.generator import Generator
from blueshift.lab.demo.world import World
from blueshift.lab.paths import Lab, lab_named
from blueshift.traffic.prober.ledger import read_ledger, started_of
from blueshift.traffic.prober.summary import Summary
from tests.bench.upgrade.ledger import Count, counted
from tests.bench.upgrade.load import traffic
from tests.bench.upgrade.order import Cell, Ran
from tests.bench.upgrade.scenarios import Scenario
from tests.bench.upgrade.second import Second
from tests.bench.upgrade.tools import TOOLS, Ended, Order
from tests.e2e.hazards import merged, settled

_WARM = 500
"""Requests that must have ended before the seconds of `before` begin; told every ten seconds."""


class Ground(msgspec.Struct, frozen=True):
    """What all runs of a sitting have in common."""

    tools: Path
    images: tuple[Path, ...]
    lab: str
    """How the labs' names begin."""
    commit: str
    rate: float
    folder: Path
    """Where ledgers and logs are kept."""


async def sit(cell: Cell, scenario: Scenario, ground: Ground, number: int, clock: Clock) -> Ran:
    """Make one run, in a lab with this number: its clients keep by file name what they have read of a CA.

    What keeps it from being made, or from proving something, makes it void.
    """
    at, lab = f"{clock.utc():%Y-%m-%dT%H:%M:%SZ}", lab_named(f"{ground.lab}-{number}")
    try:
        return await _run(cell, scenario, ground, lab, clock, at)
    except (BlueshiftError, TimeoutError) as error:
        why = f"no figures: {type(error).__name__}: {error}"
        return Ran(cell, ground.commit, at, ground.rate, Count(), 0.0, False, "", "", (why[:300],))
    finally:
        await lifecycle.down(lab, clock)


async def _run(cell: Cell, scenario: Scenario, ground: Ground, lab: Lab, clock: Clock, at: str) -> Ran:
    order = await _prepared(scenario, ground, lab, clock)
    world = order.world
    generator, second = Generator(world, clock), Second(lab, clock)
    with (ground.folder / f"{cell.name}.log").open("w") as log:

        def hear(line: str) -> None:
            log.write(f"{clock.utc():%H:%M:%S} {line}\n")
            log.flush()

        order = msgspec.structs.replace(order, say=hear)
        try:
            await generator.start(scenario.load(traffic(world, ground.rate)))
            await generator.warm(_WARM, within=60)
            if scenario.second:
                second.start()
            await clock.sleep(scenario.before)
            began, instant = clock.now(), clock.utc().timestamp()
            ended: Ended = await TOOLS[cell.tool](order, clock)
            wall = clock.now() - began
            await clock.sleep(scenario.after)
            told = await second.stop()
            summary: Summary = await generator.stop()
        finally:
            await second.kill()
            await generator.kill()
    ledger = ground.folder / f"{cell.name}.ledger"
    shutil.copyfile(generator.ledger, ledger)
    count = counted(read_ledger(ledger), instant - started_of(ledger).timestamp())
    return Ran(
        cell=cell,
        commit=ground.commit,
        at=at,
        rate=ground.rate,
        count=count,
        wall_s=round(wall, 1),
        noticed=ended.noticed,
        said=ended.said,
        version=await seen.chart_version(world.lab),
        void=void_by(summary.void_reasons, count),
        ledger=ledger.name,
        second=told,
    )


def void_by(reasons: tuple[str, ...], count: Count) -> tuple[str, ...]:
    """Why a run proves nothing: the generator's own reasons, and a world that was not well to begin with."""
    before = f"{count.before} requests failed before the tool was started"
    return (*reasons, before) if count.before else reasons


async def _prepared(scenario: Scenario, ground: Ground, lab: Lab, clock: Clock) -> Order:
    """The world as the scenario has it, and settled: no pod of an earlier revision is left."""
    world: World = await worlds.make(
        lab, ground.tools, ground.images, _unheard, clock, balancer=scenario.balancer
    )
    plain = worlds.values(dual_stack=facts.of(lab).ipv6)
    running: dict[str, Any] = merged(plain, scenario.running)
    if running != plain:
        await worlds.install(lab, given=running)
    target = await scenario.make(world, clock)
    await settled(world)
    await worlds.point(lab, clock)
    config = settings.write(world, values=target, overrides=scenario.overrides)
    playbook = scenario.playbook(world) if scenario.playbook else None
    await roles.grant(world, config)
    return Order(world=world, running=running, target=target, config=config, playbook=playbook, say=_unheard)


def _unheard(_said: str) -> None:
    """What the making of a world says."""
