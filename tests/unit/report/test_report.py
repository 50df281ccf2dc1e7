"""The report of a run: one offline page, Markdown and JSON, with the same facts in each."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from blueshift.app.report import SHOWN_FAILURES, Failing, Failure, Probed, Report, asked
from blueshift.engine.entries import Learnt, Left, Started, StoodStill, TakenBack, Turned, apply
from blueshift.engine.evidence import AnswerPoint, DrainPoint, Evidence, SidePoint, Watched
from blueshift.engine.journal import Journal, Software, Versions
from blueshift.engine.protocol import Way
from blueshift.engine.state import State
from blueshift.report.charts import WIDTH, Span, by_decades, chart
from blueshift.report.markdown import markdown
from blueshift.report.page import page
from blueshift.report.story import steps, unknown
from blueshift.traffic.judge import Observed, judge
from blueshift.traffic.prober.ledger import LedgerWriter, Row
from tests.unit.report import whole
from tests.unit.report.story import at
from tests.unit.report.test_show import HELM, STORY, VERDICT


def journal(**changes: Any) -> Journal:
    made = Journal(
        "1124-0302-k7xq", "front", "edge", "uid", "hash", "blue-green", at(0), ("forward/purge",),
        chart=Versions("4.11.3", "4.12.1", "1.11.3", "1.12.1"),
        software=Software("0.1.0", "3.18.4", "v1.33.1"), **changes,
    )  # fmt: skip
    for second, entry in enumerate(STORY):
        made = apply(made, entry, at(60 * second))
    return made


def evidence() -> Evidence:
    return Evidence(
        sides={
            "primary": [
                SidePoint(at(60 * n), 2, 2, None if n == 5 else 100.0 - 10 * n, 0.0) for n in range(10)
            ],
            "temporary": [
                SidePoint(at(60 * n), 2, 2, 10.0 * n, 0.5, 0, {"2xx": 8.0, "4xx": 2.0}, 0.041, 1.25)
                for n in range(10)
            ],
        },
        answers={"192.0.2.53": [AnswerPoint(at(60), 40, 0, 0, 0), AnswerPoint(at(120), 0, 40, 0, 0)]},
        recursives={"1.1.1.1": [AnswerPoint(at(60), 9, 1, 0, 0)]},
        drains={"primary": [drained(60, 4), drained(120, 1)]},
        watched=[
            Watched(
                side="primary",
                witness="log",
                pod="web-1",
                since=at(0),
                until=at(300),
                gaps=((at(120), None),),
                blind="its log is off",
            )
        ],
    )


def drained(seconds: float, clients: int) -> DrainPoint:
    return DrainPoint(at(seconds), clients, 7, None, f"10.0.0.7 asked {clients} times")


FAILED = Failure(at(130), "a.example", "/<b>", "192.0.2.1", "connect", "refused", "forward/shift/wave-1")


def made(**changes: Any) -> Report:
    fields: dict[str, Any] = {
        "made": at(3600), "version": "1", "journal": journal(), "evidence": evidence(),
        "asked": Probed(1000, 1, at(0), at(600), (FAILED,)),
    }  # fmt: skip
    return Report(**fields | changes)


class Page(HTMLParser):
    """Tags and their attributes; the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_one_file_that_fetches_nothing() -> None:
    text = page(made())
    found = Page(text)
    assert not [tag for tag, _ in found.tags if tag in ("script", "link", "img", "iframe", "object")]
    assert not re.findall(r"(?:src|href)=|url\([^#]|@import", text)
    assert "default-src 'none'" in text


def test_the_page_of_three_hours_is_small() -> None:
    """The measure of issue 7: 6 pods a side, 4 name servers, 2,500 hosts, 200 failures."""
    report = whole.report()
    text = page(report)
    assert report.asked
    assert len(re.findall('data-of="failed in"', text)) == len(report.asked.failures) == 200
    assert len(text.encode()) < 2_000_000
    assert len(markdown(report)) < 65_536, "what GitHub takes for a comment"


