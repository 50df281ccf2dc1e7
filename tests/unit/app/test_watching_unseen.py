"""What `watch` cannot see is said, once, and again when it changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from blueshift.app.unseen import Counted, Note
from blueshift.app.watching import SIDES, Chosen
from blueshift.cli.watch import _counted, _json_note, _note
from blueshift.cluster.errors import ApiError, Forbidden
from blueshift.engine.state import SideName
from tests.unit.app.test_watching import Bench
from tests.unit.steps.sides import CONFIG, Hand, Pods
from tests.unit.traffic.test_digest import access

ALLOWED = 'pods "p2" is forbidden: User "eve" cannot get resource "pods/log"'


class Watched:
    """Two pods of the primary, whose logs can be forbidden, cut and rotated."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        sides: tuple[SideName, ...] = ("primary",),
        *,
        since: float = 0.0,
    ) -> None:
        self.clock = Hand()
        self.kube = Pods(self.clock)
        self.forbidden = False
        streams = self.kube.logs

        async def logs(namespace: str, pod: str, container: str, **more: Any) -> AsyncIterator[bytes]:
            if self.forbidden and pod == "p2":
                raise Forbidden(ALLOWED, hint="`kubectl auth can-i --list` shows what this user may")
            if more.get("limit"):  # where a log begins
                for at, line in self.kube._logs[pod][:1]:
                    yield at.isoformat().encode() + b" " + line
                return
            async for line in streams(namespace, pod, container, **more):
                yield line

        monkeypatch.setattr(self.kube, "logs", logs)
        chosen = Chosen(sides=sides)
        self.bench = Bench(monkeypatch, chosen, kube=self.kube, clock=self.clock, since=since)
        self.stopping = asyncio.Event()
        self.running = asyncio.create_task(self.bench.watching.run(self.stopping))

    async def passed(self, seconds: float) -> None:
        await self.clock.passed(seconds, self.running)

    @property
    def notes(self) -> list[str]:
        return self.bench.notes

    @property
    def counted(self) -> str:
        return _counted(self.bench.watching)

    async def end(self) -> None:
        self.stopping.set()
        await asyncio.wait_for(self.running, 10)


async def test_a_log_that_is_all_of_another_format_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    await watched.passed(10)
    for number in range(200):
        watched.kube.write(b"\x1b[2J%d " % number + b"x" * 500)
    watched.kube.asked("a.org", pod="p2")
    await watched.passed(60)
    (note,) = watched.notes
    assert note.startswith("200 of 200 lines in the log of p1 (primary) could not be read")
    assert "'\\x1b[2J0 xxxx" in note
    assert "log-format-upstream" in note
    assert len(note) < 400
    assert "\x1b" not in note
    assert watched.counted == (
        "counted: primary 1 requests, 0 errors (of 1 of 2 pods, 200 lines could not be read)"
    )
    watched.kube.write(b"and another")
    await watched.passed(60)
    assert len(watched.notes) == 1, "once, however many there are"
    assert "201 lines" in watched.counted
    await watched.end()


async def test_some_lines_that_cannot_be_read_are_told_and_their_pod_is_read_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch)
    await watched.passed(10)
    watched.kube.asked("a.org", times=3)
    watched.kube.write(b"what is this")
    watched.kube.write(
        b"I1124 00:00:00.000000       7 controller.go:1] what the controller says is no access"
    )
    await watched.passed(20)
    (note,) = watched.notes
    assert note.startswith("1 of 4 lines in the log of p1 (primary) could not be read")
    assert watched.counted == "counted: primary 3 requests, 0 errors (1 line could not be read)"
    await watched.end()


async def test_a_log_that_may_not_be_read_is_said_once_and_again_when_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch)
    watched.forbidden = True
    await watched.passed(10)
    watched.kube.asked("a.org")
    await watched.passed(120)
    (note,) = watched.notes
    assert note == (
        f"the log of p2 (primary) cannot be read: {ALLOWED}; `blueshift rbac --role viewer` prints a role "
        "that may"
    )
    assert watched.counted == "counted: primary 1 requests, 0 errors (of 1 of 2 pods)"
    watched.forbidden = False
    await watched.passed(30)
    assert watched.notes[1:] == ["the log of p2 (primary) is followed again; nothing of it is missing"]
    assert watched.counted == "counted: primary 1 requests, 0 errors"
    watched.forbidden = True
    watched.kube.cut("p2")
    await watched.passed(30)
    assert watched.notes[2:] == [note], "it has come again"
    await watched.end()


@pytest.mark.parametrize(
    ("rotated", "says"),
    [
        (False, "is followed again; nothing of it is missing"),
        (True, "is followed again; missing is what it wrote from 00:00:10 to 00:01:0"),
    ],
)
async def test_a_stream_that_broke_says_so_and_what_is_missing(
    rotated: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    await watched.passed(10)
    for pod in ("p1", "p2"):
        watched.kube.asked("a.org", pod=pod)
    await watched.passed(10)
    watched.kube.unreachable = True
    watched.kube.cut("p1")
    await watched.passed(30)
    assert watched.notes == ["the log of p1 (primary) cannot be read: no route"]
    assert "(of 1 of 2 pods)" in watched.counted
    if rotated:
        watched.kube.rotate("p1")
    await watched.passed(10)
    watched.kube.unreachable = False
    await watched.passed(30)
    (_, again) = watched.notes
    assert again.startswith(f"the log of p1 (primary) {says}")
    assert "pods" not in watched.counted
    await watched.end()


async def test_a_gap_of_a_stream_that_could_be_opened_at_once_is_told_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch)
    await watched.passed(10)
    watched.kube.asked("a.org")
    await watched.passed(10)
    watched.kube.cut("p1")
    watched.kube.rotate("p1")
    await watched.passed(120)
    (note,) = watched.notes
    assert note.startswith("the log of p1 (primary) is missing from 00:00:10 to 00:00:2")
    await watched.end()


