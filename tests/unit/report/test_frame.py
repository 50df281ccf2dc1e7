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
    assert ["primary", "3/3", "12.3", "0.0"] in [row[:4] for row in rows]
    assert ["temporary", "2/3", "?", "?"] in [row[:4] for row in rows], "an unknown rate is not zero"
    assert ["10.0.0.53", "2", "38", "0", "0"] in rows
    assert ["fd00::53", "0", "0", "0", "40"] in rows


def seen(seconds: float, side: str, rate: float | None) -> Event:
    return make(events.SideSeen, seconds, side=side, ready=2, wanted=2, requests_per_s=rate, errors_per_s=0.0)


def test_the_latest_rates_of_both_sides_are_curves_of_one_scale() -> None:
    moves = [seen(n, "primary", 80.0 - 10 * n) for n in range(9)]
    moves += [seen(n, "temporary", None if n < 2 else 5.0 * n) for n in range(9)]
    primary, temporary = (
        next(line for line in drawn(started(), *moves) if line.strip().startswith(side))
        for side in ("primary", "temporary")
    )
    assert primary.endswith("0.0  █▇▆▅▅▄▃▂▁")
    assert temporary.endswith("0.0    ▂▂▃▃▄▄▅"), "what was not known is left blank"
    long = [seen(n, "primary", 1.0) for n in range(100)]
    (line,) = [line for line in drawn(started(), *long) if line.strip().startswith("primary")]
    assert line.count("█") == 80 - len("   primary                        2/2         1.0         0.0  ")
    (line,) = [line for line in drawn(started(), *long, width=120) if line.strip().startswith("primary")]
    assert line.count("█") == 24
    narrow = drawn(started(), *long, width=48)
    assert "█" not in "".join(narrow)
    view = reduce(fold, [started(), *long], View())
    ascii_lines = [line.plain for line in frame(view, at(101), 120, 23, ASCII)]
    assert "█" not in "".join(ascii_lines)


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
    assert ["primary", "3/3", "12.3", "0.0"] in rows
    assert ["10.0.0.53", "2", "38", "0", "0"] in rows


def test_many_servers_are_cut_and_counted() -> None:
    seen = [
        make(events.AnswersSeen, 1, server=f"10.0.0.{n}", primary=1, temporary=0, other=0, unknown=0)
        for n in range(9)
    ]
    picture = drawn(started(), *seen, height=40)
    assert any("and 4 more servers" in line for line in picture)


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
    story = [*until_drain(), waiting(101, reason=reason)][:length]
    notice = make(events.Noticed, 101, step="", sentence=LONG)
    lines = drawn(*story, notice, width=width, height=height)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
