"""What was tried on each ground, kept from sitting to sitting in build/crash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from blueshift.clock import SystemClock
from tests.crash.order import Name, Order, Result, Track
from tests.e2e.command import REPO

_FILES: dict[Name, str] = {"stub": "state.json", "real": "real.json"}


class State(msgspec.Struct):
    """What was tried on one ground."""

    commit: str
    """Of the last sitting; each result names its own."""
    at: str
    undisturbed: dict[Track, Result] = {}
    results: list[Result] = []


def kept(ground: Name) -> State | None:
    """As the last sitting left it; None where there was none."""
    file = _file(ground)
    return msgspec.json.decode(file.read_bytes(), type=State) if file.exists() else None


def begun(ground: Name, fresh: bool) -> State:
    """For a sitting of this commit: what it tries takes the place of older results in the page."""
    earlier = None if fresh else kept(ground)
    state = State(_commit(), f"{SystemClock().utc():%Y-%m-%d}")
    if earlier is not None:
        state.undisturbed, state.results = earlier.undisturbed, earlier.results
    return state


def save(ground: Name, state: State) -> None:
    """Keep it for the next sitting."""
    file = _file(ground)
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".half")
    half.write_bytes(msgspec.json.encode(state))
    half.rename(file)


def newest(results: list[Result]) -> list[Result]:
    """Each result with the points alone that were not tried again later; none that has no point left."""
    found: list[Result] = []
    later: set[tuple[Track, str, str]] = set()
    for one in reversed(results):
        track, fault = one.order.track, one.order.fault
        points = tuple(point for point in one.order.points if (track, fault, point) not in later)
        later |= {(track, fault, point) for point in points}
        if points:
            found.append(msgspec.structs.replace(one, order=Order(track, fault, points)))
    return found[::-1]


def _file(ground: Name) -> Path:
    return REPO / "build" / "crash" / _FILES[ground]


def _commit() -> str:
    argv = ["git", "-C", str(REPO), "rev-parse", "--short", "HEAD"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
