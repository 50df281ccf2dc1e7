"""docs/reliability.md out of the results."""

from __future__ import annotations

from collections.abc import Sequence

from tests.crash.matrix import faults
from tests.crash.runner import Result

_HEAD = """\
# Reliability: the crash matrix

Made by `make crash-matrix` (`tests/crash`); do not edit.

Commit {commit}, {at}. A run that nothing disturbs passes {boundaries} boundaries (writes of its journal, \
and effects) in {seconds:.0f} s, on a lab with a real API server, Helm and BIND, and a stub in the \
controller's place that is ready in a second. {kills} kills in {runs} runs were made for this page. No \
traffic ran in them.

A *point* is a boundary and a moment at it: before, after, or amid an effect. Points are dealt out over \
runs, several to a run and each once; after each kill the run is resumed, at last by the plain \
`blueshift resume`. A run passes when it ends, when release, manifests, values, live objects and both \
servers' answers equal those of the undisturbed run, when nothing is left over, and when no object of \
anybody else was touched. Two or three runs go on side by side.

| fault | points | passed | failed | not tried | worst added time per kill |
|---|---|---|---|---|---|
"""


def text(commit: str, at: str, undisturbed: Result, results: Sequence[Result], planned: int) -> str:
    """The page: what was tried, and a row for each fault."""
    boundaries = tuple(dict.fromkeys(undisturbed.boundaries))
    passed = {point for result in results if result.passed for point in result.killed}
    failed = {point for result in results if not result.passed for point in result.points} - passed
    head = _HEAD.format(
        commit=commit,
        at=at,
        boundaries=len(boundaries),
        seconds=undisturbed.seconds,
        kills=sum(len(result.killed) for result in results),
        runs=len(results),
    )
    lines = []
    for name, fault in faults().items():
        points = set(fault.kill.points(boundaries))
        mine = [one for one in results if one.passed and points & set(one.killed)]
        added = [(one.seconds - undisturbed.seconds) / len(one.killed) for one in mine]
        worst = f"{max(added):.0f} s" if added else ""
        counts = [len(points), len(points & passed), len(points & failed), len(points - passed - failed)]
        lines.append("| " + " | ".join([f"`{name}`", *map(str, counts), worst]) + " |")
    lines += ["", f"In all {len(passed)} of {planned} points passed.", "", "## What each fault is", ""]
    lines += [f"- `{name}`: {fault.what} Must hold: {fault.holds}" for name, fault in faults().items()]
    troubles = [one for one in results if not one.passed]
    if troubles:
        lines += ["", "## Failed", ""]
        lines += [f"- {', '.join(one.points)}: {one.wrong[0].splitlines()[0]}" for one in troubles]
    return head + "\n".join([*lines, ""])
