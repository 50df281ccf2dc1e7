"""The instant is the API server's, and a clock that was put right needs no correction any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from blueshift.clock import SystemClock


def off(clock: SystemClock) -> float:
    return (clock.utc() - datetime.now(UTC)).total_seconds()


def test_a_server_whose_date_differs_is_believed() -> None:
    clock = SystemClock()
    clock.learn(datetime.now(UTC) + timedelta(minutes=1))
    assert 59 < off(clock) < 61


def test_a_difference_below_two_seconds_is_the_date_headers_own() -> None:
    clock = SystemClock()
    clock.learn(datetime.now(UTC) + timedelta(seconds=1))
    assert abs(off(clock)) < 0.5


def test_a_correction_ends_when_the_clock_is_right() -> None:
    clock = SystemClock()
    clock.learn(datetime.now(UTC) + timedelta(minutes=1))
    clock.learn(datetime.now(UTC))
    assert abs(off(clock)) < 0.5
