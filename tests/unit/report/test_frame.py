"""The live picture: readable in 80 by 24 without colour, and whole in any size."""

from __future__ import annotations

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from blueshift import events
from blueshift.events import Event
from blueshift.report.frame import frame
from blueshift.report.view import View, fold
from blueshift.report.words import ASCII, UNICODE
from tests.unit.report.story import TRACK, at, make, started, until_drain, waiting

LONG = "3 clients still reach the primary: " + ", ".join(f"10.0.0.{n} (shop.example.test)" for n in range(9))


def drawn(*story: Event, width: int = 80, height: int = 23, seconds: float = 101) -> list[str]:
    view = reduce(fold, story, View())
    return [line.plain for line in frame(view, at(seconds), width, height, UNICODE)]


def test_all_that_matters_is_in_80_by_24() -> None:
    picture = "\n".join(drawn(*until_drain()))
    for part in (
        "ingress/ingress-nginx",
        "▶ drain-primary",
        "✓ shift-to-temporary/3",
        "· harden",
        "to restore-ttl",
        "waits: 2 clients still reach the primary",
        "since 12:01:00Z (41 s), until 12:16:00Z (in 14 min 19 s)",
        "then: harden",
    ):
        assert part in picture, part
    rows = [line.split() for line in picture.splitlines()]
    assert ["primary", "3/3", "12.3"] in [row[:3] for row in rows]
    assert ["temporary", "2/3", "?"] in [row[:3] for row in rows], "an unknown rate is not zero"
    assert ["10.0.0.53", "2", "38", "0", "0"] in rows
    assert ["fd00::53", "0", "0", "0", "40"] in rows


def seen(
    seconds: float, side: str, rate: float | None, errors: float = 0.0, p95: float | None = None
) -> Event:
    return make(
        events.SideSeen, seconds, side=side, ready=2, wanted=2, requests_per_s=rate, errors_per_s=errors,
        p95_s=p95,
    )  # fmt: skip


def row(picture: list[str], begins: str) -> str:
    return next(line for line in picture if line.strip().startswith(begins))


def test_requests_error_share_and_p95_of_both_sides_are_curves_of_one_scale() -> None:
    moves = [seen(n, "primary", 80.0 - 10 * n, 0.4 * (n == 7), 0.1) for n in range(8)]
    moves += [seen(n, "temporary", None if n < 2 else 5.0 * n, 0.0, 0.025 * n) for n in range(8)]
    picture = drawn(started(), *moves)
    assert row(picture, "side").split() == ["side", "ready", "requests/s", "errors", "p95"]
    #                                        requests           errors              p95
    assert row(picture, "primary").split() == [
        "primary", "2/2", "10.0", "█▇▆▅▅▄▃▂", "4.00", "%", "▁▁▁▁▁▁▁█", "100", "ms", "▅▅▅▅▅▅▅▅",
    ]  # fmt: skip
    line = row(picture, "temporary")
    assert line.split()[2:] == ["35.0", "▂▂▃▃▄▄", "0.00", "%", "▁▁▁▁▁▁", "175", "ms", "▁▂▃▄▅▆▇█"]
    assert "35.0   ▂" in line, "what was not known is left blank, at its place"


def test_a_share_of_a_thousandth_is_no_high_column_and_nothing_asked_is_no_share() -> None:
    moves = [seen(n, "primary", 1000.0, 1.0) for n in range(8)] + [seen(9, "temporary", 0.0)]
    picture = drawn(started(), *moves)
    assert "0.10 % ▂▂▂▂▂▂▂▂" in row(picture, "primary")
    assert row(picture, "temporary").split()[2:5] == ["0.0", "▁", "?"]


def test_the_error_share_is_the_access_logs_where_metrics_tell_none() -> None:
    by_log = make(
        events.SideSeen, 5, side="primary", ready=2, wanted=2, requests_per_s=None, errors_per_s=None,
        statuses_per_s={"2xx": 97.0, "5xx": 2.0, "none": 1.0},
    )  # fmt: skip
    assert row(drawn(started(), by_log), "primary").split()[2:5] == ["?", "3.00", "%"]


def test_curves_take_the_room_that_there_is() -> None:
    long = [seen(n, "primary", 1.0) for n in range(100)]
    wide = row(drawn(started(), *long, width=140), "primary")
    assert wide.count("█") == 24
    assert row(drawn(started(), *long), "primary").count("█") == 8
    narrow = drawn(started(), *long, width=48)
    assert "█" not in "".join(narrow)
    assert row(narrow, "primary").split() == ["primary", "2/2", "1.0", "0.00", "%", "?"]
    view = reduce(fold, [started(), *long], View())
    ascii_lines = [line.plain for line in frame(view, at(101), 120, 23, ASCII)]
    assert "█" not in "".join(ascii_lines)


LEFT = (
    "3 known hosts or services were asked in the last 150 s"
    " [10.0.0.7 → shop.example.test: 12 requests, it pins the address;"
    " 10.244.0.9 → web/cart: 20 requests, a pod of this cluster that asks the Service by its internal name;"
    " unnamed → www.example.test: 9 requests, behind SNAT clients are hidden]"
)


