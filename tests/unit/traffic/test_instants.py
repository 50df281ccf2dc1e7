"""The times and durations of access lines."""

from __future__ import annotations

import pytest

from blueshift.traffic.instants import duration, instant


@pytest.mark.parametrize(
    ("local", "iso"),
    [
        ("28/Feb/2028:23:41:48 +0000", "2028-02-28T23:41:48+00:00"),
        ("01/Dec/2026:00:30:00 -0330", "2026-12-01T00:30:00-03:30"),
        ("01/Jan/2027:00:30:00 +0545", "2027-01-01T00:30:00+05:45"),
    ],
)
def test_both_ways_of_writing_a_time_are_one_instant(local: str, iso: str) -> None:
    assert instant(local.encode()) == instant(iso.encode()) > 0


@pytest.mark.parametrize(
    "written", ["31/Feb/2026:00:00:00 +0000", "01/Okt/2026:00:00:00 +0000", "1/2", "a/b"]
)
def test_what_is_no_day_is_no_time(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        instant(written.encode())


@pytest.mark.parametrize("written", [None, b"", b"-", b"12ms", b"1.2.3", b"inf", b"nan", b"9" * 400])
def test_what_is_no_duration_is_unknown_and_not_zero(written: bytes | None) -> None:
    assert duration(written) is None


def test_a_duration_is_seconds_whatever_it_was_counted_in() -> None:
    assert (duration(b"0.012"), duration(b"12", 1e3), duration(b"12000000", 1e9)) == (0.012, 0.012, 0.012)
