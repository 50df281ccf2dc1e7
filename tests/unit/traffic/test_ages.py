"""How many requests are how old: never too few, and lately exact."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from blueshift.traffic.ages import _MOST, Ages


def of(instants: list[float]) -> Ages:
    made = Ages()
    for at in instants:
        made.add(at)
    return made


def test_what_came_lately_is_known_to_the_second_and_all_is_counted() -> None:
    ages = of([float(second) for second in range(1000) for _ in range(3)])
    assert ages.since(0) == 3000
    assert ages.since(1000) == 0
    for age in range(1, 8):
        assert ages.since(1000 - age) == 3 * age


def test_how_finely_an_age_is_known_goes_with_the_age() -> None:
    ages = of([float(second) for second in range(36_000)])
    for age in (30, 100, 600, 3_000, 12_000):
        assert age <= ages.since(36_000 - age) <= 1.35 * age


def test_logs_that_are_read_one_after_another_count_by_their_instants() -> None:
    ages = of([float(second) for _pod in range(3) for second in range(600)])
    assert ages.since(590) == 30
    assert 180 <= ages.since(540) <= 1.35 * 180


def test_who_comes_again_and_again_does_not_grow() -> None:
    ages = of([float(second) for second in range(10_000)])
    assert len(ages._ends) == len(ages._counts) <= _MOST


def test_long_silences_keep_it_bounded_too() -> None:
    ages = of([1.3**number for number in range(200)])
    assert len(ages._ends) <= _MOST


@given(st.lists(st.floats(0, 5000), max_size=300), st.floats(0, 5000))
def test_never_fewer_than_came(instants: list[float], at: float) -> None:
    ages = of(instants)
    assert sum(one >= at for one in instants) <= ages.since(at) <= len(instants)
