"""`blueshift drain status` as people and programs read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from blueshift.app.left import Client, Left
from blueshift.cli.drain import _show, _Ways
from blueshift.cli.main import run

AT = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
LEFT = Left(
    side="primary",
    release="edge/web",
    at=AT,
    judged="remaining",
    reason="1 known hosts or services were asked in the last 600 s",
    run="r1",
    moved=AT - timedelta(minutes=20),
    clients=(Client("203.0.113.9\x1b[2J", "a.org", 7, AT - timedelta(seconds=65), "a pinned address"),),
    connections={"p1": 2, "p2": None},
    noise=3,
    unseen=("requests of b.org: their access log is off",),
)


def test_a_person_sees_who_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    _show((LEFT,), _Ways(None, None, False, "table"))
    told = capsys.readouterr().out
    for part in (
        "primary edge/web: still served: 1 known hosts",
        "traffic left it 20 min ago (run r1)",
        "1 min 05 s ago",
        "a pinned address",
        "open connections of others: p1 2, p2 ?",
        "unknown hosts, which hold nothing up: 3",
        "not seen: requests of b.org",
    ):
        assert part in told
    assert "\x1b[2J" not in told, "what a client sends does not reach the terminal"


def test_a_reason_that_all_have_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    clients = tuple(replace(LEFT.clients[0], client=f"203.0.113.{number}") for number in range(25))
    _show((replace(LEFT, clients=clients),), _Ways(None, None, False, "table"))
    told = capsys.readouterr().out
    assert told.count("a pinned address") == 1
    assert "203.0.113.19 " in told
    assert "and 5 more" in told
    _show(
        (replace(LEFT, clients=(*clients, replace(clients[0], why="DNS"))[-3:]),),
        _Ways(None, None, False, "table"),
    )
    assert capsys.readouterr().out.count("a pinned address") == 2


def test_programs_get_a_list_of_sides_and_a_line_for_each_look(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    _show((LEFT,), _Ways(None, None, False, "json"))
    whole = json.loads(capsys.readouterr().out)
    _show((LEFT,), _Ways(None, None, True, "json"))
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == whole
    assert whole[0]["clients"][0]["requests"] == 7
    assert whole[0]["connections"] == {"p1": 2, "p2": None}


def test_a_window_is_a_length_of_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drain", "status", "--window", "soon"]) == 1
    assert "expected a length of time" in capsys.readouterr().err
