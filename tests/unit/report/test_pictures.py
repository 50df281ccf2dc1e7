"""Strips and sums: what is not known never looks like nothing, and what was seen is not smoothed away."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from blueshift.app.report import Failing, Probed
from blueshift.engine.evidence import AnswerPoint, DrainPoint, Evidence, SidePoint, Watched
from blueshift.report import story, sums
from blueshift.report.charts import WIDTH, Span, chart
from blueshift.report.page import page
from blueshift.report.pictures import pictures
from blueshift.report.strips import BINS, Strip, answers, coverage, marks, statuses
from tests.unit.report import whole
from tests.unit.report.story import at

SPAN = Span(at(0), at(1000))


def look(second: float, **rates: float) -> SidePoint:
    told = {kind.removeprefix("s"): rate for kind, rate in rates.items()}
    return SidePoint(at(second), 2, 2, sum(rates.values()), 0.0, 0, told)


def areas(strip: Strip, look: str) -> list[tuple[float, ...]]:
    """(left, top, width, bottom) of the areas of one look."""
    path = "".join(fill.path for fill in strip.fills if fill.look == look)
    number = r"(-?[\d.]+)"
    found = re.findall(rf"M{number} {number}h{number}V{number}", path)
    return [tuple(map(float, area)) for area in found]


def test_statuses_are_the_darker_the_more_there_were_and_errors_have_a_look_of_their_own() -> None:
    points = [
        look(10 * n, s2xx=50.0, s5xx=0.05 if n == 50 else 0.0, none=500.0 if n == 9 else 0)
        for n in range(101)
    ]
    ok, bad, none = statuses(points, ("2xx", "5xx", "none"), "primary", SPAN)
    assert areas(ok, "primary l4") == [(0.0, 0.0, WIDTH, 100.0)]
    ((left, _, width, _),) = areas(bad, "bad l1")
    assert left <= 490 < 500 <= left + width, "from the look before to this one"
    assert width < 20, "one look is no more than it was"
    assert none.label == "no answer"
    assert areas(none, "bad l5")


def test_where_no_log_told_anything_it_is_not_known_and_before_and_after_it_is_nothing() -> None:
    told = [look(second, s2xx=5.0) for second in range(200, 401, 10)]
    silent = [SidePoint(at(second), 2, 2, 5.0, 0.0) for second in range(410, 601, 10)]
    (strip,) = statuses([*told, *silent], ("2xx",), "primary", SPAN)
    ((left, _, width, _),) = areas(strip, "primary l3")
    assert (left, left + width) == pytest.approx((200, 400), abs=WIDTH / BINS)
    ((left, _, width, _),) = areas(strip, "unknown")
    assert (left, left + width) == pytest.approx((400, 600), abs=2 * WIDTH / BINS)


def test_time_that_no_process_of_the_run_watched_is_not_known() -> None:
    points = [look(second, s2xx=5.0) for second in (*range(0, 200, 5), *range(800, 1001, 5))]
    (strip,) = statuses(points, ("2xx",), "primary", SPAN)
    assert any(left < 300 and left + width > 700 for left, _, width, _ in areas(strip, "unknown"))
    drawn = chart("t", SPAN, [("primary", "primary", [(one.at, one.requests_per_s) for one in points])])
    assert len(drawn.lines[0].pieces) == 2, "the line is broken there"


def test_answers_are_shares_from_look_to_look() -> None:
    points = [
        AnswerPoint(at(0), 40, 0, 0, 0),
        AnswerPoint(at(500), 40, 0, 0, 0),
        AnswerPoint(at(505), 10, 30, 0, 0),
        AnswerPoint(at(900), 0, 40, 0, 0),
        AnswerPoint(at(1000), 0, 0, 0, 40),
    ]
    strip = answers("192.0.2.53", points, SPAN)
    assert areas(strip, "primary") == [(0.0, 0.0, 500.0, 100.0), (500.0, 0.0, 5.0, 100.0)]
    unknown = [(left, left + width) for left, _, width, _ in areas(strip, "unknown")]
    assert unknown == [(505, 900), (900, 1000), (999, 1000)], "between two looks far apart, and the last one"
    assert not areas(strip, "temporary")
    near = [AnswerPoint(at(0), 10, 30, 0, 0), AnswerPoint(at(50), 0, 30, 10, 0)]
    strip = answers("192.0.2.53", near, SPAN)
    assert areas(strip, "primary") == [(0.0, 0.0, 50.0, 25.0)], "a quarter of the height, above the temporary"
    assert areas(strip, "temporary")[0] == (0.0, 25.0, 50.0, 100.0)


def watched(pod: str, since: float, until: float, **more: object) -> Watched:
    fields = {"side": "primary", "witness": "log", "pod": pod, "since": at(since), "until": at(until)}
    return Watched(**fields | more)  # type: ignore[arg-type]


def test_coverage_shows_gaps_over_what_was_watched_and_blindness_paler() -> None:
    gap = (at(200), at(300))
    strip = coverage("web-1", [watched("web-1", 100, 500, gaps=(gap, (at(500), None)))], SPAN)
    assert areas(strip, "primary l5") == [(100.0, 0.0, 400.0, 100.0)]
    assert [(left, width) for left, _, width, _ in areas(strip, "gap")] == [(200, 100), (500, 500)]
    assert strip.fills[-1].look == "gap", "drawn last"
    assert areas(coverage("web-1", [watched("web-1", 0, 9, blind="off")], SPAN), "primary l2")


def test_marks_at_one_place_are_one_mark_that_tells_all() -> None:
    found = marks([(at(100), "a"), (at(100.2), "b"), (at(400), "c")], SPAN)
    assert [(one.percent, one.told) for one in found] == [(10.0, "a\nb"), (40.0, "c")]


def test_a_drain_is_told_by_its_reasons_whatever_figures_change() -> None:
    reasons = [
        "3 clients, the last 4 s ago [10.0.0.7 → a.example: 3 requests]",
        "2 clients, the last 1 s ago [10.0.0.8 → b.example: 1 requests, why not]",
        "a pod of web keeps 2",
        "",
        "",
    ]
    points = [DrainPoint(at(5 * n), 4 - n, 9, n, reason) for n, reason in enumerate(reasons)]
    found = sums.drains(Evidence(drains={"primary": points}))
    told = [(one.first.clients, one.last.clients, one.last.reason) for one in found]
    assert told == [(4, 3, reasons[1]), (2, 2, reasons[2]), (1, 0, "")]


def test_of_many_reasons_the_first_and_the_last_are_told_and_who_was_left_once() -> None:
    points = [
        DrainPoint(at(5 * n), 1, 1, 0, f"{'ab'[n % 2]} [10.0.0.{n} → a: 1 request, why]") for n in range(100)
    ]
    seen = Evidence(drains={"primary": [*points, DrainPoint(at(500), 0, 0, 0, "")], "temporary": points[:16]})
    found = [one for one in sums.drains(seen) if one.side == "primary"]
    assert [one.since for one in found] == [at(5 * n) for n in (*range(8), *range(93, 101))]
    assert sum(one.side == "temporary" for one in sums.drains(seen)) == 16
    assert sums.undrawn(seen) == 101 - 16
    assert [(one.side, one.at, one.items) for one in sums.rests(seen)] == [
        ("temporary", at(75), ("10.0.0.15 → a: 1 request, why",)),
        ("primary", at(495), ("10.0.0.99 → a: 1 request, why",)),
    ]


def test_failures_at_one_place_are_one_mark_with_their_number() -> None:
    failing = tuple(Failing(at(n), 2) for n in range(3 * 3600))
    drawn = page(whole.report(asked=Probed(9, 9, at(0), at(9), (), failing)))
    told = re.findall(r'class="mark" style="left:[^"]*" title="([^"]*) failed"', drawn)
    assert len(told) <= WIDTH + 1
    assert sum(int(one.rsplit(" ", 1)[1]) for one in told) == 2 * 3 * 3600


def test_when_dns_had_moved_and_moved_back() -> None:
    counts = [(4, 0, 0, 0), (2, 2, 0, 0), (0, 3, 0, 1), (0, 4, 0, 0), (1, 3, 0, 0), (4, 0, 0, 0)]
    points = [AnswerPoint(at(5 * n), *count) for n, count in enumerate(counts)]
    one, other = sums.servers(Evidence(answers={"a": points}, recursives={"b": points[:3]}))
    assert (one.moved, one.back, one.recursive) == (at(15), at(25), False)
    assert (other.moved, other.back, other.recursive) == (None, None, True), "one name was not known"


def test_what_witnesses_missed_and_where_they_are_blind() -> None:
    seen = [
        watched("a", 0, 90, gaps=((at(10), at(40)), (at(90), None))),
        watched("b", 0, 100, blind="its log is off"),
        watched("b", 200, 300, blind="its log is off"),
    ]
    (one,) = sums.witnesses(Evidence(watched=seen))
    assert [pod for pod, _ in one.pods] == ["a", "b"]
    assert one.missed == timedelta(seconds=30 + 210), "an open gap lasts as long as others were watched"
    assert list(one.blindness()) == ["blind at b: its log is off"]
    assert len(list(one.missing())) == 2
    many = [watched("a", 0, 100, gaps=tuple((at(n), at(n + 0.5)) for n in range(50)))]
    (one,) = sums.witnesses(Evidence(watched=many))
    assert list(one.missing())[-1] == "missed 38 more times: -o json has all"


def test_a_side_is_summed_up_over_what_is_known() -> None:
    points = [
        SidePoint(at(0), 2, 2, None, None, 1),
        SidePoint(at(5), 2, 2, 10.0, 0.0, 0, {"2xx": 10.0}, 0.02, 0.1),
        SidePoint(at(10), 2, 2, 30.0, 2.0, 0, {"2xx": 28.0, "5xx": 2.0}, 0.04, 0.3),
    ]
    (one,) = sums.sides(Evidence(sides={"primary": points}))
    assert (one.requests, one.most_requests, one.most_errors, one.missed) == (20.0, 30.0, 2.0, 1)
    assert (one.most_p95_s, one.statuses) == (0.3, {"2xx": 19.0, "5xx": 1.0})
    (none,) = sums.sides(Evidence(sides={"primary": points[:1]}))
    assert (none.requests, none.p95_s, none.statuses) == (None, None, {})


def test_classes_of_status_stand_in_order() -> None:
    points = [look(0, none=1.0, s5xx=1.0), look(5, s2xx=1.0, s1xx=0.0)]
    assert sums.kinds(Evidence(sides={"primary": points})) == ("1xx", "2xx", "5xx", "none")


def test_every_picture_has_what_the_evidence_has() -> None:
    seen = whole.evidence(600, 5)
    drawn = pictures(seen, Span(at(0), at(600)))
    assert [one.title for one in drawn.statuses] == ["primary", "temporary"]
    assert [line.name for line in drawn.latency[0].lines] == [
        "primary p95", "primary p50", "temporary p95", "temporary p50",
    ]  # fmt: skip
    assert [len(group.strips) for group in drawn.answers] == [4, 1]
    assert len(drawn.drains) == 3
    assert [len(group.strips) for group in drawn.watched] == [18, 18, 6, 6]
    assert not any(pictures(Evidence(), SPAN))


def test_what_was_not_kept_is_said() -> None:
    told = " ".join(story.unknown(whole.report(evidence=Evidence())))
    for what in ("status of any answer", "how long answers took", "drain was kept", "each witness watched"):
        assert what in told, what
    told = " ".join(story.unknown(whole.report()))
    assert "The primary's log witness missed 1 min 30 s, in 3 gaps." in told
    assert "blind at every pod: 3 hosts have their access log off" in told
    assert "status of any answer" not in told
