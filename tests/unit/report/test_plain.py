"""Plain lines and JSON lines."""

from __future__ import annotations

import json

import msgspec
import pytest

from blueshift import events
from blueshift.events import Event
from blueshift.report.jsonl import JsonLines
from blueshift.report.plain import Plain
from tests.unit.report.story import RUN, at, make, sides, started, until_drain, waiting


def lines(*story: Event) -> list[str]:
    written: list[str] = []
    listener = Plain(written.append)
    for event in story:
        listener(event)
    return written


def test_a_run_as_a_log() -> None:
    story = [
        started(),
        make(events.StepStarted, 1, step="lower-ttl"),
        make(events.EffectIntended, 2, step="lower-ttl", effect="e", what="TTL of 40 names 300 → 60"),
        make(events.EffectDone, 3, step="lower-ttl", effect="e", adopted=False),
        make(events.StepSettled, 75, step="lower-ttl", said="no resolver holds the old TTL"),
        make(events.RunEnded, 76, status="succeeded", said="every step settled"),
    ]
    assert lines(*story) == [
        f"2026-11-24 12:00:00Z run {RUN} of ingress/ingress-nginx begins: 19 steps",
        "2026-11-24 12:00:01Z [3/19] lower-ttl",
        "2026-11-24 12:00:02Z   lower-ttl: TTL of 40 names 300 → 60",
        "2026-11-24 12:01:15Z   lower-ttl: settled after 1 min 14 s: no resolver holds the old TTL",
        f"2026-11-24 12:01:16Z run {RUN} succeeded: every step settled",
    ]


def test_a_wait_says_why_since_when_until_when_and_what_then() -> None:
    told = lines(*sides(), waiting(101))
    assert told[0].endswith(
        "drain-primary: waits: 2 clients still reach the primary "
        "(for 41 s, until 12:16:00Z at the latest; then: harden)"
    )
    assert "primary 3/3 ready, 12.3 requests/s, 0.0 errors/s; temporary 2/3 ready, ? requests/s" in told[1]
    assert "10.0.0.53 answers primary 2, temporary 38; fd00::53" in told[2]


def test_the_same_wait_is_told_every_thirty_seconds() -> None:
    told = lines(*(waiting(seconds) for seconds in range(100, 161, 2)))
    assert [line[:20] for line in told] == [
        "2026-11-24 12:01:40Z",
        "2026-11-24 12:02:10Z",
        "2026-11-24 12:02:40Z",
    ]


def drain(seconds: float, clients: int, reason: str = "", connections: int | None = 1) -> Event:
    return make(
        events.DrainSeen, seconds, side="primary", clients=clients, requests=clients, connections=connections,
        reason=reason,
    )  # fmt: skip


def test_a_drain_is_told_when_something_changes_and_its_figures_alone_now_and_then() -> None:
    story = [drain(5 * n, 100 - n, f"{100 - n} clients still come, the last {n} s ago") for n in range(13)]
    told = lines(*story)
    assert [line[:20] for line in told] == [
        "2026-11-24 12:00:00Z", "2026-11-24 12:00:30Z", "2026-11-24 12:01:00Z"
    ]  # fmt: skip
    assert told[0].endswith(
        "drain of the primary: clients 100, requests 100, connections 1: "
        "100 clients still come, the last 0 s ago"
    )
    story += [drain(66, 3, "a pod of this cluster keeps a long connection"), drain(68, 0, connections=None)]
    assert [line.rpartition(": ")[2] for line in lines(*story)[3:]] == [
        "a pod of this cluster keeps a long connection", "drained"
    ]  # fmt: skip
    assert len(lines(*(drain(5 * n, 0) for n in range(500)))) == 1, "what stays as it is is told once"


def test_what_witnesses_watch_is_no_line_and_p95_and_resolvers_stand_beside_a_wait() -> None:
    watched = make(events.WitnessSeen, 60, side="primary", witness="log", pod="a", since=at(0), until=at(60))
    assert lines(watched, drain(60, 1)) == lines(drain(60, 1))
    side = make(
        events.SideSeen, 60, side="primary", ready=1, wanted=1, requests_per_s=1.0, errors_per_s=0.0,
        p95_s=0.041,
    )  # fmt: skip
    told = make(
        events.AnswersSeen, 60, server="1.1.1.1", primary=1, temporary=0, other=0, unknown=0, recursive=True
    )
    _, both, dns = lines(side, told, waiting(101))
    assert "0.0 errors/s, p95 41 ms" in both
    assert "1.1.1.1 (recursive) answers primary 1" in dns


