import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.traffic.judge import JudgeRules, Observed, is_error, judge, wilson
from blueshift.traffic.sketch import Sketch

NOTHING = Observed(0, 0)


def at(seconds: float, count: int = 10_000) -> Sketch:
    sketch = Sketch()
    sketch.add(seconds, count)
    return sketch


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("new", "old", "baseline", "outcome"),
    [
        (Observed(10_000, 0), Observed(10_000, 0), Observed(10_000, 0), "pass"),
        (Observed(10_000, 100), Observed(10_000, 100), NOTHING, "marginal"),
        (Observed(1_000_000, 10_000), Observed(1_000_000, 10_000), NOTHING, "pass"),
        (Observed(10_000, 100), Observed(10_000, 0), NOTHING, "fail"),
        (Observed(10_000, 100), NOTHING, Observed(10_000, 0), "fail"),
        # As bad as the other side now, but worse than before the run: it is not excused.
        (Observed(100_000, 5_000), Observed(100_000, 5_000), Observed(100_000, 0), "fail"),
        (Observed(200, 0), Observed(10_000, 0), NOTHING, "marginal"),
        (Observed(10_000, 15), Observed(10_000, 0), NOTHING, "marginal"),
        (Observed(99, 0), Observed(10_000, 0), Observed(10_000, 0), "nodata"),
        (Observed(0, 0), NOTHING, NOTHING, "nodata"),
        (Observed(10_000, 0), NOTHING, Observed(99, 0), "nodata"),
    ],
)
def test_errors(new: Observed, old: Observed, baseline: Observed, outcome: str) -> None:
    found = judge(new, old, baseline)
    assert found.outcome == outcome
    assert found.reasons


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (Observed(10_000, 0), "baseline 0.10%, allowed 0.30%"),
        (Observed(10_000, 100), "baseline 0.10%, allowed 0.30%"),
        (Observed(200, 0), "allowed 0.30%: too few requests to tell whether it is within that"),
        (Observed(1000, 4), "allowed 0.30%: more than that, but in so few requests chance explains it"),
        (Observed(50, 0), "only 50 requests came, 100 are needed"),
    ],
)
def test_what_was_measured_stands_beside_what_is_allowed(new: Observed, told: str) -> None:
    (reason,) = judge(new, NOTHING, Observed(10_000, 10)).reasons
    assert told in reason


@pytest.mark.parametrize(("seconds", "outcome"), [(0.1, "pass"), (0.19, "pass"), (0.3, "fail")])
def test_latency(seconds: float, outcome: str) -> None:
    new, old = Observed(10_000, 0, at(seconds)), Observed(10_000, 0, at(0.1))
    found = judge(new, old, NOTHING)
    assert found.outcome == outcome
    assert found.numbers["old.latency"] == pytest.approx(0.1, rel=0.01)


def test_an_answer_without_a_status_is_an_error_and_an_unknown_one_is_none() -> None:
    assert [status for status in (0, 9, 101, 200, 304, 404, 499, 500, 504) if is_error(status)] == [
        9,
        500,
        504,
    ]


@pytest.mark.parametrize(
    ("turned", "before", "outcome"),
    [(500, 500, "pass"), (2_900, 500, "pass"), (3_300, 500, "marginal"), (10_000, 0, "marginal")],
)
def test_redirects_and_refusals_that_were_none_before_are_a_doubt(
    turned: int, before: int, outcome: str
) -> None:
    found = judge(Observed(10_000, 0, turned=turned), Observed(10_000, 0, turned=before), NOTHING)
    assert found.outcome == outcome
    assert ("turned" in found.numbers) == (outcome != "pass")


def test_latency_of_a_mixture_may_be_undecided() -> None:
    mixed = at(0.1, 950)
    mixed.add(1.0, 52)
    found = judge(Observed(10_000, 0, mixed), Observed(10_000, 0, at(0.1)), NOTHING)
    assert found.outcome == "marginal"
    assert found.reasons[0].endswith("more than that, but in so few requests chance explains it")


@pytest.mark.parametrize("latency", [None, at(9.0, 10)])
def test_latency_that_nobody_measured_decides_nothing(latency: Sketch | None) -> None:
    assert judge(Observed(10_000, 0, latency), Observed(10_000, 0, at(0.1)), NOTHING).outcome == "pass"


def test_the_reasons_are_those_of_the_outcome() -> None:
    found = judge(Observed(10_000, 500), Observed(10_000, 500), Observed(10_000, 0))
    assert found.outcome == "fail"
    assert all("baseline" in reason for reason in found.reasons)


OBSERVED = st.integers(0, 5000).flatmap(lambda n: st.builds(Observed, st.just(n), st.integers(0, n)))


@given(OBSERVED, OBSERVED, OBSERVED)
def test_a_pass_always_rests_on_data(new: Observed, old: Observed, baseline: Observed) -> None:
    found = judge(new, old, baseline, JudgeRules(margin=0.05))
    if found.outcome == "pass":
        assert new.requests >= 100
        assert max(old.requests, baseline.requests) >= 100
        compared = [seen for seen in (old, baseline) if seen.requests >= 100]
        assert all(new.errors / new.requests <= seen.errors / seen.requests + 0.05 for seen in compared)
