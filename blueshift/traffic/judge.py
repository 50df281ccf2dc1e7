"""The verdict on a side that took traffic: against the other side in the same window, and the baseline.

A `fail` needs both: a difference that matters (`margin`, `slower`), and so many requests that sides which are
alike would hardly ever show it. Small samples are told as small. No data is never a pass.
The reasons for each rule are in docs/decisions/0018-verdict.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

from blueshift.traffic.sketch import Sketch

Outcome = Literal["pass", "marginal", "fail", "nodata"]

BETTER_FIRST: tuple[Outcome, ...] = ("pass", "marginal", "nodata", "fail")


def is_error(status: int) -> bool:
    """Whether an answer is an error of the side that gave it: 500 and more, and what is no status, as where a
    backend sent no valid header (nginx logs `009`). 0 is unknown."""
    return status >= 500 or 0 < status < 100


class Observed(msgspec.Struct, frozen=True):
    """What one side did in one window."""

    requests: int
    errors: int
    """Answers that are errors (`is_error`)."""
    latency: Sketch | None = None
    """Seconds; None where nobody measured it."""
    turned: int | None = None
    """Answers that turn a client away: redirects, and refusals of 400 and more that are no errors. None where
    nobody told them apart."""
    bursts: float = 1.0
    """How many times as much the errors vary from stretch to stretch as chance explains (`bursts.Bursts`)."""

    @property
    def served(self) -> int | None:
        """Answers that gave a client what it asked for, or failed."""
        return None if self.turned is None else self.requests - self.turned


NOTHING = Observed(0, 0)


class JudgeRules(msgspec.Struct, frozen=True):
    """What is still as good."""

    least: int = 100
    """Requests below which a side says nothing."""
    margin: float = 0.002
    """Share of errors that a side may have beyond what it is compared with."""
    turned: float = 0.25
    """Share of redirects and refusals that the whole may have beyond what it is compared with. Wide: scanners
    ask for what known hosts do not have, and come and go."""
    quantile: float = 0.95
    slower: float = 1.5
    """Times the latency of what it is compared with, and"""
    slack: float = 0.05
    """seconds on top: a few milliseconds doubled harm nobody."""
    z: float = 1.96
    """Standard deviations of the intervals: 1.96 for 95 %."""
    false_alarms: float = 0.005
    """Chance at most that sides which are alike fail, over all that is compared."""
    comparisons: int = 1
    """Among so many that chance is shared (Bonferroni)."""

    @property
    def bar(self) -> float:
        """Nats of evidence that a `fail` needs."""
        return math.log(self.comparisons / self.false_alarms)


class Verdict(msgspec.Struct, frozen=True):
    """The outcome with the numbers behind it."""

    outcome: Outcome
    reasons: tuple[str, ...]
    numbers: dict[str, float]


_DOUBT = {
    False: "too few requests to tell whether it is within that",
    True: "more than that, but in so few requests chance explains it",
}
"""Why it is neither a pass nor a fail, by whether what was seen is beyond what is allowed."""


class _Finding(NamedTuple):
    outcome: Outcome
    said: str


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share (E. B. Wilson, 1927): right for few trials and for no hit at all."""
    if not total:
        return 0.0, 1.0
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def surprise(hits: int, total: int, share: float) -> float:
    """Nats: with that share or less, so many hits or more have a chance of at most exp(-nats).

    The bound of Chernoff, W. Hoeffding (1963), theorem 1: it holds for few hits too, where intervals of the
    normal distribution raise false alarms.
    """
    if not total or hits / total <= share:
        return 0.0
    if share <= 0:
        return math.inf
    seen = hits / total
    rest = (1 - seen) * math.log((1 - seen) / (1 - share)) if seen < 1 else 0.0
    return total * (seen * math.log(seen / share) + rest)


def evidence(hits: int, total: int, other_hits: int, other_total: int) -> float:
    """Nats: were both shares alike, so many of all hits on this side have a chance of at most exp(-nats).

    Of the hits of both sides each is on this one by its share of the requests (Fisher's exact test); drawn
    without replacement, which spreads less than the bound allows for (Hoeffding, section 6).
    """
    if not total:
        return 0.0
    return surprise(hits, hits + other_hits, total / (total + other_total))