def test_a_wait_of_which_figures_change_at_each_look_is_no_flood() -> None:
    story = [
        waiting(100 + n, reason=f"{n} of 20 s have passed [10.0.0.{n} → a: {n} requests]") for n in range(40)
    ]
    assert [line[:20] for line in lines(*story)] == ["2026-11-24 12:01:40Z", "2026-11-24 12:02:10Z"]


def test_who_is_left_is_listed_once_a_line_for_each() -> None:
    items = "10.0.0.7 → a.example: 9 requests, a stale answer; 10.0.0.8 → b.example: 1 requests"
    why = f"2 hosts were asked [{items}]"
    told = lines(drain(100, 2, why), waiting(101, reason=f"the primary is not proven idle: {why}"))
    assert [line[21:].strip() for line in told[:-1]] == [
        "drain of the primary: clients 2, requests 2, connections 1: 2 hosts were asked",
        "10.0.0.7 → a.example: 9 requests, a stale answer",
        "10.0.0.8 → b.example: 1 requests",
    ]
    assert "waits: the primary is not proven idle: 2 hosts were asked (for 41 s, until" in told[-1]
    alone = lines(waiting(101, reason=f"the primary is not proven idle: {why}"))
    assert "10.0.0.7 → a.example" in alone[0]


def test_a_new_reason_is_told_at_once() -> None:
    assert len(lines(waiting(100), waiting(102, reason="1 client still reaches the primary"))) == 2


def test_a_gate_shows_its_command_and_an_adopted_effect_is_said() -> None:
    gate = make(events.GateWaits, 5, step="purge", gate="purge", reason="r", command="blueshift approve x y")
    assert lines(gate)[1].endswith("open it with: blueshift approve x y")
    adopted = make(events.EffectDone, 5, step="purge", effect="uninstall", adopted=True)
    assert "found done already: uninstall" in lines(adopted)[0]


def test_a_hold_is_told_with_every_line_of_its_reason() -> None:
    told = lines(
        make(events.Held, 5, step="upgrade", reason="ImagePullBackOff\nnot found", ways=()),
        make(events.RunEnded, 5, status="holding", said="ImagePullBackOff\nnot found"),
    )
    assert [line[21:] for line in told] == [
        "HOLDS in upgrade: ImagePullBackOff",
        "      not found",
        f"run {RUN} holding",
    ]


def test_a_service_in_trouble_does_not_flood_the_log() -> None:
    story = [make(events.Noticed, n, step="", sentence="metrics: refused") for n in range(0, 600, 5)]
    assert len(lines(*story)) == 2
    assert len(lines(*story, make(events.Noticed, 600, step="a", sentence="else"))) == 3


def test_a_resume_says_its_epoch() -> None:
    assert "is carried on (epoch 3)" in lines(started(epoch=3))[0]


@pytest.mark.parametrize("event", until_drain(), ids=lambda event: type(event).__name__)
def test_json_lines_are_versioned_and_read_back(event: Event) -> None:
    written: list[str] = []
    JsonLines(written.append)(event)
    (line,) = written
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields.pop("v"), fields["run"]) == (events.SCHEMA, RUN)
    assert msgspec.convert(fields, type(event)) == event
    assert fields["event"] == type(event).__name__.lower()


def json_lines(*story: Event) -> list[dict[str, object]]:
    written: list[str] = []
    listener = JsonLines(written.append)
    for event in story:
        listener(event)
    return [json.loads(line) for line in written]


def test_looks_that_show_nothing_new_are_no_flood_of_json() -> None:
    def watched(second: float, gaps: int = 0, pod: str = "a") -> Event:
        return make(
            events.WitnessSeen, second, side="primary", witness="log", pod=pod, since=at(0),
            until=at(second), gaps=tuple((at(n), at(n + 1)) for n in range(gaps)),
        )  # fmt: skip

    def dns(second: float, temporary: int, server: str = "10.0.0.53") -> Event:
        return make(
            events.AnswersSeen, second, server=server, primary=9, temporary=temporary, other=0, unknown=0
        )

    every = range(0, 60, 5)
    assert len(json_lines(*(watched(n) for n in every))) == 2, "once, and a sign of life after 30 s"
    assert len(json_lines(*(watched(n, pod=pod) for n in every for pod in "abc"))) == 6, "of each pod"
    assert len(json_lines(watched(0), watched(5, 1), watched(10, 1), watched(15, 2))) == 3, "each new gap"
    assert len(json_lines(*(dns(n, 0) for n in every), dns(61, 3))) == 3
    assert len(json_lines(dns(0, 0), dns(1, 0, "10.0.0.54"), dns(2, 1), dns(3, 0))) == 4
    assert len(json_lines(*(drain(n, 2, "two") for n in every), drain(61, 1, "one"))) == 3
    waits = [waiting(second) for second in every]
    assert len(json_lines(*waits)) == len(waits), "what the run does is always told"
