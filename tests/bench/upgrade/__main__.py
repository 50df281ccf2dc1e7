"""`make bench-upgrade`: runs what was not run yet, and writes figures, page and pictures.

Each run takes two to ten minutes; all of them less than six hours. Stopped at any moment, it is carried on by
the same command: what has a sound run of the same commit is not run again.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

import msgspec

from blueshift.clock import SystemClock
from blueshift.lab import lifecycle
from blueshift.lab.cache import locked
from blueshift.lab.demo import settings
from blueshift.lab.demo import world as worlds
from blueshift.lab.paths import known_labs
from tests.bench.installed import compiled
from tests.bench.upgrade import order, page, state, tools
from tests.bench.upgrade.load import RATE
from tests.bench.upgrade.order import Cell
from tests.bench.upgrade.result import Result, result
from tests.bench.upgrade.scenarios import SCENARIOS, SHORT
from tests.bench.upgrade.sitting import Ground, sit
from tests.bench.upgrade.state import State
from tests.e2e.command import REPO

OUT = REPO / "build" / "bench" / "upgrade.json"
PUBLISHED = REPO / "docs" / "results"
PAGE = REPO / "docs" / "benchmarks.md"


async def sitting(wanted: Sequence[Cell], kept: State, given: argparse.Namespace) -> None:
    """Run them in their order, until they or the minutes are over; each is kept when it has ended."""
    clock = SystemClock()
    made, images = await worlds.prepare(print, lambda _: None)
    ground = Ground(
        tools=made,
        images=images,
        lab=given.lab,
        commit=state.commit(),
        rate=given.rate,
        folder=state.FOLDER,
    )
    state.FOLDER.mkdir(parents=True, exist_ok=True)
    until = clock.now() + 60 * given.minutes
    for each in known_labs():
        if each.name.startswith(f"{given.lab}-"):  # what a sitting left that was killed
            await lifecycle.down(each, clock)
    while todo := order.left(wanted, kept.at(given.rate), [ground.commit, *given.accept]):
        if clock.now() >= until:
            print(f"out of time: {len(todo)} runs are for the next sitting")
            return
        cell = todo[0]
        print(f"{clock.utc():%H:%M:%S} {cell.name}: {len(todo)} runs to go", flush=True)
        with locked("demo", print):
            ran = await sit(cell, SCENARIOS[cell.scenario], ground, len(kept.runs), clock)
        kept.runs.append(ran)
        state.save(kept)
        counted = ran.count
        print(
            f"         {counted.requests} requests, {counted.failed} failed, {counted.wrong} wrong in "
            f"{counted.wrong_seconds} s, {counted.stale_closed} stale, {counted.cut_long} of {counted.long} "
            f"sessions cut; {ran.wall_s} s; {ran.said}",
            *(f"\n         VOID {reason}" for reason in ran.void),
            flush=True,
        )


def publish(found: Result) -> None:
    """The committed copy, the page's section and the pictures."""
    state.write(PUBLISHED / OUT.name, _pretty(found))
    for name, picture in page.pictures(found).items():
        state.write(PUBLISHED / name, picture.encode())
    text = page.placed(PAGE.read_text(encoding="utf-8"), page.section(found))
    state.write(PAGE, text.encode())


def _pretty(found: Result) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def main() -> None:
    """Sit, and write what all sittings came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upgrade", description=__doc__)
    parser.add_argument("--scenarios", nargs="+", choices=tuple(SCENARIOS), default=tuple(SCENARIOS))
    parser.add_argument("--tools", nargs="+", choices=order.TOOLS, default=order.TOOLS)
    parser.add_argument("--repeats", type=int, help="of each scenario, at most its own (3, or 1)")
    parser.add_argument("--minutes", type=float, default=360, help="after which no run is begun")
    parser.add_argument(
        "--rate", type=float, default=RATE, help="requests per second over HTTP/1.1 (default: %(default)g)"
    )
    parser.add_argument("--short", action="store_true", help=f"one repeat of {' and '.join(SHORT)}")
    parser.add_argument(
        "--accept", action="append", default=[], metavar="COMMIT", help="count runs of this commit too"
    )
    parser.add_argument("--publish", action="store_true", help="write docs/results and docs/benchmarks.md")
    parser.add_argument("--lab", default="bench-up", help="begin of the labs' names (default: %(default)s)")
    given = parser.parse_args()
    scenarios = SHORT if given.short else given.scenarios
    most = 1 if given.short else given.repeats
    repeats = {name: min(SCENARIOS[name].repeats, most or SCENARIOS[name].repeats) for name in scenarios}
    kept = state.kept()
    compiled()
    by = {name: [tool for tool in SCENARIOS[name].tools if tool in given.tools] for name in scenarios}
    asyncio.run(sitting(order.cells(repeats, by, kept.seed), kept, given))
    commits = [state.commit(), *given.accept]
    runs = kept.at(given.rate)
    if not order.sound(runs, commits):
        raise SystemExit("no run of this commit counts: there are no figures")
    found = result(
        runs,
        commits,
        [name for name, one in SCENARIOS.items() if not one.playbook],
        [name for name, one in SCENARIOS.items() if one.playbook],
        seed=kept.seed,
        waits_s=settings.inherent_wait(worlds.TTL),
        settings=tools.told(),
    )
    state.write(OUT, _pretty(found))
    if given.publish:
        publish(found)
    print(f"written to {OUT.relative_to(REPO)}" + (" and docs/" if given.publish else ""))


if __name__ == "__main__":
    main()
