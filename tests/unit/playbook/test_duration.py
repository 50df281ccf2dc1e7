"""Lengths of time."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.playbook.duration import format_seconds, parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("2d", 172800.0),
        ("1d1h1m1s1ms", 90061.001),
        ("1.5h", 5400.0),
        ("250ms", 0.25),
        (" 5m ", 300.0),
    ],
)
def test_forms(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "m",
        "5x",
        "5 m",
        "30m1h",
        "5m5m",
        "-5s",
        "+5",
        "1e3",
        "1,5s",
        "5M",
        "inf",
        "nan",
        "٣s",
        "5m\n6",
    ],
)
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="expected a length of time"):
        parse_seconds(text)


def test_more_than_ten_years_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="ten years"):
        parse_seconds("4000d")


@given(st.integers(min_value=0, max_value=10 * 365 * 86_400_000))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_seconds(format_seconds(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@given(st.text(max_size=60))
def test_any_text_is_a_length_or_an_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_seconds(text) >= 0


def test_shortest_form() -> None:
    assert [format_seconds(s) for s in (0, 0.25, 90, 5400, 86400)] == ["0s", "250ms", "1m30s", "1h30m", "1d"]
