"""Windows: which is open, which comes next, over changes of the clock, and what is no window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blueshift.playbook.window import WindowSettings, opening


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NIGHT = WindowSettings("0 2 * * 2", 7200.0, "Europe/Berlin", 1800.0)


@pytest.mark.parametrize(
    ("now", "open_now", "opens"),
    [
        ("2026-11-24T00:59:59", False, "2026-11-24T01:00"),  # Tuesday, 02:00 in Berlin is 01:00 UTC in winter
        ("2026-11-24T01:00:00", True, "2026-11-24T01:00"),
        ("2026-11-24T02:29:59", True, "2026-11-24T01:00"),
        ("2026-11-24T02:30:00", False, "2026-12-01T01:00"),  # its last half hour begins nothing
        ("2026-06-30T00:10:00", True, "2026-06-30T00:00"),  # and 00:00 UTC in summer
    ],
)
def test_the_window_of_a_weekday_in_a_zone(now: str, open_now: bool, opens: str) -> None:
    found = opening(NIGHT, at(now))
    assert found is not None
    assert (found.is_open(at(now)), found.opens) == (open_now, at(opens))


def test_an_hour_that_a_change_of_the_clock_leaves_out_still_has_its_window() -> None:
    # In Berlin 02:30 does not exist on 29 March 2026.
    window = WindowSettings("30 2 * * *", 3600.0, "Europe/Berlin")
    found = opening(window, at("2026-03-28T12:00:00"))
    assert found is not None
    assert at("2026-03-29T00:00") <= found.opens <= at("2026-03-29T02:00")


def test_windows_that_overlap_are_always_open() -> None:
    window = WindowSettings("*/10 * * * *", 3600.0)
    now = at("2026-11-24T00:00:00")
    for minute in range(0, 1440, 7):
        found = opening(window, now + timedelta(minutes=minute))
        assert found is not None
        assert found.is_open(now + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cron": "at night", "lasts": 60.0}, "five fields"),
        ({"cron": "0 2 * * 2", "lasts": 60.0, "zone": "Europe/Atlantis"}, "tz database"),
        ({"cron": "0 2 * * 2", "lasts": 0.0}, "longer than nothing"),
        ({"cron": "0 2 * * 2", "lasts": 60.0, "last_start": 60.0}, "shorter than the window"),
    ],
)
def test_what_is_no_window_is_refused_when_it_is_read(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WindowSettings(**settings)  # type: ignore[arg-type]