def draining(reason: str = LEFT) -> Event:
    return make(events.DrainSeen, 99, side="primary", clients=3, requests=41, connections=2, reason=reason)


def whole_picture() -> list[Event]:
    """All that there is to show at once: four servers, two resolvers, who is left, a wait."""
    story = [started()]
    for second, step in enumerate(TRACK[: TRACK.index("drain-primary")]):
        story.append(make(events.StepStarted, second, step=step))
        story.append(make(events.StepSettled, second + 0.5, step=step, said=f"{step} is proven"))
    story.append(make(events.StepStarted, 60, step="drain-primary"))
    for n in range(12):
        story += [seen(60 + n, "primary", 12.0 - n, 0.0, 0.08), seen(60 + n, "temporary", 1e5 + n, 0.0, 0.08)]
    for n in range(4):
        story.append(answers(f"10.0.0.{n}", 0, 60))
    story += [answers("1.1.1.1", 1, 19, recursive=True), answers("8.8.8.8", 0, 20, recursive=True)]
    return [*story, draining(), waiting(101, reason=f"the primary is not proven idle: {LEFT}")]


def answers(server: str, primary: int, temporary: int, *, recursive: bool = False) -> Event:
    return make(
        events.AnswersSeen, 90, server=server, primary=primary, temporary=temporary, other=0, unknown=0,
        recursive=recursive,
    )  # fmt: skip


def test_all_at_once_is_in_80_by_24() -> None:
    for marks in (UNICODE, ASCII):
        view = reduce(fold, whole_picture(), View())
        lines = [line.plain for line in frame(view, at(101), 80, 23, marks)]
        assert len(lines) <= 23
        assert all(len(line) <= 80 for line in lines)
        picture = "\n".join(lines)
        for part in (
            "drain-primary",
            "waits: the primary is not proven idle: 3 known hosts or services were asked in",
            "since 12:01:00Z",
            "then: harden",
            "drain of the primary: clients 3, requests 41, connections 2",
            "   10.0.0.7 → shop.example.test: 12 requests, it pins the address",
            "   10.244.0.9 → web/cart: 20 requests, a pod of this cluster that asks the\n   Service by its",
            "   unnamed → www.example.test: 9 requests, behind SNAT clients are hidden",
            "100011.0",
        ):
            assert part in picture, part
        rows = [line.split() for line in lines]
        assert ["all", "4", "servers", "0", "60", "0", "0"] in rows
        assert picture.count("10.0.0.7") == 1, "the list is not told twice"


def test_who_is_left_is_not_told_twice_and_not_after_its_step() -> None:
    story = until_drain()
    same = draining("2 clients still reach the primary")
    assert sum("2 clients still reach" in line for line in drawn(*story, same, height=40)) == 1
    assert any("it pins the address" in line for line in drawn(*story, draining(), height=40))
    known = [answers("10.0.0.1", 0, 20), answers("1.1.1.1", 1, 19, recursive=True)]
    rows = [line.split() for line in drawn(*story, *known, height=40)]
    assert rows.index(["1.1.1.1", "1", "19", "0", "0"]) > [one[:1] for one in rows].index(["recursive"])
    later = drawn(*story, draining(), make(events.StepStarted, 102, step="harden"), height=40)
    assert not any("drain of" in line for line in later)
    blind = make(events.DrainSeen, 99, side="primary", clients=0, requests=0, connections=None, reason="")
    assert any("connections ?" in line for line in drawn(*story, blind, height=40))


def test_of_a_list_without_room_as_many_as_fit_are_shown_and_the_others_counted() -> None:
    why = "a pinned address, a busy kept-alive connection, or a proxy's cache, which is long to say"
    items = [f"10.0.0.{number} → shop: {number} requests, {why}" for number in range(5)]
    left = draining(f"5 clients came [{'; '.join(items)}]")
    story = [started(), make(events.StepStarted, 60, step="drain-primary"), left]
    small = drawn(*story, height=12)
    assert [line.split()[0] for line in small if " → shop" in line] == ["10.0.0.0", "10.0.0.1"]
    assert small[-1] == "   and 3 more"
    assert why in " ".join(" ".join(small).split()), "told once for all"
    more = draining(f"50 clients came [{'; '.join([*items, 'and 45 more'])}]")
    assert drawn(started(), make(events.StepStarted, 60, step="drain-primary"), more, height=12)[-1] == (
        "   and 48 more"
    )
    assert sum("long to say" in line for line in drawn(*story, height=40)) == 1
    others = [item.replace("long to say", f"long to say of {number}") for number, item in enumerate(items)]
    left = draining(f"5 clients came [{'; '.join(others)}]")
    assert sum("long to say" in line for line in drawn(*story[:2], left, height=40)) == 5, "with room whole"


def test_a_narrow_terminal_keeps_how_many_are_left() -> None:
    many = make(
        events.DrainSeen, 99, side="temporary", clients=1200, requests=83_886, connections=1210, reason="x"
    )
    told = [line for line in drawn(started(), many, width=60) if "clients" in line]
    assert told == [" temporary: clients 1200, requests 83886, connections 1210"]