@pytest.mark.parametrize("form", [page, markdown])
def test_every_form_tells_the_same(form: Any) -> None:
    told = Page(form(made())).text if form is page else form(made())
    for what in (
        "4.11.3 → 4.12.1", "forward/shift/wave-1", "ImagePullBackOff", VERDICT.reasons[0], HELM,
        "connect: refused", "forward/purge", "accept-verdict by ann", "1.11.3 → 1.12.1", "helm 3.18.4",
        "v1.33.1", "4xx 2", "41 ms", "1.25 s", "192.0.2.53", "1.1.1.1 (recursive)", "4 → 1", "10.0.0.7 asked",
        "blind at every pod: its log is off", "missed of web-1 from 2026-11-24 12:02:00Z to the end",
    ):  # fmt: skip
        assert what in told, what


def test_what_a_name_holds_is_no_markup() -> None:
    assert "/&lt;b&gt;" in page(made())
    assert "/<b>" not in page(made())


HOSTILE = "[x](http://e/) ![y](http://e/p) @team **b** `c` | _i_ <img src=x> \u202elive\x1b[2J a_b"


def test_what_strangers_wrote_is_text_in_a_ticket_and_on_the_page() -> None:
    bad = Failure(at(130), HOSTILE, "/", "192.0.2.1", "headers", HOSTILE, HOSTILE)
    report = made(asked=Probed(1000, 1, at(0), at(600), (bad,)))
    told = markdown(report)
    row = next(line for line in told.splitlines() if "192.0.2.1 " in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 5, "four cells"
    plain = re.sub(r"\\.", "", row)
    for what in ("[", "]", "*", "`", "<", "\u202e", "\x1b", " @t", " _i"):
        assert what not in plain, what
    assert "a_b" in row, "what is no markup stays as it is"
    text = page(report)
    assert "<img" not in text
    assert "\\u202elive\\x1b[2J" in text
    assert all(character.isprintable() or character == "\n" for character in text)


def many() -> Report:
    """The longest names, reasons that change with each look, failures in each second."""
    host = ".".join(["x" * 63] * 3 + ["example"])
    listed = "; ".join(f"2001:db8::{n} → {host}: 500 requests, long after the TTL" for n in range(5))
    reasons = ("asked", "asked, and 2 pods have open connections")
    looks = [
        DrainPoint(at(5 * n), 50, 500, n, f"{reasons[n % 2]} [{listed}; and 45 more]") for n in range(1200)
    ]
    seen = whole.evidence()
    seen.drains = {"primary": looks, "temporary": looks}
    seen.watched += [
        Watched(side="primary", witness="log", pod=f"web-{n}", since=at(0), until=at(60), blind=f"{n} lines")
        for n in range(200)
    ]
    failures = tuple(
        Failure(
            at(n), host, "/" + "p" * 3000, "2001:db8::1", "headers", "r" * 3000, "forward/soak", "http2", 9
        )
        for n in range(SHOWN_FAILURES)
    )
    failing = tuple(Failing(at(n), 5) for n in range(whole.SECONDS))
    return whole.report(
        evidence=seen, asked=Probed(8_640_000, 54_000, at(0), at(9), failures, failing, {"headers": 54_000})
    )


def test_the_worst_of_three_hours_keeps_its_bounds() -> None:
    report = many()
    text, told = page(report), markdown(report)
    assert len(text.encode()) < 2_000_000
    assert len(told) < 65_536
    for form in (text, told):
        assert "2368 more in between" in form, "16 of the 1200 stretches of each side are shown"
        assert "and 45 more" in form
        assert "blind for" in form
        assert "8,640,000" in form


def test_a_step_that_a_run_turned_away_from_ends_there() -> None:
    turned = Turned("back", (), ("back/restore",), State(), "bob@there:2:b", "it is late")
    of = journal()
    for entry, second in ((Started("forward/purge"), 1000), (turned, 1200), (Started("back/restore"), 1500)):
        of = apply(of, entry, at(second))
    rows = {row.name: row for row in steps(of)}
    assert (rows["forward/purge"].ended, rows["forward/purge"].took) == (at(1200), "")
    assert rows["back/restore"].ended is None
    for form in (page, markdown):
        assert "back by bob@there:2:b at 2026-11-24 12:20:00Z: it is late" in form(made(journal=of))


def test_a_standstill_is_told_of_a_step_that_was_taken_back_too() -> None:
    of = journal()
    back = TakenBack(("forward/soak",), State())
    for entry, second in ((back, 1000), (StoodStill("forward/soak", "it does worse"), 1001)):
        of = apply(of, entry, at(second))
    row = next(row for row in steps(of) if row.name == "forward/soak")
    assert (row.began, row.took) == (at(60 * 11), "taken back"), "since it stood still first"
    assert row.stood == ("waited at the gate accept-verdict: the verdict is no pass", "held: it does worse")
    for form in (page, markdown):
        assert "held: it does worse" in Page(form(made(journal=of))).text


@pytest.mark.parametrize(
    ("first", "last", "requests", "said"),
    [
        (0, 780, 9, ""),
        (0, 780, 0, "ledger has no request"),
        (-9000, -8000, 9, "is of another time, from 2026-11-24 09:30:00Z to"),
        (9000, 9900, 9, "is of another time"),
        (300, 780, 9, "The prober began at 2026-11-24 12:05:00Z"),
        (0, 300, 9, "The prober ended at 2026-11-24 12:05:00Z"),
    ],
)
def test_of_which_part_of_a_run_a_ledger_tells_nothing_is_said(
    first: float, last: float, requests: int, said: str
) -> None:
    report = made(asked=Probed(requests, 0, at(first), at(last), ()))
    found = [sentence for sentence in unknown(report) if "rober" in sentence]
    assert len(found) == bool(said)
    assert all(said in sentence for sentence in found)


def test_at_which_hosts_requests_failed_is_summed_up(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    with LedgerWriter(file, "0badcafe", at(0)) as ledger:
        for number in range(1000):
            row = Row(
                number, "http1", "p", f"h{number % 40}.example", "/", "", number / 10, number / 10, end=100
            )
            row.phase, row.reason = ("check", "status 502") if number < 960 and number % 40 < 12 else ("", "")
            ledger.add(row)
    found = asked(file, journal())
    assert list(found.hosts.items())[:2] == [("h0.example", 24), ("h1.example", 24)]
    told = "288 failed (check 288)"
    for form in (page, markdown):
        text = Page(form(made(asked=found))).text
        assert told in text
        assert "At 12 hosts: h0.example 24, h1.example 24," in text
        assert "h9.example 24, and 48 at others." in text


def test_a_ledger_without_a_request_is_void_and_no_success(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    with LedgerWriter(file, "0badcafe", at(0)):
        pass
    found = asked(file, journal())
    assert (found.requests, found.void) == (0, "no request was sent")
    text = page(made(asked=found))
    assert "Void: no request was sent." in text
    assert '<b class="good"><span id="failures">' not in text


def test_a_run_that_stands_still_says_how_it_goes_on() -> None:
    fail = judge(Observed(20_000, 300), Observed(0, 0), Observed(40_000, 4))
    held = journal()
    for entry in (
        Learnt("forward/soak", {"Verdict": msgspec.to_builtins(fail)}),
        StoodStill(
            "forward/soak",
            "it does worse",
            ways=(
                Way("put it back", "helm rollback x"),
                Way("names", "nsupdate <<EOF\n" + "update add a.example. 15 A 192.0.2.1\n" * 40 + "EOF"),
            ),
        ),
    ):
        held = apply(held, entry, at(1000))
    for form in (page, markdown):
        told = Page(form(made(journal=held))).text
        for what in (
            "blueshift resume 1124-0302-k7xq", "blueshift rollback 1124-0302-k7xq", "helm rollback x",
            "fail", "300 of 20000 failed", "baseline 0.01%, allowed 0.21%", "by more than chance explains",
        ):  # fmt: skip
            assert what in told, what
        assert "blueshift status 1124-0302-k7xq" in told, "which has what is too long here"
        assert "update add" not in told, "half a command is none"
    over = apply(held, Left("succeeded", "done"), at(1001))
    assert "How it goes on" not in page(made(journal=over)) + markdown(made(journal=over))


def test_lines_are_drawn_to_scale_and_broken_where_nothing_is_known() -> None:
    found = Page(page(made()))
    lines = [attrs["points"] or "" for tag, attrs in found.tags if tag == "polyline"]
    primary = [points.split() for points in lines if points != "0,6 22,6"][:2]
    assert [len(piece) for piece in primary] == [5, 4], "the sixth look saw no figure"
    assert primary[0][0].endswith(",0"), "the highest value stands at the top"


def test_what_is_not_known_is_said() -> None:
    told = markdown(made(evidence=None, asked=None, journal=journal_without_verdict()))
    assert "No evidence was kept" in told
    assert "No prober's ledger" in told
    assert "no verdict" in told
    assert "were not counted" in markdown(made())
    first = Evidence(
        sides={"primary": [SidePoint(at(0), 2, 2, None, None), SidePoint(at(5), 2, 2, 1.0, 0.0)]}
    )
    assert "were not counted" not in markdown(made(evidence=first)), "a rate needs two looks"
    assert "<h2>Statuses" in page(made())
    bare = page(made(evidence=None))
    assert not [title for title in ("Both sides", "Statuses", "DNS", "Drains") if f"<h2>{title}" in bare]


def journal_without_verdict() -> Journal:
    return Journal("r", "front", "edge", "uid", "hash", "blue-green", at(0), ())


def test_what_failed_days_before_the_run_leaves_the_run_its_room() -> None:
    def marks(*failing: Failing) -> list[float]:
        found = Page(page(made(asked=Probed(9, 1, at(0), at(600), (FAILED,), failing))))
        styles = [
            attrs["style"] or "" for _, attrs in found.tags if (attrs.get("title") or "").endswith(" failed")
        ]
        return [float(style.removeprefix("left:").removesuffix("%")) for style in styles]

    within = Failing(at(300), 1)
    (alone,) = marks(within)
    assert 0 < alone < 100
    assert marks(Failing(at(-3 * 86_400), 1), within) == [0.0, alone]
    near, later = marks(Failing(at(-300), 1), within)
    assert near == 0
    assert later > alone, "the time begins earlier then"


def test_json_is_whole() -> None:
    written = msgspec.json.encode(made())
    assert msgspec.json.encode(msgspec.json.decode(written, type=Report)) == written
    assert msgspec.json.decode(written).keys() == {"made", "version", "journal", "evidence", "asked"}


def test_a_failed_request_stands_in_the_step_of_its_moment(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    with LedgerWriter(file, "0badcafe", at(0)) as ledger:
        for number, (second, end) in enumerate(((10.0, 11.0), (70.0, 4_000.0), (10_000.0, 10_001.0))):
            row = Row(number, "http1", "p", "a.example", "/", "", second, second, end=end)
            row.phase, row.reason = ("", "") if number == 2 else ("connect", "refused")
            ledger.add(row)
    found = asked(file, journal())
    assert (found.requests, found.failed) == (3, 2)
    assert found.last - found.first == timedelta(seconds=10_001)
    assert [one.step for one in found.failures] == ["forward/shift/wave-1", ""], "the second, when it was cut"
    assert [one.seconds for one in found.failures] == [1.0, 3_930.0]
    assert [one.at for one in found.failures] == [at(10), at(70)]
    assert [(one.at, one.failed) for one in found.failing] == [(at(10), 1), (at(70), 1)]
    assert found.phases == {"connect": 2}
    assert found.hosts == {"a.example": 2}


def test_figures_of_a_prober_that_could_not_hold_its_rate_are_void(tmp_path: Path) -> None:
    def read(late: int) -> Probed:
        file = tmp_path / f"rows-{late}"
        with LedgerWriter(file, "0badcafe", at(0)) as ledger:
            for number in range(2000):
                begun = number + (1.5 if number < late else 0.5)
                ledger.add(Row(number, "http1", "p", "a.example", "/", "", number, begun, end=begun + 1))
        return asked(file, journal())

    assert (read(2).sent, read(2).void) == (1998, "")
    assert read(3).void.startswith("1997 of 2000 requests were sent on time: ")
    for form in (page, markdown):
        assert "Void: 1997 of 2000" in form(made(asked=read(3)))
        assert "Void" not in form(made(asked=read(2)))


def test_of_more_failures_than_are_listed_the_first_are_and_all_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    count = 2 * SHOWN_FAILURES + 500
    with LedgerWriter(file, "0badcafe", at(0)) as ledger:
        for number in reversed(range(count)):  # rows stand in the order in which they ended
            row = Row(number, "http1", "p", "a.example", "/", "", number / 100, number / 100, end=100.0)
            row.phase, row.reason = "headers", "closed"
            ledger.add(row)
    found = asked(file, journal())
    assert [one.at for one in found.failures] == [
        at(0) + timedelta(seconds=number / 100) for number in range(SHOWN_FAILURES)
    ]
    assert sum(one.failed for one in found.failing) == found.failed == count
    assert found.failing[-1].at == at((count - 1) // 100)


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0, ["12:00:00"]),
        (4, ["12:00:00", "12:00:01", "12:00:02", "12:00:03", "12:00:04"]),
        (3600, ["12:00", "12:10", "12:20", "12:30", "12:40", "12:50", "13:00"]),
        (2 * 86_400, ["11-24 12:00", "11-25 00:00", "11-25 12:00", "11-26 00:00", "11-26 12:00"]),
    ],
)  # fmt: skip
def test_ticks_are_round_instants(seconds: float, labels: list[str]) -> None:
    ticks = Span(at(0), at(seconds)).ticks()
    assert [tick.label for tick in ticks] == labels
    assert ticks[0].at == 0
    assert seconds == 0 or ticks[-1].at == WIDTH


def test_a_single_look_is_seen() -> None:
    for second in (0, 5, 10):
        drawn = chart("t", Span(at(0), at(10)), [("a", "", [(at(second), 1.0)])])
        ((left, right),) = [piece.split() for piece in drawn.lines[0].pieces]
        begin, end = (float(point.split(",")[0]) for point in (left, right))
        assert 0 <= begin < end <= WIDTH
        assert abs(begin - 100 * second) < 10


def test_a_line_without_any_value_is_drawn_nowhere() -> None:
    found = chart("t", Span(at(0), at(10)), [("a", "", [(at(0), None)]), ("b", "", [])])
    assert [line.pieces for line in found.lines] == [(), ()]
    assert found.highest == "1"


def test_what_differs_by_powers_of_ten_is_drawn_by_them() -> None:
    points = [
        (at(0), 5.0),
        (at(10), 50.0),
        (at(20), 20_000.0),
        (at(30), 0.0),
        (at(40), None),
        (at(50), 100_000.0),
    ]
    drawn = by_decades("t", Span(at(0), at(50)), [("a", "", points)], "{:g} ms".format, "")
    assert (drawn.highest, drawn.lowest) == ("100000 ms", "1 ms")
    heights = [float(point.split(",")[1]) for piece in drawn.lines[0].pieces for point in piece.split()]
    assert heights == pytest.approx([86.0, 66.0, 14.0, 0.0, 0.0], abs=0.1), "the last, alone, is a dash"
    assert [one.label for one in drawn.between] == ["10 ms", "100 ms", "1000 ms", "10000 ms"]
    assert [one.percent for one in drawn.between] == [80, 60, 40, 20]
    assert len(drawn.lines[0].pieces) == 2
    nothing = by_decades("t", Span(at(0), at(50)), [("a", "", [(at(0), None)])], str, "")
    assert nothing.lines[0].pieces == ()
    same = by_decades("t", Span(at(0), at(50)), [("a", "", [(at(0), 10.0)])], "{:g} ms".format, "")
    assert (same.highest, same.lowest) == ("100 ms", "10 ms")