def judge(new: Observed, old: Observed, baseline: Observed, rules: JudgeRules | None = None) -> Verdict:
    """Compare the new side with the old one in the same window, and with the baseline.

    A `fail` may rest on fewer than `least` requests, where these are bad enough; a `pass` never does.
    """
    rules = rules or JudgeRules()
    numbers = {"new.requests": float(new.requests), "new.errors": float(new.errors)}
    references = [(name, seen) for name, seen in (("old", old), ("baseline", baseline)) if seen.requests]
    findings: list[_Finding] = []
    whole = False
    for name, seen in references if new.requests else ():
        found = [
            _errors(new, seen, name, rules, numbers),
            *_latency(new, seen, name, rules, numbers),
            *_turned(new, seen, name, rules, numbers),
        ]
        enough = min(new.requests, seen.requests) >= rules.least
        whole = whole or enough
        findings += [one for one in found if enough or one.outcome == "fail"]
    outcome = max((one.outcome for one in findings), key=BETTER_FIRST.index, default=None)
    if outcome != "fail" and new.requests < rules.least:
        reason = f"only {new.requests} requests came, {rules.least} are needed to say anything"
        return Verdict("nodata", (reason,), numbers)
    if outcome is None or (outcome != "fail" and not whole):
        reason = f"neither the old side nor the baseline has the {rules.least} requests that are needed"
        return Verdict("nodata", (reason,), numbers)
    return Verdict(outcome, tuple(one.said for one in findings if one.outcome == outcome), numbers)


def _errors(
    new: Observed, seen: Observed, name: str, rules: JudgeRules, numbers: dict[str, float]
) -> _Finding:
    low, high = wilson(new.errors, new.requests, rules.z)
    share, before = new.errors / new.requests, seen.errors / seen.requests
    # Of errors in bursts each burst is one event: there is as much less evidence (quasi-likelihood).
    nats = evidence(new.errors, new.requests, seen.errors, seen.requests) / new.bursts
    numbers |= {"new.errors.low": low, "new.errors.high": high, f"{name}.errors.share": before}
    allowed = before + rules.margin
    seen_as = f"{new.errors} of {new.requests} failed (95 % interval {low:.2%} to {high:.2%})"
    said = f"{seen_as}, {name} {before:.2%}, allowed {allowed:.2%}"
    if share > allowed and nats >= rules.bar:
        return _Finding("fail", said)
    if high <= allowed:
        return _Finding("pass", said)
    return _Finding("marginal", f"{said}: {_DOUBT[share > allowed]}")


def _turned(
    new: Observed, seen: Observed, name: str, rules: JudgeRules, numbers: dict[str, float]
) -> Iterator[_Finding]:
    """A doubt and never a fail: who asks decides on refusals too."""
    if new.turned is None or seen.turned is None:
        return
    share, before = new.turned / new.requests, seen.turned / seen.requests
    numbers |= {"new.turned.share": share, f"{name}.turned.share": before}
    if share > before + rules.turned and (
        evidence(new.turned, new.requests, seen.turned, seen.requests) >= rules.bar
    ):
        numbers["turned"] = 1.0
        yield _Finding(
            "marginal",
            f"{share:.1%} of the answers are redirects or refusals, {name} {before:.1%}, "
            f"allowed {before + rules.turned:.1%}",
        )


def _latency(
    new: Observed, seen: Observed, name: str, rules: JudgeRules, numbers: dict[str, float]
) -> Iterator[_Finding]:
    """A `fail` counts who waited longer than is allowed as errors are counted: more than chance explains, and
    more than the reference itself had."""
    if new.latency is None or seen.latency is None:
        return
    count, other = new.latency.count, seen.latency.count
    if min(count, other) < rules.least:
        return
    ours = new.latency.interval(rules.quantile, rules.z)
    mine, reference = new.latency.quantile(rules.quantile), seen.latency.quantile(rules.quantile)
    assert ours is not None
    assert mine is not None
    assert reference is not None
    allowed = reference * rules.slower + rules.slack
    numbers |= {"new.latency": mine, f"{name}.latency": reference}
    said = f"p{rules.quantile * 100:g} {mine:.3f} s, {name} {reference:.3f} s, allowed {allowed:.3f} s"
    slow = new.latency.above(allowed)
    nats = min(
        surprise(slow, count, 1 - rules.quantile),
        evidence(slow, count, seen.latency.above(allowed), other),
    )
    if nats >= rules.bar:
        yield _Finding("fail", said)
    elif ours[1] <= allowed:
        yield _Finding("pass", said)
    else:
        yield _Finding("marginal", f"{said}: {_DOUBT[mine > allowed]}")
