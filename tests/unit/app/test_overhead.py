"""The figures of the process itself are of this process and this stretch of time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from blueshift.app.overhead import Meter, cpu_seconds
from tests.fakes import ManualClock

PEAK = "from blueshift.app.overhead import peak_rss_mb; {}; print(peak_rss_mb())"


def work(seconds: float) -> None:
    """Keep the processor busy."""
    until = os.times().user + seconds
    while os.times().user < until:
        sum(range(1000))


def test_only_what_was_taken_since_counts() -> None:
    work(0.1)
    clock = ManualClock()
    meter, before = Meter(clock), cpu_seconds()
    work(0.2)
    taken = cpu_seconds() - before
    clock.advance(2.0)
    own = meter.read(100)
    assert own.cpu_s == pytest.approx(taken, abs=0.05)
    assert own.cpu_s >= 0.15
    assert own.cpu_share == pytest.approx(own.cpu_s / 2.0, abs=0.002)
    assert own.cpu_ms_per_request == pytest.approx(own.cpu_s * 10, abs=0.02)


def test_no_request_is_no_division_by_nothing() -> None:
    assert Meter(ManualClock()).read(0).cpu_ms_per_request >= 0


def test_the_most_memory_is_told_also_when_it_is_free_again() -> None:
    def peak(first: str) -> float:
        return float(subprocess.check_output([sys.executable, "-c", PEAK.format(first)]))

    few, many = peak("pass"), peak("x = b'x' * (150 << 20); del x")
    assert 5 < few < 150
    assert many - few == pytest.approx(150, abs=20)
