"""One side judged by another, whole and host by host: for a run's soak and for `logs analyze --compare`."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import msgspec

from blueshift.traffic.judge import BETTER_FIRST, NOTHING, JudgeRules, Observed, Outcome, Verdict, judge
from blueshift.traffic.sketch import merge

SILENT = 0.05
"""Of what was to be expected: a target that is asked, or served, less often than that is so no more."""


class Answered(msgspec.Struct, frozen=True):
    """What one side answered in one window."""

    whole: Observed
    targets: Mapping[str, Observed] = {}
    """By host, or by upstream where the log has no host."""

    def of(self, names: Container[str]) -> Answered:
        """Of some targets alone."""
        return answered({name: one for name, one in self.targets.items() if name in names})


def answered(targets: Mapping[str, Observed]) -> Answered:
    """Targets, and all of them together."""
    whole = Observed(
        sum(one.requests for one in targets.values()),
        sum(one.errors for one in targets.values()),
        merge(one.latency for one in targets.values() if one.latency),
        sum(told) if (told := [one.turned for one in targets.values() if one.turned is not None]) else None,
    )
    return Answered(whole, targets)


NOBODY = Answered(NOTHING)


class _Any(frozenset[str]):
    def __contains__(self, name: object) -> bool:
        return True


ANY = _Any()
"""Every target."""


class TargetVerdict(msgspec.Struct, frozen=True):
    """One host, or upstream."""

    target: str
    verdict: Verdict
    silent: bool = False
    """Asked before at a fair rate, and not now; or served, and now redirected or refused."""


class Judged(msgspec.Struct, frozen=True):
    """The whole is no better than a host that fails, and no pass while a busy one is not asked any more."""

    verdict: Verdict
    targets: tuple[TargetVerdict, ...]
    """Every one, the worst first."""


def judge_sides(
    new: Answered,
    old: Answered = NOBODY,
    baseline: Answered = NOBODY,
    rules: JudgeRules | None = None,
    *,
    dark: frozenset[str] = frozenset(),
) -> Judged:
    """Judge whole and targets; the more there are, the more evidence each needs.

    `dark` are targets that the witness does not see any more: their silence says nothing.
    """
    rules = rules or JudgeRules()
    names = sorted(new.targets.keys() | old.targets.keys() | baseline.targets.keys())
    rules = msgspec.structs.replace(rules, comparisons=rules.comparisons * (1 + len(names)))
    found = [
        _target(
            name,
            _judged(name, new, old, baseline, rules),
            () if name in dark else tuple(_expected(name, new, side) for side in (old, baseline)),
            new.targets.get(name, NOTHING),
            rules,
        )
        for name in names
    ]
    found.sort(key=_worst_first)
    return Judged(_with_targets(judge(new.whole, old.whole, baseline.whole, rules), found), tuple(found))


def _worst_first(one: TargetVerdict) -> tuple[float, ...]:
    verdict = one.verdict
    return -BETTER_FIRST.index(verdict.outcome), not one.silent, -verdict.numbers["new.errors"]


def _judged(name: str, new: Answered, old: Answered, baseline: Answered, rules: JudgeRules) -> Verdict:
    ours, theirs, before = (side.targets.get(name, NOTHING) for side in (new, old, baseline))
    return judge(ours, theirs, before, rules)


class _Expected(NamedTuple):
    asked: float = 0.0
    served: float = 0.0


def _target(
    name: str, verdict: Verdict, expected: Sequence[_Expected], came: Observed, rules: JudgeRules
) -> TargetVerdict:
    asked = max((one.asked for one in expected), default=0.0)
    served = max((one.served for one in expected), default=0.0)
    if verdict.outcome == "fail":
        return TargetVerdict(name, verdict)
    if asked >= rules.least and came.requests < SILENT * asked:
        reason = f"only {came.requests} requests came, about {asked:.0f} were to be expected"
    elif served >= rules.least and came.served is not None and came.served < SILENT * served:
        # By number and not by share: scanners add refusals, and take no served request away.
        reason = (
            f"{came.turned} of {came.requests} answers are redirects or refusals, about {served:.0f} others "
            "were to be expected"
        )
    else:
        return TargetVerdict(name, verdict)
    return TargetVerdict(name, Verdict("nodata", (reason,), verdict.numbers), silent=True)


def _expected(name: str, new: Answered, seen: Answered) -> _Expected:
    """What comes to a target by its share of what the reference had, and no more than it had there."""
    if name not in seen.targets or not seen.whole.requests:
        return _Expected()
    one, scale = seen.targets[name], min(1.0, new.whole.requests / seen.whole.requests)
    return _Expected(one.requests * scale, (one.served or 0) * scale)


def _with_targets(whole: Verdict, found: Sequence[TargetVerdict]) -> Verdict:
    failing = [one for one in found if one.verdict.outcome == "fail"]
    silent = [one for one in found if one.silent]
    numbers = whole.numbers | {
        "targets": float(len(found)),
        "targets.failing": float(len(failing)),
        "targets.silent": float(len(silent)),
    }
    worse: tuple[tuple[Outcome, list[TargetVerdict], str], ...] = (
        ("fail", failing, "fails"),
        ("nodata", silent, "is asked or served too seldom now"),
    )
    for outcome, targets, what in worse:
        if targets and BETTER_FIRST.index(outcome) >= BETTER_FIRST.index(whole.outcome):
            more = f", and {len(targets) - 1} more" if len(targets) > 1 else ""
            reason = f"{targets[0].target} {what}{more}: {'; '.join(targets[0].verdict.reasons)}"
            same = whole.reasons if outcome == whole.outcome else ()
            return Verdict(outcome, (*same, reason), numbers)
    return Verdict(whole.outcome, whole.reasons, numbers)
