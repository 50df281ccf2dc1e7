"""The bench of upgrades: what a ledger comes to, and which lines of a log are of requests."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from blueshift.clock import SystemClock
from blueshift.lab.load import load
from blueshift.lab.sites import sites
from blueshift.traffic.prober.ledger import LedgerWriter, Row, read_ledger
from blueshift.traffic.prober.plan import Plan, check_plan
from tests.bench.upgrade import load as loads
from tests.bench.upgrade.ledger import LONG, Count, counted
from tests.bench.upgrade.load import long_lived, pinned
from tests.bench.upgrade.manual import accessed
from tests.bench.upgrade.sitting import void_by


def row(
    kind: str = "http1", *, end: float = 12.0, phase: str = "", begun: float = 11.0, stale: int = 0
) -> Row:
    return Row(
        id=0,
        kind=kind,
        persona="browser-4",
        host="shop.lab.test",
        path="/",
        expected="echo-a",
        scheduled=11.0,
        begun=begun,
        end=end,
        phase=phase,
        stale_closed=stale,
    )


def test_failures_are_counted_by_kind_and_phase_and_wrong_answers_by_seconds() -> None:
    rows = [
        row(),
        row(stale=2),
        row(phase="connect"),
        row(phase="check", end=12.1),
        row(phase="check", end=12.9),
        row("http2", phase="check", end=14.0),
        row("longpoll", phase="first byte"),
    ]
    count = counted(rows, began=10.0)
    assert (count.requests, count.failed, count.wrong, count.wrong_seconds) == (7, 5, 3, 2)
    assert count.stale_closed == 2
    assert count.by_kind == {
        "http1": {"check": 2, "connect": 1},
        "http2": {"check": 1},
        "longpoll": {"first byte": 1},
    }


def test_a_host_that_was_dropped_is_wrong_by_its_certificate() -> None:
    dropped = msgspec.structs.replace(row(phase="tls"), reason="certificate: self-signed certificate")
    count = counted([dropped, row(phase="tls")], began=10.0)
    assert (count.failed, count.wrong, count.wrong_seconds) == (2, 1, 1)


def test_sessions_of_minutes_are_counted_apart() -> None:
    count = counted([row(LONG), row(LONG, phase="session"), row()], began=10.0)
    assert (count.requests, count.failed, count.long, count.cut_long) == (1, 0, 2, 1)


def test_what_was_never_sent_is_no_request() -> None:
    assert counted([row(phase="unsent", begun=-1.0)], began=0.0) == Count()


def test_a_failure_before_the_tool_was_started_voids_the_run() -> None:
    count = counted([row(phase="connect", end=9.0), row(phase="connect", end=10.5)], began=10.0)
    assert count.before == 1
    assert void_by((), count) == ("1 requests failed before the tool was started",)
    assert void_by(("late",), counted([row()], began=10.0)) == ("late",)


def test_a_ledger_reads_back_to_the_same_count(tmp_path: Path) -> None:
    rows = [row(phase="check"), row(stale=1), row(LONG, phase="session")]
    file = tmp_path / "one.ledger"
    with LedgerWriter(file, "abcd1234", SystemClock().utc()) as ledger:
        for each in rows:
            ledger.add(each)
    assert counted(read_ledger(file), began=0.0) == counted(rows, began=0.0)


def test_access_lines_are_told_from_the_controllers_own_words() -> None:
    logs = (
        'I1129 14:00:00.1 7 controller.go:196] "Backend successfully reloaded"\n'
        '198.18.0.9 - - [29/Nov/2026:14:00:01 +0000] "GET /cart/3 HTTP/2.0" 200 187 "-" "x" 1 0.00 [a-80]\n'
        'W1129 14:00:02.1 7 controller.go:1] Error getting SSL certificate "a/b"\n'
        '198.18.0.9 - - [29/Nov/2026:14:00:03 +0000] "GET /ws/room HTTP/1.1" 101 40 "-" "x" 1 30.0 [a-80]\n'
    )
    assert accessed(logs) == 2
    assert accessed(logs.splitlines()[0]) == 0


def planned(rate: float) -> Plan:
    return load(sites(), rate=rate, duration=3600.0, ca="", long_sessions=())


def rate_of(plan: Plan, kind: str) -> float:
    return sum(stream.rate for stream in plan.streams if stream.kind == kind)


def test_the_rate_is_that_of_http1_and_the_other_kinds_come_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "plan", lambda _world, *, rate: planned(rate))
    made = loads.traffic(None, 800.0)  # type: ignore[arg-type]  # the plan is not of a world here
    assert rate_of(made, "http1") == pytest.approx(800.0)
    assert all(rate_of(made, kind) > 0 for kind in ("http2", "websocket", "longpoll"))


def test_long_lived_traffic_polls_for_a_minute_and_has_sixty_sessions_open() -> None:
    short, long = planned(300.0), long_lived(planned(300.0))
    polls = [stream for stream in long.streams if stream.kind == "longpoll"]
    assert polls
    assert {(stream.route.wait, stream.route.path) for stream in polls} == {(60.0, "/inbox?wait=60")}
    moments = sorted(at for stream in long.streams if stream.kind == LONG for at in stream.at)
    assert sum(at <= 1000.0 < at + 300.0 for at in moments) == 60
    assert {stream.hold for stream in long.streams if stream.kind == LONG} == {(300.0, 300.0)}
    assert rate_of(long, "http1") == rate_of(short, "http1")


def test_one_client_in_twenty_keeps_dns_for_three_minutes_and_asks_the_same() -> None:
    plain, made = planned(300.0), pinned(planned(300.0))
    keep = {persona.name: persona.cache for persona in made.personas}
    for kind in ("http1", "http2"):
        asked = [stream for stream in made.streams if stream.kind == kind]
        slow = sum(stream.rate for stream in asked if keep[stream.persona] == 180.0)
        assert slow == pytest.approx(0.05 * rate_of(plain, kind))
        assert rate_of(made, kind) == pytest.approx(rate_of(plain, kind))
    assert {persona.cache for persona in made.personas if not persona.name.startswith("pinned-")} == {None}
    check_plan(made, "here")
