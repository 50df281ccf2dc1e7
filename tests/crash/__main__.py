"""`make crash-matrix`: all cells, carried on where it was stopped, and docs/reliability.md at the end.

Cells with the stub, then cells on the real controller under traffic; `--bed real` does these alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

import msgspec

from blueshift.clock import SystemClock
from blueshift.lab import lifecycle
from tests.crash import matrix, report
from tests.crash import state as states
from tests.crash.grounds import GROUNDS
from tests.crash.order import TRACKS, Name, Order, Result
from tests.crash.runner import Bed
from tests.crash.state import State
from tests.e2e.command import REPO, tell


async def sit(name: Name, given: argparse.Namespace) -> None:
    """Bring a lab up, try what is left for so many minutes, take it down."""
    clock, state, ground = SystemClock(), states.begun(name, given.fresh), GROUNDS[name]
    lab = await ground.lab_up(given.lab)
    try:
        bed = Bed(lab, ground)
        for track in given.tracks:
            one = await bed.prepare(track)
            tell(
                f"{name}, {track}: {one.seconds:.0f} s, {len(bed.boundaries[track])} boundaries{_asked(one)}",
                *one.wrong,
                flush=True,
            )
            if not one.passed:
                raise SystemExit("the undisturbed run did not pass: nothing else was tried")
        state.undisturbed = state.undisturbed | bed.undisturbed
        states.save(name, state)
        try:
            async with clock.timeout(given.minutes * 60):
                # What runs passed by without coming to it is dealt again, fewer to a run.
                most = given.each or ground.each
                for each in (most, min(most, 5), 1):
                    await _round(bed, name, state, given, each)
        except TimeoutError:
            tell("out of time: the rest is for the next sitting")
    finally:
        if not os.environ.get("CRASH_KEEP_LAB"):
            await lifecycle.down(lab)


def _name(order: Order) -> str:
    return order.fault or f"kills-{order.track}"


def _asked(result: Result) -> str:
    counted = result.traffic
    return f", {counted.failed} of {counted.requests} requests failed" if counted else ""


async def _round(bed: Bed, name: Name, state: State, given: argparse.Namespace, each: int) -> None:
    tried_now = [one for one in state.results if one.commit == state.commit]
    orders = matrix.orders(bed.boundaries, each, tried_now, name)
    if given.only:
        orders = tuple(order for order in orders if _name(order) in given.only)
    clock, tried, planned = SystemClock(), 0, sum(len(order.points) for order in orders)
    began = clock.now()

    def done(result: Result) -> None:
        nonlocal tried
        order = result.order
        state.results.append(msgspec.structs.replace(result, commit=state.commit))
        states.save(name, state)
        tried += len(result.order.points)
        left = (clock.now() - began) / tried * (planned - tried) / 60
        said = "passed" if result.passed else f"FAILED: {result.wrong}"
        what = f"{len(result.hit)} of {_name(order)} in {result.seconds:.0f} s{_asked(result)}"
        tell(f"{tried}/{planned} points, {result.cell}: {what} {said}; {left:.0f} min left", flush=True)

    await matrix.run(bed, orders, given.together or bed.ground.together, done)


def main() -> None:
    """Sit, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument(
        "--bed", nargs="+", choices=tuple(GROUNDS), default=tuple(GROUNDS),
        help="the stub in the controller's place, or the real controller under traffic; one after the other",
    )  # fmt: skip
    parser.add_argument(
        "--tracks", nargs="+", choices=TRACKS, default=TRACKS, help="runs to their end, or back"
    )
    parser.add_argument("--each", type=int, help="kills in one cell (stub: 12, real: 4)")
    parser.add_argument("--together", type=int, help="cells side by side (stub: 3, real: 1, and never more)")
    parser.add_argument("--minutes", type=float, default=170, help="of each bed, after its undisturbed runs")
    parser.add_argument("--only", nargs="*", default=[], help="files by name, kills-forward, kills-back")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier sitting tried")
    parser.add_argument("--lab", default=f"crash{os.getpid()}", help="name of the lab")
    parser.add_argument("--report", type=Path, default=REPO / "docs" / "reliability.md")
    given = parser.parse_args()
    for name in given.bed:
        asyncio.run(sit(name, given))
    found = {name: state for name in GROUNDS if (state := states.kept(name)) is not None}
    lacking = [name for name, state in found.items() if state.undisturbed.keys() != set(TRACKS)]
    if lacking:
        raise SystemExit(
            f"no page is written, because an undisturbed run is lacking: {', '.join(lacking)}; to make it: "
            f"python -m tests.crash --bed {' '.join(lacking)} --minutes 0"
        )
    given.report.write_text(report.text(found))
    passed = all(one.passed for state in found.values() for one in states.newest(state.results))
    raise SystemExit(0 if passed else 1)


if __name__ == "__main__":
    main()
