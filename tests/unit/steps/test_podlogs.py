"""What is missed of a pod's log, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from blueshift.app.sides import TOLD_EVERY, Words
from blueshift.steps.follower import Follower
from blueshift.traffic.witnesses import Coverage
from tests.unit.steps.sides import CONFIG, FORM, Hand, Pods, follower_of


class Side:
    def __init__(self) -> None:
        self.clock = Hand()
        self.kube = Pods(self.clock)
        self.follower: Follower = follower_of(self.kube)
        self.running = asyncio.create_task(self.follower.run())

    async def passed(self, seconds: float) -> None:
        await self.clock.passed(seconds, self.running)

    def holes(self, since: float = 0.0) -> tuple[str, ...]:
        return self.follower.holes(self.clock.start.timestamp() + since, 0.002)

    @property
    def counted(self) -> int:
        return self.follower.logged(self.follower.since).whole.requests


async def test_lines_that_come_again_count_once() -> None:
    side = Side()
    for _ in range(6):
        await side.passed(20)
        side.kube.asked("a.org", times=5)
        await side.passed(1)
        side.kube.cut("p1")
    await side.passed(20)
    assert (side.counted, side.holes()) == (30, ())


async def test_a_pod_that_says_nothing_is_no_hole_however_often_its_stream_ends() -> None:
    side = Side()
    for _ in range(6):
        await side.passed(20)
        side.kube.cut("p1")
    await side.passed(20)
    assert side.holes() == ()


async def test_a_stream_that_cannot_be_opened_again_is_a_hole_that_lasts() -> None:
    side = Side()
    side.kube.asked("a.org")
    await side.passed(20)
    side.kube.unreachable = True
    side.kube.cut("p1")
    await side.passed(60)
    assert [hole.split(" on")[0] for hole in side.holes()] == ["the log of p1 is missing from 00:00:19"]
    side.kube.unreachable = False
    await side.passed(20)
    assert side.holes() == (), "what was written meanwhile was read"


def rotated(side: Side) -> None:
    side.kube.rotate("p1")


def rotated_and_written(side: Side) -> None:
    side.kube.rotate("p1")
    side.kube.asked("a.org")


@pytest.mark.parametrize("change", [rotated, rotated_and_written])
async def test_a_log_that_was_rotated_while_its_stream_was_broken_is_a_hole(
    change: Callable[[Side], None],
) -> None:
    side = Side()
    await side.passed(10)
    side.kube.asked("a.org")
    await side.passed(10)
    side.kube.cut("p1")
    change(side)
    await side.passed(60)
    (hole,) = side.holes()
    assert hole.startswith("the log of p1 is missing from 00:00:10 to 00:00:2")
    assert not [hole for hole in side.holes(since=60) if "p1" in hole]
    (log,) = [one for one in side.follower.coverage() if (one.witness, one.pod) == ("log", "p1")]
    assert len(log.gaps) == 1
    assert log.until > side.clock.utc().timestamp() - 5


async def test_rotation_under_an_open_stream_is_none() -> None:
    side = Side()
    side.kube.asked("a.org")
    await side.passed(20)
    side.kube.rotate("p1")
    await side.passed(60)
    assert side.holes() == ()


async def test_what_was_written_before_is_not_known() -> None:
    side = Side()
    await side.passed(20)
    assert "the log of p1 is followed only since 00:00:00" in side.holes(since=-3600)


async def test_a_pod_that_has_ended_misses_nothing() -> None:
    side = Side()
    side.kube.asked("a.org")
    await side.passed(20)
    del side.kube.objects["/api/v1/namespaces/edge/pods/p1"]
    side.kube.cut("p1")
    await side.passed(600)
    assert side.holes() == ()


def test_how_far_a_pod_was_watched_is_told_now_and_then_and_at_every_change() -> None:
    words = Words()
    whole = Coverage("log", "p1", 0.0, 10.0)
    broken = Coverage("log", "p1", 0.0, 10.0, gaps=((9.0, float("inf")),))
    mended = Coverage("log", "p1", 0.0, 10.0, gaps=((9.0, 10.0),))
    told = [
        list(words.news("primary", [seen], at))
        for at, seen in (
            (0.0, whole),
            (5.0, whole),
            (10.0, broken),
            (15.0, broken),
            (20.0, mended),
            (20.0 + TOLD_EVERY, mended),
        )
    ]
    assert told == [[whole], [], [broken], [], [mended], [mended]]
    assert list(words.news("temporary", [whole], 21.0)) == [whole]


async def test_latency_is_none_where_one_of_the_formats_that_are_read_tells_no_time() -> None:
    side = Side()
    await side.passed(10)
    settings = side.kube.objects["/api/v1/namespaces/edge/configmaps/demo"]
    settings["data"] = {"log-format-upstream": "$remote_addr $host $status"}
    await side.passed(10)
    side.kube.write(b"192.0.2.7 a.org 200")
    await side.passed(10)
    found = side.follower.logged(side.follower.since).whole
    assert found.requests == 1
    assert found.latency is None or found.latency.quantile(0.5) is None
    assert side.holes() == ()


BLOCK = FORM.replace(", ", ",\n  ").replace("}", "\n}") + "\n"
"""As a YAML block keeps it: nginx writes its line breaks."""


async def test_an_access_that_takes_several_lines_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONFIG, "log-format-upstream", BLOCK)
    side = Side()
    heard: list[str] = []
    await side.passed(5)
    assert side.follower.logs is not None
    side.follower.logs._hear = lambda pod, line: heard.append(f"{pod} {line.status} {line.host}")
    values = {"$remote_addr": "c1", "$host": "a.org", "$status": "502", "$request_time": "0.01"}
    text = BLOCK.strip()
    for name, value in values.items():
        text = text.replace(name, value)
    for pod, lines in (("p1", text.split("\n")[:3]), ("p2", text.split("\n")), ("p1", text.split("\n")[3:])):
        side.kube.write(b"I1123 23:41:48.000000       7 main.go:1] told", pod)
        for line in lines:
            side.kube.write(line.encode(), pod)
        await side.passed(1)
        side.kube.cut("p1")
    await side.passed(20)
    assert sorted(heard) == ["p1 502 a.org", "p2 502 a.org"]
    assert (side.counted, side.holes()) == (2, ())
    assert side.follower.logs.tally.pods["p1"].unreadable == 0
