"""Waves: a canary, then cumulative shares, every name exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.steps.shift import ShiftSettings, cut


@pytest.mark.parametrize(
    ("names", "ends"), [(40, [1, 4, 40]), (1, [1]), (2, [1, 2]), (15, [1, 2, 15]), (2500, [1, 250, 2500])]
)
def test_the_default_is_one_then_a_tenth_then_the_rest(names: int, ends: list[int]) -> None:
    assert [wave.end for wave in cut(names, ShiftSettings(to="temporary"))] == ends


@given(
    st.integers(1, 3000),
    st.integers(1, 50),
    st.sets(st.floats(0.01, 99, allow_nan=False), max_size=6).map(lambda some: (*sorted(some), 100.0)),
)
def test_every_name_is_in_exactly_one_wave(names: int, canary: int, shares: tuple[float, ...]) -> None:
    waves = cut(names, ShiftSettings(to="primary", canary=canary, waves=shares))
    covered = [number for wave in waves for number in range(wave.first, wave.end)]
    assert covered == list(range(names))
    assert [wave.last for wave in waves] == [False] * (len(waves) - 1) + [True]


@pytest.mark.parametrize("waves", [(), (10.0, 50.0), (50.0, 20.0, 100.0), (-5.0, 100.0), (10.0, 500.0)])
def test_shares_that_mean_something_else_than_they_say_are_refused(waves: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rising shares"):
        ShiftSettings(to="temporary", waves=waves)
    with pytest.raises(ValueError, match="number of names"):
        ShiftSettings(to="temporary", canary=-1)
