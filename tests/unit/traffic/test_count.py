"""The figures of a run, and every reason for which it proves nothing."""

from __future__ import annotations

import msgspec

from blueshift.traffic.prober.count import Counter
from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.summary import Summary

RUN = "0badcafe"


def row(number: int, at: float, *, took: float = 0.01, late: float = 0.0, **more: object) -> Row:
    made = Row(
        id=number, persona="p", path="/", expected="echo-a", scheduled=at, begun=at + late, sent=at + late,
        end=at + late + took, kind="http1", host="a.test", status=200,
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def name(number: int) -> str:
    return f"{RUN}{number:024x}"


def count(rows: list[Row], *, ids: list[str] | None = None, lost: tuple[str, ...] = ()) -> Summary:
    """Begin and end each in the order of time; ids are given in the order of the schedule."""
    counter = Counter(RUN)
    rows = sorted(rows, key=lambda each: each.scheduled)
    for number, each in enumerate(rows):
        each.id = number
    moments = [(each.scheduled, 0, each) for each in rows]
    moments += [(max(each.end, each.scheduled), 1, each) for each in rows]
    for _, ends, each in sorted(moments, key=lambda moment: (moment[0], moment[1], moment[2].id)):
        if ends:
            counter.end(each, prompt=each.kind == "http1")
        else:
            counter.due(each, prompt=each.kind == "http1")
    found = [name(each.id) for each in rows if not each.failed] if ids is None else ids
    return counter.summary(60.0, found, lost)


def steady(seconds: int) -> list[Row]:
    return [row(number, number / 10) for number in range(seconds * 10)]


def test_a_good_run() -> None:
    summary = count(steady(10))
    assert (summary.scheduled, summary.sent, summary.requests, summary.failed) == (100, 100, 100, 0)
    assert (summary.backend_count, summary.unmatched) == (100, 0)
    assert (summary.void, summary.void_reasons) == (False, ())
    assert summary.max_gap_s == 0.01


def test_an_answer_that_no_backend_gave_voids_the_run() -> None:
    rows = steady(10)
    summary = count(rows, ids=[name(each.id) for each in rows[1:]])
    assert (summary.unmatched, summary.void) == (1, True)
    assert summary.void_reasons == ("1 ids do not match between ledger and backends",)


def test_a_request_that_backends_served_twice_voids_the_run() -> None:
    rows = steady(1)
    summary = count(rows, ids=[name(each.id) for each in rows] + [name(3)])
    assert (summary.unmatched, summary.void) == (1, True)


def test_an_id_that_was_never_sent_voids_the_run_but_other_runs_ids_do_not() -> None:
    rows = steady(1)
    good = [name(each.id) for each in rows]
    assert count(rows, ids=[*good, name(1000)]).unmatched == 1
    assert not count(rows, ids=[*good, "deadbeef" + "0" * 24, "", "curl", f"{RUN}xyz"]).void


def test_a_failed_request_may_or_may_not_have_reached_a_backend() -> None:
    rows = [*steady(1), row(10, 1.0, status=0, phase="headers", reason="reset")]
    for ids in ([name(number) for number in range(10)], [name(number) for number in range(11)]):
        summary = count(rows, ids=ids)
        assert (summary.failed, summary.unmatched, summary.void) == (1, 0, False)


def test_what_the_controller_answers_itself_has_no_row_at_a_backend() -> None:
    rows = [row(0, 0.0)]
    rows[0].expected = ""
    assert not count(rows, ids=[]).void


def test_backends_that_lost_ids_void_the_run() -> None:
    assert count(steady(1), lost=("http://x",)).void_reasons == (
        "the ids of backend http://x are not all known",
    )


def test_requests_sent_too_late_count_as_not_sent() -> None:
    rows = [row(number, number / 100, late=1.5 if number < 2 else 0.0) for number in range(1000)]
    summary = count(rows)
    assert summary.sent == 998
    assert summary.void_reasons == ("998 of 1000 scheduled requests were sent on time",)
    rows[0].begun = rows[0].scheduled
    assert not count(rows).void


def test_requests_that_were_never_begun_count_as_not_sent() -> None:
    rows = steady(10)
    rows[5].begun, rows[5].phase = -1.0, "unsent"
    summary = count(rows)
    assert (summary.scheduled, summary.sent, summary.requests, summary.void) == (100, 99, 99, True)


def test_lateness_is_the_99th_percentile() -> None:
    rows = [row(number, number / 100, late=0.2 if number < 20 else 0.001) for number in range(1000)]
    assert count(rows).late_p99_ms == 200.0
    rows = [row(number, number / 100, late=0.2 if number < 9 else 0.001) for number in range(1000)]
    assert count(rows).late_p99_ms == 1.0


def test_silence_of_one_host_is_seen_beside_busy_ones() -> None:
    rows = [*steady(10), row(100, 2.0, took=2.5, host="quiet.test")]
    summary = count(rows)
    assert summary.max_gap_s == 2.5
    assert summary.void_reasons == ("quiet.test gave no answer for 2.5 s, and no request to it failed",)


def test_silence_that_counted_as_failure_does_not_void_the_run() -> None:
    rows = [
        row(0, 0.0, host="q.test", took=3.0, status=0, phase="headers", reason="timeout"),
        row(1, 1.0, host="q.test", took=2.5),
    ]
    summary = count(rows)
    assert (summary.failed, summary.void, summary.max_gap_s) == (1, False, 3.5)


def test_a_host_that_is_seldom_asked_has_no_gap() -> None:
    rows = [row(0, 0.0, host="seldom.test"), row(1, 50.0, host="seldom.test")]
    assert count(rows).max_gap_s == 0.01


def test_one_slow_answer_among_prompt_ones_is_no_gap() -> None:
    rows = [*steady(10), row(100, 1.0, took=5.0)]
    assert count(rows).max_gap_s < 0.2


def test_sessions_of_minutes_are_apart() -> None:
    rows = [*steady(1), row(10, 0.5, kind="websocket_long", status=0, phase="session", reason="cut")]
    summary = count(rows)
    assert (summary.scheduled, summary.requests, summary.failed) == (10, 10, 0)
    assert (summary.long.requests, summary.long.failed) == (1, 1)
    assert not summary.void


def test_too_many_stale_connections_are_a_failure_of_the_run() -> None:
    rows = [row(number, number / 100) for number in range(1000)]
    for each in rows[:2]:
        each.stale_closed = 1
    assert count(rows).failed == 0
    rows[2].stale_closed = 1
    summary = count(rows)
    assert (summary.stale_closed, summary.failed, summary.by_kind["http1"].failed) == (3, 1, 0)
    assert summary.failures[0].reason == "3 pooled connections found closed, 0.30% of the requests"


def test_the_first_failures_are_shown_with_moment_phase_host_and_address() -> None:
    rows = [
        row(number, number / 10, status=0, phase="connect", reason="refused", address="198.18.1.1")
        for number in range(80)
    ]
    summary = count(rows)
    assert (summary.failed, len(summary.failures)) == (80, 50)
    first = summary.failures[1]
    assert (first.at, first.phase, first.host, first.address) == (0.1, "connect", "a.test", "198.18.1.1")
    assert first.id == name(1)


def test_nothing_scheduled_proves_nothing() -> None:
    assert count([]).void
