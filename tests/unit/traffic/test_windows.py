"""What access lines come to from several instants on."""

from __future__ import annotations

import pytest

from blueshift.traffic.logs import Line
from blueshift.traffic.sketch import Sketch, packed, unpacked
from blueshift.traffic.windows import MOST_WINDOWS, Windows

NOW = 1000.0


def access(host: str = "a.org", status: int = 200, seconds: float = 0.1, agent: str = "curl") -> Line:
    upstream = "-" if host else ""
    return Line("http", 0.0, "c1", status, upstream, host, "GET", "/", seconds, 1, agent, "", 0, 1)


def test_each_window_has_what_was_written_since_it_began() -> None:
    windows = Windows(NOW, NOW - 100)
    windows.add(access(), NOW - 50)
    later = windows.window(NOW, NOW)
    for at, status in ((NOW - 1, 200), (NOW, 200), (NOW + 1, 502)):
        windows.add(access(status=status), at)
    assert (later.answered().whole.requests, later.answered().whole.errors) == (2, 1)
    assert windows.window(NOW - 100, NOW + 5).answered().whole.requests == 4
    assert windows.window(NOW - 0.5, NOW + 5) is later, "the journal's instant is a moment off"
    assert windows.window(NOW - 60, NOW + 5).opened == NOW + 5
    assert windows.window(NOW - 60, NOW + 9).answered().whole.requests == 0, "it was not open then"


def test_errors_in_a_burst_are_told_from_those_that_last() -> None:
    windows = Windows(NOW, NOW)
    for second in range(300):
        windows.add(access(host="lasts.org", status=502), NOW + second)
    for _ in range(40):
        windows.add(access(host="burst.org", status=502), NOW + 299)
    windows.add(access(host="well.org"), NOW + 299)
    found = windows.window(NOW, NOW).answered()
    times = {name: one.bursts for name, one in found.targets.items()}
    assert times == {"lasts.org": 1.0, "burst.org": 40.0, "well.org": 1.0}
    assert 1.0 < found.whole.bursts < 40.0


def test_probes_and_noise_count_nowhere() -> None:
    windows = Windows(NOW, NOW)
    windows.add(access(agent="blueshift-probe/1"), NOW)
    windows.add(access(host="", status=400), NOW)
    lately = windows.lately(NOW + 1)
    assert lately is not None
    assert (lately.per_second(), windows.window(NOW, NOW).answered().targets) == ({"2xx": 0.0}, {})


def test_the_length_of_a_websocket_is_no_latency() -> None:
    windows = Windows(NOW, NOW)
    for status, seconds in ((200, 0.1), (101, 3600.0), (504, 60.0)):
        windows.add(access(status=status, seconds=seconds), NOW)
    whole = windows.window(NOW, NOW).answered().whole
    assert whole.latency is not None
    assert (whole.requests, whole.latency.count) == (3, 2)
    assert whole.latency.quantile(1.0) == pytest.approx(60.0, rel=0.01)


def test_the_length_of_a_tcp_session_is_no_latency() -> None:
    windows = Windows(NOW, NOW)
    windows.add(access(seconds=300.0)._replace(kind="stream"), NOW)
    whole = windows.window(NOW, NOW).answered().whole
    assert whole.latency is not None
    assert (whole.requests, whole.latency.count) == (1, 0)


def test_what_turns_clients_away_is_told_from_what_serves_them() -> None:
    windows = Windows(NOW, NOW)
    for status in (101, 200, 304, 499, 502, 308, 401, 404):
        windows.add(access(status=status), NOW)
    whole = windows.window(NOW, NOW).answered().whole
    assert (whole.requests, whole.errors, whole.turned, whole.served) == (8, 1, 3, 5)


def test_rates_are_of_the_time_since_the_look_before() -> None:
    windows = Windows(NOW, NOW - 3600)
    windows.add(access(), NOW - 3000)  # read again from before this process
    for status in (200, 200, 204, 499, 502, 9):
        windows.add(access(status=status), NOW + 1)
    lately = windows.lately(NOW + 2)
    assert lately is not None
    assert lately.per_second() == {"2xx": 1.5, "4xx": 0.5, "5xx": 0.5, "none": 0.5}
    assert windows.lately(NOW + 2) is None
    again = windows.lately(NOW + 3)
    assert again is not None
    assert again.per_second() == {"2xx": 0.0}, "nobody asking is told too"


def test_without_a_duration_in_the_format_there_is_no_latency() -> None:
    windows = Windows(NOW, NOW)
    windows.add(access()._replace(seconds=None), NOW)
    assert windows.window(NOW, NOW).answered().whole.latency == Sketch()


def test_windows_that_nobody_asks_for_are_closed() -> None:
    windows = Windows(NOW, NOW)
    kept = windows.window(NOW, NOW)
    for number in range(1, MOST_WINDOWS + 3):
        windows.window(NOW + 10 * number, NOW + 10 * number)
        assert windows.window(NOW, NOW + 10 * number) is kept
    assert windows.window(NOW + 10, NOW + 500).opened == NOW + 500


@pytest.mark.parametrize(("unread", "blind"), [(0, False), (1, False), (3, True)])
def test_more_unread_lines_than_may_fail_make_it_blind(unread: int, blind: bool) -> None:
    windows = Windows(NOW, NOW)
    for _ in range(1000):
        windows.add(access(), NOW)
    for _ in range(unread):
        windows.miss(NOW)
    windows.miss(NOW - 10)
    assert bool(windows.window(NOW, NOW).blind(0.002)) == blind


def test_a_sketch_is_the_same_after_it_was_packed() -> None:
    sketch = Sketch()
    for value in (0.0, 0.01, 0.01, 7.5):
        sketch.add(value)
    assert unpacked(packed(sketch)) == sketch
    assert unpacked(()) == Sketch()
    assert (sketch.above(0.0), sketch.above(0.01), sketch.above(7.0), sketch.above(8.0)) == (3, 1, 1, 0)
