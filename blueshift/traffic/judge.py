"""The verdict on a side that took traffic: against the other side in the same window, and the baseline.

Small samples are told as small: shares come with Wilson's interval, quantiles with that of order statistics.
No data is never a pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import msgspec

from blueshift.traffic.sketch import Sketch

Outcome = Literal["pass", "marginal", "fail", "nodata"]

_WORST: tuple[Outcome, ...] = ("pass", "marginal", "nodata", "fail")


class Observed(msgspec.Struct, frozen=True):
    """What one side did in one window."""

    requests: int
    errors: int
    """Answers of 500 or more, and requests without an answer."""
    latency: Sketch | None = None
    """Seconds; None where nobody measured it."""


class JudgeRules(msgspec.Struct, frozen=True):
    """What is still as good."""

    least: int = 100
    """Requests below which a side says nothing."""
    margin: float = 0.002
    """Share of errors that a side may have beyond what it is compared with."""
    quantile: float = 0.95
    slower: float = 1.5
    """Times the latency of what it is compared with, and"""
    slack: float = 0.05
    """seconds on top: a few milliseconds doubled harm nobody."""
    z: float = 1.96
    """Standard deviations of the intervals: 1.96 for 95 %."""


class Verdict(msgspec.Struct, frozen=True):
    """The outcome with the numbers behind it."""

    outcome: Outcome
    reasons: tuple[str, ...]
    numbers: dict[str, float]


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share (E. B. Wilson, 1927): right for few trials and for no hit at all."""
    if not total:
        return 0.0, 1.0
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def judge(new: Observed, old: Observed, baseline: Observed, rules: JudgeRules | None = None) -> Verdict:
    """Compare the new side with the old one in the same window, and with the baseline."""
    rules = rules or JudgeRules()
    numbers = {"new.requests": float(new.requests), "new.errors": float(new.errors)}
    if new.requests < rules.least:
        reason = f"only {new.requests} requests came, {rules.least} are needed to say anything"
        return Verdict("nodata", (reason,), numbers)
    references = [
        (name, seen) for name, seen in (("old", old), ("baseline", baseline)) if seen.requests >= rules.least
    ]
    if not references:
        return Verdict("nodata", ("neither the old side nor the baseline has enough requests",), numbers)
    findings: list[tuple[Outcome, str]] = []
    for name, seen in references:
        findings.append(_errors(new, seen, name, rules, numbers))
        findings.extend(_latency(new, seen, name, rules, numbers))
    outcome = max((found for found, _ in findings), key=_WORST.index)
    return Verdict(outcome, tuple(reason for found, reason in findings if found == outcome), numbers)


def _errors(
    new: Observed, seen: Observed, name: str, rules: JudgeRules, numbers: dict[str, float]
) -> tuple[Outcome, str]:
    low, high = wilson(new.errors, new.requests, rules.z)
    share = seen.errors / seen.requests
    most = wilson(seen.errors, seen.requests, rules.z)[1]
    numbers |= {"new.errors.low": low, "new.errors.high": high, f"{name}.errors.share": share}
    said = (
        f"{new.errors} of {new.requests} failed (95 % interval {low:.2%} to {high:.2%}), {name} {share:.2%}"
    )
    if low > most + rules.margin:
        return "fail", said
    if high <= share + rules.margin:
        return "pass", said
    return "marginal", said + ": too few requests to tell" if new.errors / new.requests <= share else said


def _latency(
    new: Observed, seen: Observed, name: str, rules: JudgeRules, numbers: dict[str, float]
) -> Iterator[tuple[Outcome, str]]:
    if new.latency is None or seen.latency is None:
        return
    if min(new.latency.count, seen.latency.count) < rules.least:
        return
    ours, theirs = (side.interval(rules.quantile, rules.z) for side in (new.latency, seen.latency))
    mine, reference = new.latency.quantile(rules.quantile), seen.latency.quantile(rules.quantile)
    assert ours is not None
    assert theirs is not None
    assert mine is not None
    assert reference is not None
    allowed = reference * rules.slower + rules.slack
    numbers |= {"new.latency": mine, f"{name}.latency": reference}
    said = f"p{rules.quantile * 100:g} {mine:.3f} s, {name} {reference:.3f} s, allowed {allowed:.3f} s"
    if ours[0] > theirs[1] * rules.slower + rules.slack:
        yield "fail", said
    elif ours[1] <= allowed:
        yield "pass", said
    else:
        yield "marginal", said
