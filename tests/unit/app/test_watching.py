"""What `watch` shows of both sides, and what it counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.app import watching
from blueshift.app.unseen import Note
from blueshift.app.watching import Chosen, Watching
from blueshift.cli.main import run
from blueshift.cli.watch import _json, _line
from blueshift.cluster.errors import ApiError
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.discovery.raw import Raw
from blueshift.engine.state import SideName
from blueshift.playbook.config import Config, Dns, Release
from blueshift.traffic.logs import Line, compile_format
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.steps.test_follower import ON, OnePod, until
from tests.unit.traffic.test_digest import access

WORKLOAD = "/apis/apps/v1/namespaces/edge/deployments/demo"
STAMP = b"2026-11-24T00:55:00.5Z "


def line() -> Line:
    found = compile_format().parse(access())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        (Chosen(), True),
        (Chosen(hosts=("shop-*",)), True),
        (Chosen(hosts=("blog-*", "news-*")), False),
        (Chosen(statuses=((500, 599),)), False),
        (Chosen(statuses=((500, 599), (200, 200))), True),
        (Chosen(slower=0.004), True),
        (Chosen(slower=0.005), False),
        (Chosen(hosts=("shop-*",), statuses=((404, 404),)), False),
    ],
)
def test_every_filter_must_let_a_line_pass(chosen: Chosen, shown: bool) -> None:
    assert chosen.shows(line()) is shown


def test_own_probes_are_shown_on_demand_alone() -> None:
    own = line()._replace(agent="blueshift-probe/1")
    assert not Chosen().shows(own)
    assert Chosen(own=True).shows(own)


class Bench:
    """One pod of the primary, unless it is given another side; the temporary is not there."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        chosen: Chosen,
        *log: bytes,
        kube: FakeKube | None = None,
        clock: ManualClock | None = None,
        settings: Mapping[str, str] | None = None,
        ingresses: Sequence[Raw] = (),
        unserved: str = "",
        since: float = 0.0,
    ) -> None:
        self.clock = clock or ManualClock()
        self.kube = kube or OnePod(ON, tuple(STAMP + one for one in log), settings or {}, "")
        self.told: list[tuple[SideName, str, int]] = []
        self.notes: list[str] = []
        profile = IngressNginx()
        found = SimpleNamespace(
            settings=profile.settings(
                self.kube.objects["/apis/apps/v1/namespaces/edge/deployments/demo"], {}
            ),
            served=tuple(ingresses),
            unserved=unserved,
            known=profile,
            workload=SimpleNamespace(kind="Deployment", namespace="edge", name="demo"),
        )

        async def primary(*_: Any, **__: Any) -> Any:
            return found

        monkeypatch.setattr(watching, "primary", primary)
        config = Config(Release("web", "edge"), Dns())
        session = SimpleNamespace(
            config=config, clock=self.clock, kube=self.kube, recognise=lambda _: profile
        )
        self.watching = Watching(cast(Any, session), chosen, self.tell, self.note, since=since)

    def note(self, note: Note) -> None:
        self.notes.append(note.note)

    def tell(self, side: SideName, pod: str, line: Line) -> None:
        self.told.append((side, pod, line.status))

    async def watch(self, seconds: float) -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(self.watching.run(stopping))
        await until(seconds, self.clock, running)
        stopping.set()
        await asyncio.wait_for(running, 10)


async def test_all_is_counted_and_what_was_chosen_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    own = access(3).replace(b"curl/8", b"blueshift-probe/1")
    bench = Bench(
        monkeypatch,
        Chosen(sides=("primary",), statuses=((500, 599),)),
        access(1), access(2, status='" 502 '), own, access(4, status='" 009 '),
    )  # fmt: skip
    await bench.watch(30)
    assert [(side, status) for side, _, status in bench.told] == [("primary", 502)]
    counted = bench.watching.counted["primary"]
    assert (counted.requests, counted.errors) == (3, 2)
    assert bench.notes == []


async def test_a_side_that_cannot_be_looked_at_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, Chosen(sides=("primary",)), access(1))
    finds = type(bench.kube).find

    async def fails(*_: Any, **__: Any) -> Any:
        monkeypatch.setattr(OnePod, "find", finds)
        raise ApiError("the API server is gone")

    monkeypatch.setattr(OnePod, "find", fails)
    await bench.watch(30)
    assert bench.notes[:2] == [
        "the primary cannot be followed: the API server is gone; trying again in 5 s",
        "the primary is followed again",
    ]
    assert len(bench.told) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--status", "6xx"], "'6xx' is none: 5xx, 404 or 500-503"),
        (["--slow", "soon"], "expected a length of time"),
        (["--since", "never"], "expected a length of time"),
    ],
)
def test_what_cannot_be_chosen_is_said(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["watch", *arguments]) == 1
    assert says in capsys.readouterr().err


async def test_a_reader_that_goes_away_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, Chosen(sides=("primary",)), access(1), access(2))

    def gone(*_: Any) -> None:
        raise BrokenPipeError

    bench.watching._tell = gone
    with pytest.raises(BrokenPipeError):
        await asyncio.wait_for(bench.watching.run(asyncio.Event()), 10)
    assert bench.watching.counted["primary"].requests == 2


async def test_nothing_but_logs_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("metrics and connections are not what is watched")

    monkeypatch.setattr(OnePod, "text", never)
    monkeypatch.setattr(OnePod, "exec", never)
    bench = Bench(monkeypatch, Chosen(sides=("primary",)), access(1))
    await bench.watch(30)
    assert bench.notes == []


def test_what_a_client_sends_does_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    sent = line()._replace(path="/\x1b]0;owned\x07\n12:00:00 forged", client="192.0.2.7")
    _line("primary", "web-7d", sent._replace(path=sent.path + "?token=hunter22"))
    (told,) = capsys.readouterr().out.splitlines()
    assert "/\\x1b]0;owned\\x07\\n12:00:00 forged" in told
    assert "hunter22" not in told


def test_a_duration_that_the_log_does_not_tell_is_shown_as_none(capsys: pytest.CaptureFixture[str]) -> None:
    untold = line()._replace(seconds=None)
    _line("primary", "web-7d", untold)
    _json("primary", "web-7d", untold)
    lines, rows = capsys.readouterr().out.splitlines()
    assert " - 192.0.2" in lines
    assert "0.000s" not in lines
    assert json.loads(rows)["seconds"] is None
    assert not Chosen(slower=0.1).shows(untold)
    assert Chosen().shows(untold)
