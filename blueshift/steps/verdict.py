"""The verdict on a side that a run watches: by its logs and its counters, each against the same before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from blueshift.engine.state import OTHER, SideName
from blueshift.errors import BlueshiftError
from blueshift.steps.context import Tools, brief
from blueshift.steps.facts import Baseline
from blueshift.steps.parity import configured
from blueshift.traffic.judge import BETTER_FIRST, NOTHING, JudgeRules, Verdict
from blueshift.traffic.routes import Routes
from blueshift.traffic.sides import ANY, Answered, Judged, judge_sides

SHOWN = 10
"""Hosts whose numbers are journalled, the worst first; of those that are no worse none."""


async def shown(tools: Tools, side: SideName) -> Routes | None:
    """What a side serves, to know which of its hosts no witness shows; None where that cannot be read."""
    try:
        return await configured(tools, side)
    except BlueshiftError:
        return None


def verdict(
    tools: Tools, side: SideName, since: float, rules: JudgeRules, routes: Routes | None = None
) -> Verdict:
    """Judge a side since an instant, against the baseline and what the other side serves meanwhile.

    Where the logs have a hole it is at best marginal: what failed in it is unknown, and counters show neither
    latencies nor every host.
    """
    ours, theirs = tools.followers[side], tools.followers[OTHER[side]]
    before = tools.record.fact(Baseline)
    rules = replace(rules, comparisons=2 * rules.comparisons)
    dark = frozenset(routes.unlogged) if routes else frozenset[str]()
    logged, counted = before.by_log(), before.by_counters()
    by_log, by_counters = ours.logged(since), ours.counted(since)
    judged = {
        "log": judge_sides(by_log, _by_target(theirs.logged(since)), logged, rules, dark=dark),
        # Of single hosts the counters count our own probes too: that they are asked less says nothing.
        "metrics": judge_sides(
            _as_bursty(by_counters, by_log), _by_target(theirs.counted(since)), counted, rules, dark=ANY
        ),
    }
    numbers = dict(_numbers(judged))
    found = _together(judged)
    holes = ours.holes(since, rules.margin)
    unseen = (f"no witness sees {brief(sorted(names))}",) if (names := _unseen(ours.counts, routes)) else ()
    if holes and found.outcome == "pass":
        return Verdict("marginal", (*_few(holes), *found.reasons, *unseen), numbers)
    return Verdict(found.outcome, (*found.reasons, *_few(holes), *unseen), numbers)


def wave_verdict(tools: Tools, to: SideName, seconds: float) -> Verdict | None:
    """A side after a wave landed, so many seconds ago: for the record, and to open its window at 0 seconds.

    It is compared with what was asked before of the same targets: other names are still elsewhere. None where
    no baseline was taken.
    """
    before = tools.record.learnt(Baseline)
    if before is None:
        return None
    since = tools.clock.utc().timestamp() - seconds
    ours, theirs = tools.followers[to], tools.followers[OTHER[to]]
    new, old, rules = ours.logged(since), theirs.logged(since), JudgeRules()
    judged = judge_sides(new, _by_target(old), before.by_log().of(new.targets), rules)
    holes = ours.holes(since, rules.margin)
    found = judged.verdict
    outcome = "marginal" if holes and found.outcome == "pass" else found.outcome
    return Verdict(outcome, (*_few(holes), *found.reasons), dict(_numbers({"log": judged})))


def _as_bursty(counted: Answered, logged: Answered) -> Answered:
    """Counters do not tell when errors came: that they came in bursts is known by the log."""
    whole = logged.whole.bursts
    targets = {
        name: replace(one, bursts=logged.targets[name].bursts if name in logged.targets else whole)
        for name, one in counted.targets.items()
    }
    return Answered(replace(counted.whole, bursts=whole), targets)


def _by_target(side: Answered) -> Answered:
    """Without the whole: in the middle of a shift, and after it, the sides' clients ask for other hosts."""
    return Answered(NOTHING, side.targets)


def _together(judged: dict[str, Judged]) -> Verdict:
    """The worst that a witness says; one that has nothing to say leaves it to the other."""
    said = {
        name: one.verdict
        for name, one in judged.items()
        if one.verdict.outcome != "nodata" or one.verdict.numbers["targets.silent"]
    }
    if not said:
        return max((one.verdict for one in judged.values()), key=lambda one: one.numbers["new.requests"])
    said = {name: one for name, one in said.items() if not _shorter(one, said.values())}
    outcome = max((one.outcome for one in said.values()), key=BETTER_FIRST.index)
    reasons = (
        f"by the {name}: {'; '.join(one.reasons)}" for name, one in said.items() if one.outcome == outcome
    )
    return Verdict(outcome, tuple(reasons), {})


def _shorter(one: Verdict, witnesses: Iterable[Verdict]) -> bool:
    """Whether it is only in doubt, and another witness that saw no less, neither requests nor errors, is not.

    Our own probes are taken off the counters alone, which may leave these too few to tell. Redirects and
    refusals are told by the log alone.
    """
    return (
        one.outcome == "marginal"
        and "turned" not in one.numbers
        and any(
            other.outcome == "pass"
            and all(other.numbers[key] >= one.numbers[key] for key in ("new.requests", "new.errors"))
            for other in witnesses
        )
    )


def _numbers(judged: dict[str, Judged]) -> Iterator[tuple[str, float]]:
    for name, one in judged.items():
        yield from ((f"{name}.{key}", value) for key, value in one.verdict.numbers.items())
        worse = [target for target in one.targets if target.silent or target.verdict.outcome == "fail"]
        for target in worse[:SHOWN]:
            for key, value in target.verdict.numbers.items():
                yield f"{name}.{target.target}.{key}", value


def _unseen(counts: bool, routes: Routes | None) -> set[str]:
    """Hosts whose access log is off and that have no series of their own."""
    if routes is None:
        return set()
    return {*routes.unlogged} & {*routes.unseen()} if counts else {*routes.unlogged}


def _few(holes: tuple[str, ...], most: int = 3) -> tuple[str, ...]:
    more = len(holes) - most
    return (*holes[:most], *((f"{more} more stretches of logs are missing",) if more > 0 else ()))
