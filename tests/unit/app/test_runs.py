"""One run of a release at a time, and none that begins or turns after a signal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from blueshift.app import claims, runs
from blueshift.app.turn import Ask
from blueshift.discovery.world import standing
from blueshift.engine.journal import Journal
from blueshift.engine.store import Runs
from blueshift.errors import BlueshiftError
from blueshift.helm.records import decode_secret, encode, write_chart
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.app.worlds import world

LEASES = "/apis/coordination.k8s.io/v1/namespaces/ingress/leases"


class Bench:
    """A session over a fake API server, and a look that always sees the same."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kube = FakeKube()
        self.clock = ManualClock()
        self.runs = Runs(cast(Any, self.kube), self.clock, "blueshift")
        self.world = world(2)
        self.seen: Callable[[], None] = lambda: None
        self.session: Any = SimpleNamespace(
            kube=self.kube, clock=self.clock, runs=self.runs, cluster=self.world.cluster
        )
        self.now = self.world
        monkeypatch.setattr(runs, "look_again", self.look_again)

    async def look_again(self, *_: Any) -> dict[str, Any]:
        self.seen()
        return standing(self.now.cluster, self.now.release, self.now.services, self.now.names)

    def journal(self, run: str) -> Journal:
        return Journal(
            run=run, release="demo", namespace="ingress", cluster=self.world.cluster.uid, plan="p",
            playbook="blue-green", created=self.clock.utc(), track=("forward/preflight",), holder="eve@far:1",
        )  # fmt: skip

    async def start(self, stopping: asyncio.Event) -> None:
        looked: Any = SimpleNamespace(world=self.world)
        nothing: Any = None
        await runs.start(self.session, looked, nothing, "r2", lambda _: None, stopping)

    def journals(self) -> list[str]:
        return [path for path in self.kube.objects if "/configmaps/" in path]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


async def test_a_run_that_is_not_over_is_named_with_its_holder_and_the_ways_on(bench: Bench) -> None:
    await bench.runs.create(bench.journal("r1"), {})
    with pytest.raises(BlueshiftError, match=r"run r1 of demo is not over: .* held by eve@far:1") as caught:
        await claims.nobody_else(bench.runs, "demo", "ingress")
    for command in ("status r1", "resume r1", "rollback r1"):
        assert f"`blueshift {command}`" in str(caught.value.hint)
    await claims.nobody_else(bench.runs, "demo", "elsewhere")


async def test_the_second_of_two_who_race_for_the_lease_opens_no_run(bench: Bench) -> None:
    await bench.runs.create(bench.journal("r1"), {})
    (path,) = bench.journals()
    theirs = bench.kube.objects.pop(path)

    def between(verb: str, where: str) -> None:
        if (verb, where) == ("create", LEASES):
            bench.kube.objects[path] = theirs

    bench.kube.hook = between
    with pytest.raises(BlueshiftError, match="run r1 of demo is not over"):
        await bench.start(asyncio.Event())
    assert bench.journals() == [path]
    assert bench.kube.objects[f"{LEASES}/blueshift-demo"]["spec"]["holderIdentity"] == ""


async def test_a_signal_while_it_looks_again_opens_no_run(bench: Bench) -> None:
    stopping = asyncio.Event()
    bench.seen = stopping.set
    with pytest.raises(runs.Stopped, match="nothing was changed"):
        await bench.start(stopping)
    assert not bench.journals()


async def test_what_changed_while_a_person_read_the_plan_makes_it_stale(bench: Bench) -> None:
    release = msgspec.structs.replace(bench.world.release, revision=bench.world.release.revision + 1)
    bench.now = msgspec.structs.replace(bench.world, release=release)
    with pytest.raises(runs.Refused, match="the plan is stale: revision: 3 → 4"):
        await bench.start(asyncio.Event())
    assert not bench.journals()


async def test_a_signal_before_it_turns_leaves_the_run_as_it_was(bench: Bench) -> None:
    await bench.runs.create(bench.journal("r1"), {})
    (path,) = bench.journals()
    before = bench.kube.objects[path]
    stopping = asyncio.Event()
    stopping.set()
    nothing: Any = None
    with pytest.raises(runs.Stopped):
        await runs.resume(bench.session, nothing, "r1", lambda _: None, stopping, ask=Ask("back", "eve", ""))
    assert bench.kube.objects[path] == before


def test_a_chart_with_subcharts_is_refused_with_what_helps(tmp_path: Path) -> None:
    """`--chart` names the target: the chart that runs always comes from the record."""
    chart = {"metadata": {"name": "umbrella", "version": "1", "dependencies": [{"name": "ingress-nginx"}]}}
    record = decode_secret({"data": {"release": encode({"name": "web", "version": 1, "chart": chart})}})
    with pytest.raises(BlueshiftError, match="has subcharts") as caught:
        write_chart(record, tmp_path)
    assert "this version upgrades no release of such a chart" in str(caught.value.hint)
    assert "a release of its own" in str(caught.value.hint)