async def test_pods_that_have_gone_and_quiet_ones_whose_stream_ends_are_no_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch)
    await watched.passed(10)
    watched.kube.asked("a.org")
    for _ in range(3):
        await watched.passed(60)
        watched.kube.cut("p2")
    watched.forbidden = True
    del watched.kube.objects["/api/v1/namespaces/edge/pods/p2"]
    watched.kube.cut("p2")
    await watched.passed(60)
    assert watched.notes == []
    assert watched.counted == "counted: primary 1 requests, 0 errors"
    await watched.end()


async def test_a_pod_that_comes_meanwhile_and_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    gone = watched.kube.objects.pop("/api/v1/namespaces/edge/pods/p2")
    watched.forbidden = True
    await watched.passed(30)
    assert watched.notes == []
    watched.kube.objects["/api/v1/namespaces/edge/pods/p2"] = gone
    await watched.passed(30)
    (note,) = watched.notes
    assert note.startswith("the log of p2 (primary) cannot be read")
    await watched.end()


async def test_a_side_that_is_not_there_or_does_not_log_is_told_from_one_that_nobody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(monkeypatch, SIDES)
    assert "not looked at yet" in watched.counted
    watched.kube.objects["/api/v1/namespaces/edge/configmaps/demo"]["data"] = {
        **CONFIG,
        "disable-access-log": "true",
    }
    await watched.passed(60)
    (note,) = watched.notes
    assert note.startswith("the access log of the primary does not show every request (")
    assert "disable-access-log" in note
    assert "disable-access-log" in watched.counted
    assert watched.counted.endswith("; temporary 0 requests, 0 errors (no pod runs)")
    await watched.end()


async def test_a_side_that_cannot_be_looked_at_for_long_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, Chosen(sides=("primary",)), access(1))

    def hook(verb: str, path: str) -> None:
        if path.endswith("/pods"):
            raise ApiError("the API server is gone")

    bench.kube.hook = hook
    await bench.watch(300)
    assert len(bench.notes) == 1
    assert "cannot be followed now" in _counted(bench.watching)


async def test_a_format_that_is_changed_meanwhile_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    await watched.passed(10)
    watched.kube.asked("a.org")
    settings = watched.kube.objects["/api/v1/namespaces/edge/configmaps/demo"]
    settings["data"] = {"log-format-upstream": "$remote_addr $host $status"}
    await watched.passed(10)
    watched.kube.write(b"192.0.2.7 a.org 503")
    watched.kube.asked("a.org")  # by a worker that ends
    await watched.passed(10)
    assert watched.notes == ["the log format of the primary was changed: lines are read by the new one too"]
    assert watched.counted == "counted: primary 3 requests, 1 errors"
    watched.kube.write(b"what is this")
    settings["data"] = {"log-format-upstream": "no variable in it"}
    await watched.passed(30)
    (note,) = watched.notes[1:]
    assert note.startswith("1 of 4 lines in the log of p1 (primary) could not be read")
    settings["data"] = {"log-format-upstream": "$remote_addr $request_id"}
    await watched.passed(10)
    watched.kube.write(b"192.0.2.7 7c1e")
    watched.kube.write(b"andthis,now")
    await watched.passed(10)
    assert "'andthis,now'" in watched.notes[-1], "of the new format it is news"
    assert "its format has no $status" in watched.counted
    assert "4 requests, 1 errors" in watched.counted, "what has no status is no error"
    await watched.end()


@pytest.mark.parametrize(
    ("back", "notes"),
    [
        (300.0, ["the log of p1 (primary) reaches back to 00:00:59 alone: before that it was rotated"]),
        (30.0, []),
        (0.0, []),
    ],
)
async def test_a_log_that_does_not_reach_back_as_far_as_was_asked_is_said(
    back: float, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch, since=back)
    watched.clock.advance(60)
    watched.kube.asked("a.org")
    watched.clock.advance(60)
    await watched.passed(30)
    assert watched.notes == notes
    await watched.end()


def test_notes_stand_among_the_objects_and_before_the_person(capsys: pytest.CaptureFixture[str]) -> None:
    said = Note("the log of p1\x1b[2J cannot be read", "primary", "p1")
    _json_note(said)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"note": said.note, "side": "primary", "pod": "p1"}
    assert err == "the log of p1\\x1b[2J cannot be read\n"
    _note(said)
    assert capsys.readouterr().out == ""


def test_numbers_of_all_pods_have_no_doubts() -> None:
    assert Counted(3, 1, pods=2, read=2).doubts() == ()
