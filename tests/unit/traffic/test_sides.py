"""How often the verdict is wrong: sides drawn by lot, with fixed seeds."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from blueshift.traffic import bursts
from blueshift.traffic.bursts import Bursts
from blueshift.traffic.judge import NOTHING, JudgeRules, Observed, Outcome, evidence, judge, surprise
from blueshift.traffic.sides import Answered, judge_sides
from blueshift.traffic.sketch import Sketch

RATE, SECONDS = 200.0, 300.0
LOOKS = 60
"""A look each five seconds: each may raise a false alarm."""


def drawn(lot: random.Random, count: int, share: float) -> int:
    """Hits of `count` trials: from one to the next hit the misses are geometric."""
    hits, at = 0, 0
    while True:
        at += 1 + int(math.log(1.0 - lot.random()) / math.log1p(-share))
        if at > count:
            return hits
        hits += 1


class Side:
    """Answers of some hosts, which grow from look to look."""

    def __init__(self, lot: random.Random, hosts: int, share: float) -> None:
        self._lot = lot
        self._shares = [share] * hosts
        self._seen = [(0, 0)] * hosts

    def worse(self, host: int, share: float) -> Side:
        self._shares[host] = share
        return self

    def go_on(self, requests: float) -> Answered:
        each = round(requests / len(self._seen))
        self._seen = [
            (count + each, errors + drawn(self._lot, each, share))
            for (count, errors), share in zip(self._seen, self._shares, strict=True)
        ]
        return self.answered

    @property
    def answered(self) -> Answered:
        targets = {f"h{number}": Observed(*seen) for number, seen in enumerate(self._seen)}
        requests, errors = map(sum, zip(*self._seen, strict=True))
        return Answered(Observed(requests, errors), targets)


def soaked(new: Side, baseline: Answered, looks: int = LOOKS) -> tuple[int | None, Outcome]:
    """The look at which it fails (the second in a row that says so), and the last word, as in a soak."""
    rules, bad = JudgeRules(comparisons=2 * looks), 0
    outcome: Outcome = "nodata"
    for look in range(looks):
        seen = new.go_on(RATE * SECONDS / looks)
        outcome = judge_sides(seen, baseline=baseline, rules=rules).verdict.outcome
        bad = bad + 1 if outcome == "fail" else 0
        if bad == 2:
            return look, outcome
    return None, outcome


@pytest.mark.parametrize(
    ("hosts", "share", "looks", "most_marginal"),
    [(1, 0.005, 12, 0.05), (1, 0.0001, 12, 0.0), (50, 0.005, 3, 0.05), (50, 0.05, 2, 0.7)],
)
def test_sides_that_are_alike_hardly_ever_fail(
    hosts: int, share: float, looks: int, most_marginal: float
) -> None:
    lot, found = random.Random(7), Counter[str]()
    for _ in range(1000):
        baseline = Side(lot, hosts, share).go_on(RATE * SECONDS)
        found[soaked(Side(lot, hosts, share), baseline, looks)[1]] += 1
    assert found["fail"] < 10, found
    assert found["nodata"] == 0, found
    assert found["marginal"] <= 1000 * most_marginal, found


def test_what_keeps_alarms_from_being_false_is_needed() -> None:
    """Half of the margin's requests, 95 % and no correction: what a usual test would say at each look."""
    lot, alarms = random.Random(7), 0
    for _ in range(200):
        baseline = Side(lot, 50, 0.005).go_on(RATE * SECONDS)
        new, bad = Side(lot, 50, 0.005), False
        for _look in range(6):
            seen = new.go_on(RATE * SECONDS / 6)
            bad = bad or any(
                evidence(one.errors, one.requests, baseline.targets[name].errors, one.requests)
                >= -math.log(0.05)
                for name, one in seen.targets.items()
            )
        alarms += bad
    assert alarms > 20