def test_the_reason_at_a_gate_is_whole_where_there_is_room() -> None:
    reason = "the verdict on the primary is no pass: verdict marginal: by the log: 0 of 438 failed "
    reason += "(95 % interval 0.00% to 0.87%), baseline 0.00%, allowed 0.20%: too few requests to tell"
    asks = make(
        events.GateWaits, 70, step="soak", gate="accept-verdict", reason=reason, command="approve r g"
    )
    for width in (80, 60):
        picture = drawn(*until_drain(), make(events.StepStarted, 69, step="soak"), asks, width=width)
        told = " ".join(" ".join(picture).split())
        assert reason in told
        assert "approve r g" in told
    assert "…" in "".join(drawn(*until_drain(), asks, width=60, height=12)), "cut, and seen to be"


def test_the_head_of_a_narrow_terminal_keeps_what_changes() -> None:
    assert drawn(*until_drain())[0] == "blueshift  ingress/ingress-nginx  run 1124-1200-k7xq  1 min 41 s"
    ended = make(events.RunEnded, 101, status="holding", said="no")
    for width in (60, 45, 36):
        head = drawn(*until_drain(), ended, width=width)[0]
        assert "1124-1200-k7xq  1 min 41 s" in head
        assert len(head) <= width
    assert head == "run 1124-1200-k7xq  1 min 41 s  hol…"


def test_what_a_client_wrote_moves_no_cursor() -> None:
    left = draining("1 client [\x1b[2J\u202eevil → shop: 1 request, \x07why]")
    picture = "".join(drawn(started(), left))
    assert "\\x1b[2J\\u202eevil" in picture
    assert picture.isprintable()


def test_a_short_track_is_shown_whole() -> None:
    picture = drawn(started(steps=("a", "b")), make(events.StepStarted, 1, step="a"))
    assert any("▶ a" in line for line in picture)
    assert any("· b" in line for line in picture)
    assert not any("more" in line for line in picture)


def test_a_gate_shows_the_whole_command() -> None:
    command = "blueshift approve 1124-1200-k7xq purge"
    gate = make(events.GateWaits, 5, step="purge", gate="purge", reason="it is removed", command=command)
    picture = drawn(started(), make(events.StepStarted, 1, step="purge"), gate)
    assert any(line.strip() == command for line in picture)


def test_a_hold_says_why_and_marks_its_step() -> None:
    story = [*until_drain(), make(events.Held, 102, step="drain-primary", reason="too\nlong", ways=())]
    picture = drawn(*story, make(events.RunEnded, 102, status="holding", said="too long"))
    assert any("■ drain-primary" in line and "holds" in line for line in picture)
    assert any("holds: too" in line for line in picture)
    assert picture[0].endswith("holding")


def test_a_small_terminal_keeps_why_nothing_moves() -> None:
    for height in (3, 5, 8):
        picture = drawn(*until_drain(), height=height)
        assert any("waits: 2 clients" in line for line in picture), height
    assert any("drain-primary" in line for line in drawn(*until_drain(), height=8))


def test_a_narrow_terminal_keeps_every_figure() -> None:
    rows = [line.split() for line in drawn(*until_drain(), width=50, height=40)]
    assert ["primary", "3/3", "12.3", "0.00", "%", "?"] in rows
    assert ["10.0.0.53", "2", "38", "0", "0"] in rows


def test_servers_that_agree_are_one_row_and_many_that_differ_are_cut_and_counted() -> None:
    story = [answers(f"10.0.0.{n}", 0 if n < 6 else n, 40) for n in range(13)]
    picture = drawn(started(), *story, height=40)
    assert ["6", "servers", "0", "40", "0", "0"] in [line.split() for line in picture]
    assert ["10.0.0.6", "6", "40", "0", "0"] in [line.split() for line in picture]
    assert any("and 3 more that differ" in line for line in picture)


def test_a_deadline_that_has_passed_and_one_that_is_missing() -> None:
    assert any("(now over)" in line for line in drawn(*until_drain(), seconds=1000))
    open_end = make(events.Waiting, 5, step="soak", reason="soak", since=at(0), until=None, then="")
    assert any("without a deadline" in line for line in drawn(started(), open_end))


def test_without_unicode_the_marks_are_ascii() -> None:
    view = reduce(fold, until_drain(), View())
    lines = [line.plain for line in frame(view, at(101), 80, 23, ASCII)]
    steps = [line for line in lines if any(name in line for name in TRACK)]
    assert any(line.startswith(" > drain-primary") for line in steps)
    assert all(line.isascii() for line in steps if "…" not in line)


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 200),
    height=st.integers(0, 60),
    length=st.integers(0, 30),
    reason=st.sampled_from([LONG, "short", "", "two\nlines"]),
)
def test_any_size_fits(width: int, height: int, length: int, reason: str) -> None:
    story = [
        *until_drain(),
        draining(),
        answers("1.1.1.1", 1, 2, recursive=True),
        waiting(101, reason=reason),
    ]
    story = story[:length]
    notice = make(events.Noticed, 101, step="", sentence=LONG)
    lines = drawn(*story, notice, width=width, height=height)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
