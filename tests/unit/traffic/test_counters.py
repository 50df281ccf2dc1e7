from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from blueshift.traffic.counters import SHARE, WHOLE, Counters, thinned
from blueshift.traffic.metrics import Sample, Series, Window


def series(host: str = "a.org", status: int = 200, pod: str = "p1") -> Series:
    return Series(pod, host, "shop", "web", "web", status)


def sample(at: float, counts: dict[Series, float], *, pod: str = "p1", started: float = 1.0) -> Sample:
    return Sample(pod=pod, at=at, counters=counts, handled=sum(counts.values()), started=started)


def window(samples: Iterable[Sample], since: float, until: float) -> Window:
    counters = Counters()
    counters.add(samples)
    return counters.window(since, until)


def test_looks_without_counters_are_none() -> None:
    off = Sample("p1", 15.0, {}, counting=False)
    looks = [sample(10, {series(): 5}), off, sample(20, {series(): 6})]
    counted = window(looks, 10, 20)
    assert (counted.total(), counted.covered, counted.uncounted) == (1, {"p1": (10, 20)}, frozenset())
    assert window([looks[0], off], 10, 20).uncounted == {"p1"}


@given(st.lists(st.integers(0, 20), min_size=2, max_size=12), st.sets(st.integers(1, 10)))
def test_a_window_counts_every_request_once_also_over_restarts(steps: list[int], restarts: set[int]) -> None:
    total, started, samples = 0, 0.25, []
    for at, step in enumerate(steps):
        if at in restarts:
            total, started = 0, at - 0.5
        total += step
        samples.append(sample(float(at), {series(): total}, started=started))
    counted = window(samples, 0.0, float(len(steps)))
    assert counted.total() == sum(steps[1:])
    assert len(counted.gaps) == len([at for at in restarts if at < len(steps)])


def test_a_window_begins_and_ends_with_the_samples_around_it() -> None:
    samples = [sample(float(at), {series(): float(at)}) for at in (0, 10, 20, 30, 40)]
    counted = window(samples, 15, 25)
    assert (counted.total(), counted.covered) == (20, {"p1": (10, 30)})
    assert window(samples, 10, 30).total() == 20


def test_a_pod_that_was_born_inside_counts_from_zero() -> None:
    counted = window([sample(20.0, {series(): 7.0}, started=12.0)], 10, 20)
    assert (counted.total(), counted.covered, counted.gaps) == (7, {"p1": (12.0, 20.0)}, ())


def test_a_window_knows_the_look_that_last_saw_more() -> None:
    looks = [sample(at, {series(): count}) for at, count in ((0, 1), (10, 4), (20, 6), (30, 6), (40, 6))]
    other = [sample(at, {series(pod="p2"): 1.0}, pod="p2") for at in (0, 40)]
    assert window([*looks, *other], 5, 40).risen == 20
    assert window(looks, 5, 15).risen == 20
    assert (window(looks, 20, 40).risen, window(looks, 20, 40).total()) == (0, 0)
    born = [sample(at, {series(): 7.0}, started=12.0) for at in (15, 20)]
    assert window(born, 10, 20).risen == 15


@given(st.lists(st.integers(0, 2), min_size=2, max_size=12), st.integers(0, 12))
def test_what_a_window_counts_was_last_seen_to_rise_after_its_beginning(steps: list[int], since: int) -> None:
    totals = [sum(steps[: at + 1]) for at in range(len(steps))]
    counted = window([sample(float(at), {series(): total}) for at, total in enumerate(totals)], since, 99)
    assert counted.risen > since if counted.total() else counted.risen == 0


def test_one_look_at_an_old_pod_covers_nothing() -> None:
    counted = window([sample(20.0, {series(): 7.0}, started=1.0)], 10, 30)
    assert (counted.total(), counted.covered) == (0, {})


def test_sums_over_pods_hosts_and_errors() -> None:
    samples = [
        sample(0, {}),
        sample(9, {series(): 3.0, series(status=503): 2.0}),
        sample(0, {}, pod="p2"),
        sample(9, {series("b.org", pod="p2"): 4.0}, pod="p2"),
    ]
    counted = window(samples, 0, 9)
    assert counted.by_host() == {"a.org": 5, "b.org": 4}
    assert (counted.errors(), counted.total()) == (2, 9)


def test_a_sample_that_comes_late_changes_nothing() -> None:
    looks = [sample(0, {}), sample(20, {series(): 7}), sample(10, {series(): 3}), sample(30, {series(): 9})]
    assert window(looks, 0, 30).total() == 9


def hours(pods: int, hours: int) -> Counters:
    """Pods that count one request in each look, and begin again at each full hour."""
    counters, total, started = Counters(), 0.0, 0.5
    for at in range(5, hours * 3600 + 5, 5):
        total, started = (1.0, float(at)) if at % 3600 == 0 else (total + 1, started)
        counters.add(
            sample(float(at), {series(pod=f"p{pod}"): total}, pod=f"p{pod}", started=started)
            for pod in range(pods)
        )
    return counters


def test_old_stretches_are_thinned_and_their_sums_stay_exact() -> None:
    counters = hours(pods=1, hours=5)
    counted = counters.window(counters.first, counters.last)
    assert counted.total() == 5 * 720 - 1
    assert len(counted.gaps) == 5
    assert counters.window(counters.last - WHOLE, counters.last).total() == WHOLE / 5
    for age in (1800, 3600, 3 * 3600):
        since = counters.last - age
        (begin, _), total = counters.window(since, counters.last).covered["p0"], age / 5
        assert since - age * SHARE - 10 <= begin <= since
        assert total <= counters.window(since, counters.last).total() <= total * (1 + 2 * SHARE) + 2


def test_forty_pods_are_covered_as_long_as_one() -> None:
    counters = hours(pods=40, hours=1)
    covered = counters.window(counters.last - 600, counters.last).covered
    assert set(covered.values()) == {(counters.last - 600, counters.last)}
    assert len(covered) == 40


@given(st.lists(st.floats(0.1, 400), min_size=0, max_size=300), st.floats(0, 10_000))
def test_thinned_keeps_the_ends_and_all_that_is_recent(steps: list[float], later: float) -> None:
    looks, at = [], 0.0
    for step in steps:
        at += step
        looks.append(sample(at, {}))
    kept = thinned(looks, at + later)
    assert (kept[:1], kept[-1:]) == (looks[:1], looks[-1:])
    assert [look for look in looks if look.at >= at + later - WHOLE] == [
        look for look in kept if look.at >= at + later - WHOLE
    ]
    assert kept == [look for look in looks if look in kept]


def test_days_need_little_more_than_hours() -> None:
    looks: list[Sample] = []
    for at in range(0, 3 * 86400, 60):
        looks.append(sample(float(at), {}))
        looks = thinned(looks, float(at))
    assert len(looks) < 900
