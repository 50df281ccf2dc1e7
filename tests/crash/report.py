"""docs/reliability.md out of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tests.crash.faultfile import faults
from tests.crash.order import Order, Result, Track

_HEAD = """\
# Reliability: the crash matrix

Made by `make crash-matrix` (`tests/crash`); do not edit.

Written on {at}; each row names the commits on which its points were tried last. A run that nothing \
disturbs passes {boundaries} boundaries (writes of its journal, \
and effects) in {seconds:.0f} s, its way back {back} more, on a lab with a real API server, Helm and BIND, \
and a stub in the controller's place that is ready in a second. {hits} kills and disturbances in {runs} \
runs were made for this page. No traffic ran in them: runs under load are in tests/e2e, and their figures \
in docs/results.

A *point* is a boundary and a moment at it: before, after, or amid an effect. Points are dealt out over \
runs, several to a run and each once. After each kill the run is resumed, at last by the plain \
`blueshift resume`; a disturbance either passes and the run goes on by itself, or it must hold with the \
right reason, and is resumed when the world is well again. A point that no run came to is not tried: a wait \
may be over before it is seen. A run passes when it ends, when release, \
manifests, values, live objects and both servers' answers equal those of the undisturbed run, when nothing \
is left over, when no object of anybody else was touched, and when the fault really met something.

| fault | points | passed | failed | not tried | runs | worst added time per point | commit |
|---|---|---|---|---|---|---|---|
"""


def newest(results: Sequence[Result]) -> list[Result]:
    """Each result with the points alone that were not tried again later; none that has no point left."""
    kept: list[Result] = []
    later: set[tuple[Track, str, str]] = set()
    for one in reversed(results):
        track, fault = one.order.track, one.order.fault
        points = tuple(point for point in one.order.points if (track, fault, point) not in later)
        later |= {(track, fault, point) for point in points}
        if points:
            kept.append(msgspec.structs.replace(one, order=Order(track, fault, points)))
    return kept[::-1]


def text(at: str, undisturbed: Mapping[Track, Result], results: Sequence[Result]) -> str:
    """The page: what was tried, and a row for each fault."""
    boundaries = {track: tuple(dict.fromkeys(one.boundaries)) for track, one in undisturbed.items()}
    head = _HEAD.format(
        at=at,
        boundaries=len(boundaries["forward"]),
        back=len(boundaries["back"]),
        seconds=undisturbed["forward"].seconds,
        hits=sum(len(result.hit) for result in results),
        runs=len(results),
    )
    lines, all_passed, planned = [], 0, 0
    for name, fault in faults().items():
        points = set(fault.points(boundaries))
        track: Track = fault.kill.track if fault.kill else "forward"
        mine = [
            one
            for one in results
            if (one.order.track, one.order.fault) == (track, name if fault.disturb else "")
            and points & set(one.order.points)
        ]
        passed = {point for one in mine if one.passed for point in {*one.hit} & {*one.order.points}} & points
        failed = {point for one in mine if not one.passed for point in one.order.points} & points - passed
        added = [
            (one.seconds - undisturbed[track].seconds) / max(1, len(one.hit)) for one in mine if one.passed
        ]
        worst = f"{max(0.0, *added):.0f} s" if added else ""
        counts = [len(points), len(passed), len(failed), len(points - passed - failed), len(mine)]
        commits = ", ".join(sorted({one.commit for one in mine}))
        lines.append("| " + " | ".join([f"`{name}`", *map(str, counts), worst, commits]) + " |")
        all_passed, planned = all_passed + len(passed), planned + len(points)
    lines += ["", f"In all {all_passed} of {planned} points passed.", "", "## What each fault is", ""]
    lines += [
        f"- `{name}`: {fault.what} Where: {fault.where}. Must hold: {fault.holds}"
        for name, fault in faults().items()
    ]
    troubles = [one for one in results if not one.passed]
    if troubles:
        lines += ["", "## Failed", ""]
        lines += [
            f"- {one.order.fault or 'kills'} at {', '.join(one.order.points)}: {one.wrong[0].splitlines()[0]}"
            for one in troubles
        ]
    return head + "\n".join([*lines, ""])
