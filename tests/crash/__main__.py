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
from tests.crash.runner import REPO, Bed, Result
from tests.e2e.command import tell

STATE = REPO / "build" / "crash" / "state.json"


class State(msgspec.Struct):
    """What was tried, of which commit."""

    commit: str
    at: str
    undisturbed: Result | None = None
    results: list[Result] = []
    planned: int = 0
    """Points of the whole matrix."""


def _commit() -> str:
    argv = ["git", "-C", str(REPO), "rev-parse", "--short", "HEAD"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def load(fresh: bool) -> State:
    """What an earlier sitting of this commit tried, or nothing."""
    state = State(_commit(), f"{SystemClock().utc():%Y-%m-%d}")
    if STATE.exists() and not fresh:
        earlier = msgspec.json.decode(STATE.read_bytes(), type=State)
        if earlier.commit == state.commit:
            return earlier
    return state


def save(state: State) -> None:
    """Keep it for the next sitting."""
    STATE.parent.mkdir(parents=True, exist_ok=True)
    half = STATE.with_suffix(".half")
    half.write_bytes(msgspec.json.encode(state))
    half.rename(STATE)


async def sit(each: int, together: int, most: float, fresh: bool, lab_name: str) -> State:
    """Bring a lab up, try what is left for at most `most` minutes, take it down."""
    clock, state = SystemClock(), load(fresh)
    lab = await cells.lab_up(lab_name)
    try:
        bed = Bed(lab)
        undisturbed = await bed.prepare()
        tell(f"undisturbed: {undisturbed.seconds:.0f} s, {len(bed.boundaries)} boundaries", undisturbed.wrong)
        if not undisturbed.passed:
            return state
        state.undisturbed = undisturbed
        points = matrix.all_points(bed.boundaries)
        state.planned = len(points)
        tried = {point for result in state.results if result.passed for point in result.points}
        left = [one for one in points if one not in tried]
        began = clock.now()

        def done(result: Result) -> None:
            state.results.append(result)
            save(state)
            seen = sum(len(one.points) for one in state.results)
            pace = (clock.now() - began) / max(1, seen - len(tried))
            said = "passed" if result.passed else f"FAILED: {result.wrong}"
            tell(
                f"{seen}/{len(points)} points, {result.cell} with {len(result.killed)} kills in "
                f"{result.seconds:.0f} s {said}; {pace * (len(points) - seen) / 60:.0f} min left",
                flush=True,
            )

        try:
            async with clock.timeout(most * 60):
                await matrix.run(bed, list(matrix.dealt(left, each)), together, done)
        except TimeoutError:
            tell("out of time: the rest is for the next sitting")
    finally:
        if not os.environ.get("CRASH_KEEP_LAB"):
            await lifecycle.down(lab)
    return state


def main() -> None:
    """Sit, and write the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--each", type=int, default=12, help="kills in one cell")
    parser.add_argument("--together", type=int, default=3, help="cells side by side")
    parser.add_argument("--minutes", type=float, default=170, help="of this sitting, after the lab is up")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier sitting tried")
    parser.add_argument("--lab", default=f"crash{os.getpid()}", help="name of the lab")
    parser.add_argument("--report", type=Path, default=REPO / "docs" / "reliability.md")
    given = parser.parse_args()
    state = asyncio.run(sit(given.each, given.together, given.minutes, given.fresh, given.lab))
    if state.undisturbed is None:
        raise SystemExit("the undisturbed run did not pass: nothing else was tried")
    given.report.write_text(
        report.text(state.commit, state.at, state.undisturbed, state.results, state.planned)
    )
    raise SystemExit(0 if all(result.passed for result in state.results) else 1)


if __name__ == "__main__":
    main()
