"""docs/reliability.md out of the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tests.crash.faultfile import Fault, faults
from tests.crash.order import Boundaries, Name, Result, Track
from tests.crash.state import State, newest

_HEAD = """\
# Reliability: the crash matrix

Made by `make crash-matrix` (`tests/crash`); do not edit.

A *point* is a boundary of a run (a write of its journal, or an effect) and a moment at it: before, after, \
or amid an effect. Points are dealt out over \
runs, several to a run and each once. After each kill the run is resumed, at last by the plain \
`blueshift resume`; a disturbance either passes and the run goes on by itself, or it must hold with the \
right reason, and is resumed when the world is well again. A point that no run came to is not tried: a wait \
may be over before it is seen. A run passes when it ends, when release, \
manifests, values, live objects and both servers' answers equal those of the undisturbed run, when nothing \
is left over, when no object of anybody else was touched, and when the fault really met something."""
_STUB = """
## Every point, on a stub

Written on {at}; each row names the commits on which its points were tried last. A run that nothing \
disturbs passes {boundaries} boundaries in {seconds:.0f} s, its way back {back} more, on a lab with a real \
API server, Helm and BIND, and a stub in the controller's place that is ready in a second. {hits} kills and \
disturbances in {runs} runs were made for this table. No traffic ran in them.

| fault | points | passed | failed | not tried | runs | worst added time per point | commit |
|---|---|---|---|---|---|---|---|"""
_REAL = """
## Some points, on the real controller under traffic

Written on {at}. The same lab with the real ingress-nginx controller, two replicas of it and its webhook, \
and some forty sites behind it. Around each run the lab's generator asks them over HTTP/1.1, HTTP/2, \
WebSockets and long polls, and each id must be in its ledger and at the backends exactly once. A run passes \
by the same rules, and when no request failed; where the count proves nothing it is tried once more, and has \
failed the second time. The command's times are the product's own, the playbook's as in `lab demo`. \
A run that nothing disturbs passes {boundaries} boundaries in {seconds:.0f} s, its way back {back} more; \
{undisturbed}. {hits} kills and disturbances in {runs} runs were made for this table. Requests are those of \
the runs in which the row's points were tried, and kills of several rows share a run.

| fault | points | passed | failed | not tried | runs | failed requests | worst added time | commit |
|---|---|---|---|---|---|---|---|---|"""
_UNTRIED = """
## Some points, on the real controller under traffic

Not tried here: `make crash-matrix ARGUMENTS="--bed real"`."""


class _Row(msgspec.Struct, frozen=True):
    """One fault on one ground."""

    name: str
    points: int
    passed: int
    failed: int
    results: tuple[Result, ...]
    """Of the runs in which its points were tried."""
    added: str

    def line(self, *more: str) -> str:
        """As of a table; `more` stands before the added time."""
        counts = [self.points, self.passed, self.failed, self.points - self.passed - self.failed]
        commits = ", ".join(sorted({one.commit for one in self.results}))
        cells = [f"`{self.name}`", *map(str, (*counts, len(self.results))), *more, self.added, commits]
        return "| " + " | ".join(cells) + " |"


def text(states: Mapping[Name, State]) -> str:
    """The page: what was tried, with a row for each fault on each ground, which has both undisturbed runs."""
    told = [_HEAD, *_stub(states["stub"])] if "stub" in states else [_HEAD]
    told += _real(states["real"]) if "real" in states else [_UNTRIED]
    told += ["", "## What each fault is", ""]
    told += [
        f"- `{name}`: {fault.what} Where: {fault.where}. Must hold: {fault.holds}"
        for name, fault in faults().items()
    ]
    troubles = [one for state in states.values() for one in newest(state.results) if not one.passed]
    if troubles:
        told += ["", "## Failed", ""]
        told += [
            f"- {one.order.fault or 'kills'} at {', '.join(one.order.points)}: {one.wrong[0].splitlines()[0]}"
            for one in troubles
        ]
    return "\n".join([*told, ""])


def _stub(state: State) -> Iterator[str]:
    rows = _rows("stub", state)
    yield _STUB.format(**_figures(state))
    yield from (row.line() for row in rows)
    yield from ("", f"In all {_passed(rows)} points passed.")


def _real(state: State) -> Iterator[str]:
    rows = _rows("real", state)
    undisturbed = _asked(tuple(state.undisturbed.values()))
    yield _REAL.format(**_figures(state), undisturbed=f"{undisturbed} requests failed there")
    yield from (row.line(_asked(row.results)) for row in rows)
    everything = _asked((*state.undisturbed.values(), *newest(state.results)))
    yield from ("", f"In all {_passed(rows)} points passed, and {everything} requests failed.")


def _passed(rows: Sequence[_Row]) -> str:
    return f"{sum(row.passed for row in rows)} of {sum(row.points for row in rows)}"


def _asked(results: Sequence[Result]) -> str:
    counted = [one.traffic for one in results if one.traffic]
    return f"{sum(one.failed for one in counted)} of {sum(one.requests for one in counted):,}"


def _figures(state: State) -> dict[str, object]:
    results, boundaries = newest(state.results), _boundaries(state)
    return {
        "at": state.at,
        "boundaries": len(boundaries["forward"]),
        "back": len(boundaries["back"]),
        "seconds": state.undisturbed["forward"].seconds,
        "hits": sum(len(one.hit) for one in results),
        "runs": len(results),
    }


def _boundaries(state: State) -> Boundaries:
    return {track: tuple(dict.fromkeys(one.boundaries)) for track, one in state.undisturbed.items()}


def _rows(ground: Name, state: State) -> list[_Row]:
    results, boundaries = newest(state.results), _boundaries(state)
    every = ((name, fault, set(fault.points(boundaries, ground))) for name, fault in faults().items())
    return [_row(name, fault, points, state, results) for name, fault, points in every if points]


def _row(name: str, fault: Fault, points: set[str], state: State, results: Sequence[Result]) -> _Row:
    track: Track = fault.kill.track if fault.kill else "forward"
    mine = tuple(
        one
        for one in results
        if (one.order.track, one.order.fault) == (track, name if fault.disturb else "")
        and points & set(one.order.points)
    )
    passed = {point for one in mine if one.passed for point in {*one.hit} & {*one.order.points}} & points
    failed = {point for one in mine if not one.passed for point in one.order.points} & points - passed
    whole = state.undisturbed[track].seconds
    added = [(one.seconds - whole) / max(1, len(one.hit)) for one in mine if one.passed]
    worst = f"{max(0.0, *added):.0f} s" if added else ""
    return _Row(name, len(points), len(passed), len(failed), mine, worst)
