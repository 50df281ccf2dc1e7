"""`make crash-matrix`: all cells, carried on where it was stopped, and docs/reliability.md at the end."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
from pathlib import Path

import msgspec

from blueshift.clock import SystemClock
from blueshift.lab import lifecycle
from tests.crash import cells, matrix, report
from tests.crash.order import Order, Result, Track
from tests.crash.runner import Bed
from tests.e2e.command import REPO, tell

TRACKS: tuple[Track, ...] = ("forward", "back")
STATE = REPO / "build" / "crash" / "state.json"


class State(msgspec.Struct):
    """What was tried."""

    commit: str
    """Of the last sitting; each result names its own."""
    at: str
    undisturbed: dict[Track, Result] = {}
    results: list[Result] = []


def _commit() -> str:
    argv = ["git", "-C", str(REPO), "rev-parse", "--short", "HEAD"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def load(fresh: bool) -> State:
    """What earlier sittings tried; what is tried of this commit takes the place of older ones in the page."""
    state = State(_commit(), f"{SystemClock().utc():%Y-%m-%d}")
    if STATE.exists() and not fresh:
        state.results = msgspec.json.decode(STATE.read_bytes(), type=State).results
    return state


def save(state: State) -> None:
    """Keep it for the next sitting."""
    STATE.parent.mkdir(parents=True, exist_ok=True)
    half = STATE.with_suffix(".half")
    half.write_bytes(msgspec.json.encode(state))
    half.rename(STATE)


async def sit(given: argparse.Namespace) -> State:
    """Bring a lab up, try what is left for so many minutes, take it down."""
    clock, state = SystemClock(), load(given.fresh)
    lab = await cells.lab_up(given.lab)
    try:
        bed = Bed(lab)
        for track in TRACKS:
            one = await bed.prepare(track)
            tell(
                f"{track}: {one.seconds:.0f} s, {len(bed.boundaries[track])} boundaries",
                *one.wrong,
                flush=True,
            )
            if not one.passed:
                return state
        state.undisturbed = bed.undisturbed
        try:
            async with clock.timeout(given.minutes * 60):
                # What runs passed by without coming to it is dealt again, fewer to a run.
                for each in (given.each, 5, 1):
                    await _round(bed, state, given, each)
        except TimeoutError:
            tell("out of time: the rest is for the next sitting")
    finally:
        if not os.environ.get("CRASH_KEEP_LAB"):
            await lifecycle.down(lab)
    return state


def _name(order: Order) -> str:
    return order.fault or f"kills-{order.track}"


async def _round(bed: Bed, state: State, given: argparse.Namespace, each: int) -> None:
    tried_now = [one for one in state.results if one.commit == state.commit]
    orders = matrix.orders(bed.boundaries, each, tried_now)
    if given.only:
        orders = tuple(order for order in orders if _name(order) in given.only)
    clock, tried, planned = SystemClock(), 0, sum(len(order.points) for order in orders)
    began = clock.now()

    def done(result: Result) -> None:
        nonlocal tried
        order = result.order
        state.results.append(msgspec.structs.replace(result, commit=state.commit))
        save(state)
        tried += len(result.order.points)
        left = (clock.now() - began) / tried * (planned - tried) / 60
        said = "passed" if result.passed else f"FAILED: {result.wrong}"
        what = f"{len(result.hit)} of {_name(order)} in {result.seconds:.0f} s"
        tell(f"{tried}/{planned} points, {result.cell}: {what} {said}; {left:.0f} min left", flush=True)

    await matrix.run(bed, orders, given.together, done)


def main() -> None:
    """Sit, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--each", type=int, default=12, help="kills in one cell")
    parser.add_argument("--together", type=int, default=3, help="cells side by side")
    parser.add_argument("--minutes", type=float, default=170, help="of this sitting, after the lab is up")
    parser.add_argument("--only", nargs="*", default=[], help="files by name, kills-forward, kills-back")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier sitting tried")
    parser.add_argument("--lab", default=f"crash{os.getpid()}", help="name of the lab")
    parser.add_argument("--report", type=Path, default=REPO / "docs" / "reliability.md")
    given = parser.parse_args()
    state = asyncio.run(sit(given))
    if not state.undisturbed:
        raise SystemExit("the undisturbed run did not pass: nothing else was tried")
    results = report.newest(state.results)
    given.report.write_text(report.text(state.at, state.undisturbed, results))
    raise SystemExit(0 if all(result.passed for result in results) else 1)


if __name__ == "__main__":
    main()