@pytest.mark.parametrize("hosts", [1, 50])
def test_a_doubled_share_of_errors_is_found_within_five_minutes(hosts: int) -> None:
    lot = random.Random(8)
    found = [
        soaked(Side(lot, hosts, 0.01), Side(lot, hosts, 0.005).go_on(RATE * SECONDS), LOOKS // 5)
        for _ in range(300)
    ]
    assert sum(look is not None for look, _ in found) > 0.95 * 300


def bursts_of(lot: random.Random, seconds: float, per_second: float, size: float) -> list[float]:
    """Instants of errors that come as applications make them: `size` of them within a second or two."""
    found: list[float] = []
    at = lot.expovariate(per_second / size)
    while at < seconds:
        found += [at + lot.random() * 2 for _ in range(1 + int(lot.expovariate(1 / size)))]
        at += lot.expovariate(per_second / size)
    return sorted(found)


def looked_at(instants: Sequence[float], baseline: Observed, *, told: bool = True) -> int | None:
    """The look each five seconds at which errors at these instants fail the second time in a row."""
    bursts, bad, seen = Bursts(), 0, 0
    for look in range(1, LOOKS + 1):
        for at in instants[seen:]:
            if at > look * 5:
                break
            bursts.add(at)
            seen += 1
        times = bursts.times() if told else 1.0
        new = Observed(round(RATE * look * 5), seen, bursts=times)
        outcome = judge(new, NOTHING, baseline, JudgeRules(comparisons=2 * LOOKS)).outcome
        bad = bad + 1 if outcome == "fail" else 0
        if bad == 2:
            return look
    return None


@pytest.mark.parametrize("size", [1, 10, 50])
def test_errors_that_come_in_bursts_on_both_sides_hardly_ever_fail(size: float) -> None:
    lot = random.Random(11)
    pairs = [[bursts_of(lot, SECONDS, RATE * 0.005, size) for _ in range(2)] for _ in range(1000)]
    sides = [(new, Observed(60_000, len(before))) for new, before in pairs]
    assert sum(looked_at(*side) is not None for side in sides) < 10
    if size > 1:
        assert sum(looked_at(*side, told=False) is not None for side in sides[:100]) > 10, "what it keeps off"


def times_of(instants: Sequence[float]) -> float:
    found = Bursts()
    for at in instants:
        found.add(at)
    return found.times()


def test_errors_that_last_are_no_burst_because_pods_are_read_one_after_the_other() -> None:
    lot = random.Random(13)
    pods = [bursts_of(lot, 3600.0, 1.0, 1) for _ in range(2)]
    in_order = times_of(sorted(at for pod in pods for at in pod))
    assert times_of([at for pod in pods for at in pod]) == in_order
    assert in_order < 3


def test_a_day_of_errors_is_counted_in_few_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    instants = sorted(bursts_of(random.Random(14), 86_400.0, 0.05, 3))
    in_little = times_of(instants)
    monkeypatch.setattr(bursts, "MOST_SLOTS", 10_000)
    assert times_of(instants) == pytest.approx(in_little)
    assert in_little > 1.5


def test_errors_that_double_or_begin_in_the_middle_are_no_burst() -> None:
    lot, before = random.Random(12), Observed(60_000, 300)
    doubled = [looked_at(bursts_of(lot, SECONDS, RATE * 0.01, 1), before) for _ in range(300)]
    assert sum(look is not None for look in doubled) > 0.95 * 300
    for _ in range(100):
        late = looked_at([150 + at for at in bursts_of(lot, 150, RATE * 0.03, 1)], before)
        assert late is not None
        assert late * 5 < 270


def test_one_host_that_fails_is_found_among_fifty() -> None:
    lot = random.Random(9)
    found = []
    for _ in range(100):
        baseline = Side(lot, 50, 0.005).go_on(RATE * SECONDS)
        found.append(soaked(Side(lot, 50, 0.005).worse(31, 0.10), baseline, 12))
    assert sum(look is not None for look, _ in found) > 95


def latencies(lot: random.Random, count: int, median: float) -> Observed:
    sketch = Sketch()
    for _ in range(count):
        sketch.add(lot.lognormvariate(math.log(median), 1.0))
    return Observed(count, 0, sketch)


def test_latencies_that_are_alike_pass_and_tripled_ones_fail() -> None:
    lot, found = random.Random(10), Counter[tuple[float, str]]()
    for median in (0.2, 0.6):
        for _ in range(100):
            new, old = latencies(lot, 2000, median), latencies(lot, 2000, 0.2)
            verdict = judge_sides(
                Answered(new, {"a": new}), Answered(old, {"a": old}), rules=JudgeRules(comparisons=120)
            ).verdict
            found[median, verdict.outcome] += 1
    assert found[0.2, "pass"] == 100
    assert found[0.6, "fail"] > 95


def test_a_host_that_always_fails_needs_few_requests() -> None:
    whole = Observed(10_000, 40)
    new = Answered(whole, {"rare": Observed(40, 40), "busy": Observed(9_960, 0)})
    before = Answered(Observed(10_000, 0), {"rare": Observed(40, 0), "busy": Observed(9_960, 0)})
    found = judge_sides(new, baseline=before)
    assert found.verdict.outcome == "fail"
    assert (found.targets[0].target, found.targets[0].verdict.outcome) == ("rare", "fail")


@pytest.mark.parametrize(
    ("requests", "before", "dark", "outcome"),
    [
        (0, 300, frozenset[str](), "nodata"),
        (10, 300, frozenset[str](), "nodata"),
        (20, 300, frozenset[str](), "pass"),
        (0, 90, frozenset[str](), "pass"),
        (0, 300, frozenset({"quiet"}), "pass"),
    ],
)
def test_a_host_that_is_not_asked_any_more_is_no_pass(
    requests: int, before: int, dark: frozenset[str], outcome: Outcome
) -> None:
    new = Answered(Observed(10_000, 0), {"quiet": Observed(requests, 0)})
    reference = Answered(Observed(10_000, 0), {"quiet": Observed(before, 0)})
    found = judge_sides(new, baseline=reference, dark=dark)
    assert found.verdict.outcome == outcome
    assert found.targets[0].silent == (outcome == "nodata")
    assert outcome == "pass" or "quiet is asked or served too seldom now" in found.verdict.reasons[0]


@pytest.mark.parametrize(
    ("new", "before", "outcome"),
    [
        (Observed(300, 0, turned=300), Observed(300, 0, turned=0), "nodata"),
        (Observed(300, 0, turned=290), Observed(300, 0, turned=0), "nodata"),
        # Scanners come: as many are served as before.
        (Observed(3_000, 0, turned=2_700), Observed(300, 0, turned=0), "pass"),
        (Observed(300, 0, turned=300), Observed(300, 0, turned=250), "pass"),
        (Observed(300, 0, turned=300), Observed(300, 0), "pass"),
        (Observed(300, 0), Observed(300, 0, turned=0), "pass"),
    ],
)
def test_a_host_that_serves_nobody_any_more_is_no_pass(
    new: Observed, before: Observed, outcome: Outcome
) -> None:
    found = judge_sides(
        Answered(Observed(10_000, 0), {"shop": new}), baseline=Answered(Observed(10_000, 0), {"shop": before})
    )
    assert found.verdict.outcome == outcome
    assert outcome == "pass" or "answers are redirects or refusals" in found.verdict.reasons[0]


def test_a_short_window_is_no_silence() -> None:
    before = Answered(Observed(100_000, 0), {"quiet": Observed(300, 0)})
    assert judge_sides(Answered(Observed(10_000, 0)), baseline=before).verdict.outcome == "pass"


@pytest.mark.parametrize(
    ("hits", "total", "share"), [(1, 10, 0.02), (5, 10, 0.2), (10, 10, 0.3), (3, 100, 0.005), (60, 900, 0.04)]
)
def test_the_evidence_is_never_more_than_there_is(hits: int, total: int, share: float) -> None:
    exact = sum(math.comb(total, n) * share**n * (1 - share) ** (total - n) for n in range(hits, total + 1))
    assert math.exp(-surprise(hits, total, share)) >= exact * (1 - 1e-9)
    assert math.exp(-surprise(hits, total, share)) < exact * 30


def test_evidence_of_nothing_is_none() -> None:
    assert evidence(0, 0, 0, 0) == evidence(0, 10, 0, 10) == evidence(1, 10, 9, 10) == 0.0
    assert surprise(1, 10, 0.0) == math.inf
