"""Plans and journals as text, and the words for times."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from blueshift.app.plans import Plan, PlannedStep
from blueshift.engine.entries import (
    Approved,
    Did,
    Entry,
    Intended,
    Started,
    StepSettled,
    StoodStill,
    WaitBegan,
    apply,
)
from blueshift.engine.journal import Approval, Journal, Status
from blueshift.engine.protocol import Intent, PlannedChange, StepPlan, Way
from blueshift.engine.state import State
from blueshift.report import story
from blueshift.report.plan import plan_text, steps_text
from blueshift.report.status import status_text
from blueshift.report.words import ASCII, UNICODE, instant, length, marks
from tests.unit.report.story import at

DIFF = "--- before\n+++ after\n@@ -1 +1 @@\n-ttl: 300\n+ttl: 60"
STEP = StepPlan(
    "TTL of 2 names to 60 s",
    (PlannedChange("shop.example.test A", DIFF),),
    waits=("390 s until no resolver holds the old TTL",),
    consequences=("more queries reach the name servers",),
    seconds=390,
    back=("nsupdate <<EOF\nsend\nEOF",),
)


def plan() -> Plan:
    return Plan(
        release="ingress/ingress-nginx",
        cluster="https://10.0.0.1:6443",
        cluster_uid="0d4f",
        contract="c0ffee",
        seconds=3990,
        steps=(PlannedStep("lower-ttl", STEP), PlannedStep("preflight", StepPlan("every check"))),
        back=(Way("every name back to the primary", "nsupdate back.txt\nsend"), Way("then wait 60 s")),
    )


def test_a_plan_says_at_its_top_which_checks_do_not_count() -> None:
    assert "WITHOUT" not in plan_text(plan())
    lines = plan_text(replace(plan(), skipped=("helm-gitops-owner", "dns-hosts"))).splitlines()
    assert lines[2] == "WITHOUT the checks helm-gitops-owner, dns-hosts"


def test_a_plan_shows_changes_waits_consequences_and_the_way_back() -> None:
    text = plan_text(plan())
    for part in (
        "Plan for ingress/ingress-nginx",
        "kube-system UID 0d4f",
        "2 steps; its waits last at least 1 h 06 min",
        " 1. lower-ttl  (at least 6 min 30 s)",
        "    * shop.example.test A",
        "        -ttl: 300",
        "        +ttl: 60",
        "    waits: 390 s until",
        "    note: more queries",
        "    back: nsupdate <<EOF",
        "          send",
        " 2. preflight",
        "The way back by hand",
        " 1. every name back to the primary",
        "      nsupdate back.txt",
        "      send",
        " 2. then wait 60 s",
    ):
        assert part in text, part
    assert "\x1b" not in text


def test_a_plan_in_colour_says_the_same() -> None:
    coloured = plan_text(plan(), colour=True)
    assert "\x1b[32m+ttl: 60\x1b[0m" in coloured
    assert "\x1b[31m-ttl: 300\x1b[0m" in coloured


def test_a_long_diff_is_cut_and_counted() -> None:
    long = StepPlan("s", (PlannedChange("c", "\n".join(f"+{n}" for n in range(100))),))
    assert "… 60 more lines" in steps_text([("a", long)])
    assert "more lines" not in steps_text([("a", long)], most_lines=None)


def journal(*entries: tuple[float, Entry]) -> Journal:
    state = Journal(
        run="r1",
        release="ingress-nginx",
        namespace="ingress",
        cluster="0d4f",
        plan="c0ffee",
        playbook="blue-green",
        created=at(0),
        track=("snapshot", "lower-ttl", "purge"),
        holder="ann@host:1:aa",
    )
    for seconds, entry in entries:
        state = apply(state, entry, at(seconds))
    return state


SNAPSHOT: tuple[tuple[float, Entry], ...] = (
    (1, Started("snapshot")),
    (5, StepSettled("snapshot", "revision 7 is frozen", State())),
)
LOWERING: tuple[tuple[float, Entry], ...] = (
    (6, Started("lower-ttl")),
    (7, Intended("lower-ttl", "e", Intent("TTL 300 → 60"))),
    (8, Did("lower-ttl", "e", adopted=True)),
    (8, WaitBegan("lower-ttl", "old", "resolvers hold\nthe old TTL", at(398))),
)


def test_status_of_a_run_that_waits() -> None:
    text = status_text(journal(*SNAPSHOT, *LOWERING), at(68))
    for part in (
        "run       r1",
        "release   ingress/ingress-nginx",
        "status    working (epoch 1, ann@host:1:aa)",
        "began     12:00:00Z (1 min 08 s ago)",
        "✓ snapshot   4 s         revision 7 is frozen",
        "▶ lower-ttl  1 min 02 s",
        "✓ TTL 300 → 60 (found done already)",
        "wait: resolvers hold the old TTL (since 12:00:08Z (1 min), until 12:06:38Z (in 5 min 30 s))",
        "· purge",
    ):
        assert part in text, part
    assert "Stands still" not in text


def test_status_of_a_hold_shows_every_way_on() -> None:
    hold = StoodStill(
        "lower-ttl", "somebody changed it\n-300\n+120", ways=(Way("put it back", "nsupdate x"),)
    )
    text = status_text(journal(*SNAPSHOT, *LOWERING, (20, hold)), at(80))
    for part in (
        "status    holding",
        "■ lower-ttl",
        "Stands still in lower-ttl since 12:00:20Z:",
        "  -300",
        "blueshift resume r1",
        "  - put it back:\n      nsupdate x",
    ):
        assert part in text, part


RESUME, APPROVE = "blueshift resume r1", "go on: blueshift approve r1 purge"
ABORT, ROLLBACK = "take the run back: blueshift abort r1", "take the run back: blueshift rollback r1"


@pytest.mark.parametrize(
    ("status", "gate", "ways"),
    [
        ("working", "", [f"carry it on, if its process is gone: {RESUME}", ABORT]),
        ("interrupted", "", [f"carry it on: {RESUME}", ROLLBACK]),
        ("working", "purge", [APPROVE, ABORT]),
        ("parked", "purge", [APPROVE, f"and then carry it on: {RESUME}", ROLLBACK]),
        ("succeeded", "", []),
    ],
)
def test_status_says_how_a_run_goes_on(status: Status, gate: str, ways: list[str]) -> None:
    found = journal(*SNAPSHOT, *((10, StoodStill("purge", "it goes", gate=gate)) for _ in range(bool(gate))))
    found = replace(found, status=status)
    assert [f"{way.what}: {way.command}" for way in story.ways(found)] == ways
    text = " ".join(status_text(found, at(11)).split())
    assert all(f"- {way}" in text for way in ways)


def test_what_a_program_said_moves_no_cursor() -> None:
    text = status_text(journal(*SNAPSHOT, (6, StoodStill("lower-ttl", "no\x1b[2J\nand \u202ewhy"))), at(9))
    assert "no\\x1b[2J\n  and \\u202ewhy" in text


def test_status_at_a_gate_and_after_it() -> None:
    gate = StoodStill("purge", "the temporary goes", gate="purge")
    at_gate = journal(*SNAPSHOT, (9, Started("purge")), (10, gate))
    assert "waits at the gate purge" in status_text(at_gate, at(11))
    assert "blueshift approve r1 purge" in status_text(at_gate, at(11))
    given = Approval(1, "purge", "purge", "bob", at(12), "looked twice")
    opened = apply(at_gate, Approved(given), at(12))
    assert "approved  purge by bob at 12:00:12Z: looked twice" in status_text(opened, at(13))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (185, "3 min 05 s"),
        (3600, "1 h"),
        (3900, "1 h 05 min"),
        (86400, "1 d"),
        (100_000, "1 d 03 h"),
    ],
)
def test_lengths(seconds: float, said: str) -> None:
    assert length(seconds) == said


def test_instants_say_the_date_only_when_it_is_another() -> None:
    assert instant(at(0), at(60)) == "12:00:00Z"
    assert instant(at(0), at(0) + timedelta(days=1)) == "2026-11-24 12:00:00Z"


def test_marks_follow_the_encoding() -> None:
    assert marks("utf-8") == marks("UTF8") == UNICODE
    assert marks("ascii") == marks(None) == ASCII
