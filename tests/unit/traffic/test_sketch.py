import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.traffic.sketch import ERROR, Sketch, merge

DURATIONS = st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e5)), min_size=1, max_size=60)


def of(values: list[float]) -> Sketch:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    return sketch


@given(DURATIONS, st.floats(0, 1))
def test_a_quantile_is_right_to_one_percent(values: list[float], q: float) -> None:
    exact = sorted(values)[math.floor(q * (len(values) - 1))]
    found = of(values).quantile(q)
    assert found is not None
    assert abs(found - exact) <= ERROR * exact * 1.0001


@given(DURATIONS, DURATIONS)
def test_merged_is_the_sketch_of_all(left: list[float], right: list[float]) -> None:
    assert merge([of(left), of(right)]) == of(left + right)


def test_an_empty_sketch_says_nothing() -> None:
    assert (Sketch().quantile(0.5), Sketch().interval(0.5, 2), Sketch().count) == (None, None, 0)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_what_is_no_duration_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no duration"):
        Sketch().add(value)


def test_more_values_narrow_the_interval() -> None:
    few, many = of([float(n) for n in range(1, 51)]), of([float(n % 50 + 1) for n in range(5000)])
    around = [sketch.interval(0.5, 1.96) for sketch in (few, many)]
    assert around[0] is not None
    assert around[1] is not None
    assert around[0][0] < around[1][0] < 25.5 < around[1][1] < around[0][1]


def test_it_is_written_and_read() -> None:
    sketch = of([0.0, 0.1, 2.0])
    assert msgspec.json.decode(msgspec.json.encode(sketch), type=Sketch) == sketch


def test_memory_is_bounded_by_the_range() -> None:
    assert len(of([1e-6 * 1.001**n for n in range(23_000)]).buckets) < 1300
