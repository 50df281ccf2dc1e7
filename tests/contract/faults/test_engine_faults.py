"""The engine on a real API server that fails: nothing is done twice or lost, and it says why it waits."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from blueshift import events
from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import TooMany, WriteLost
from blueshift.engine.entries import Resumed, Started
from blueshift.engine.journal import Approval, Journal, Standstill
from blueshift.engine.lease import Claim, Lease
from blueshift.engine.loop import run_track
from blueshift.engine.protocol import Absent, Done, Effect, Intent, Journalled, Observed
from blueshift.engine.state import State
from blueshift.engine.store import FenceLost, Runs, Writer
from blueshift.engine.waiting import Services
from tests.crash.faults.api import Do, Proxy, Rule
from tests.unit.engine.steps import ToyStep

WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Patience(SystemClock):
    """The machine's clock with every sleep a twentieth as long; durations are told as if it were not."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds / 20)


class Made:
    """An effect in the real API server: a ConfigMap, made once."""

    def __init__(self, kube: KubeApi, namespace: str, key: str) -> None:
        self.kube = kube
        self.maps = paths.core("configmaps", namespace)
        self.key = key
        self.intent = Intent(f"make {key}", bound=5.0)

    async def observe(self, journalled: Journalled | None) -> Observed:
        return Absent() if await self.kube.find(f"{self.maps}/{self.key}") is None else Done()

    async def do(self) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self.key}}
        await self.kube.create(self.maps, body)


class Making(ToyStep):
    """A step of such effects."""

    def __init__(self, step: str, *effects: Made) -> None:
        super().__init__(step)
        self.made = effects

    async def effects(self) -> Sequence[Effect]:
        return self.made


def journal(*track: str) -> Journal:
    return Journal(
        run="r1",
        release="demo",
        namespace="default",
        cluster="uid",
        plan="hash",
        playbook="toy",
        created=datetime(2026, 11, 24, tzinfo=UTC),
        track=track,
        holder=f"tester-{secrets.token_hex(2)}",
    )


def services(clock: SystemClock, heard: list[Any]) -> Services:
    async def observe(state: State) -> State:
        return state

    async def approval(standstill: Standstill) -> Approval | None:
        return None

    return Services(clock, heard.append, observe, approval)


class Bench:
    def __init__(self, kube: KubeApi, clock: Patience, namespace: str) -> None:
        self.clock = clock
        self.kube = kube
        self.heard: list[Any] = []
        self.runs = Runs(kube, self.clock, namespace)
        names = ("one", "two", "three")
        self.steps = [Making(f"step-{name}", Made(kube, namespace, name)) for name in names]

    async def open(self) -> Writer:
        return await self.runs.create(journal(*(step.id for step in self.steps)), {})


@pytest.fixture
async def bench(proxy: Proxy, namespace: str) -> AsyncIterator[Bench]:
    clock = Patience()
    kube = await KubeApi.connect(clock, kubeconfig=proxy.kubeconfig)
    yield Bench(kube, clock, namespace)
    await kube.close()


def creations(proxy: Proxy) -> list[str]:
    return [path for verb, path in proxy.seen if verb == "POST" and "/configmaps" in path]


@pytest.mark.parametrize("do", ["lost", "cut"])
@pytest.mark.parametrize("nth", [1, 3, 6, 10])
async def test_a_write_whose_answer_was_lost_is_looked_for_and_not_repeated(
    bench: Bench, proxy: Proxy, do: Do, nth: int
) -> None:
    """Journal writes and effects alike, by their number in the run: three steps are twelve writes."""
    writer = await bench.open()
    before = len(creations(proxy))
    proxy.add(Rule(do, WRITES, nth=nth))
    outcome = await run_track(writer, bench.steps, services(bench.clock, bench.heard))
    assert outcome.status == "succeeded", outcome.said
    assert len(proxy.met) == 1
    landed_unheard = do == "lost"
    met_effect = "/configmaps?" in proxy.met[0][1]
    assert len(creations(proxy)) - before == 3 + (met_effect and not landed_unheard)
    assert (await bench.runs.open("r1")).journal == writer.journal


@pytest.mark.parametrize("do", ["lost", "cut"])
@pytest.mark.parametrize("which", ["secrets", "configmaps"])
async def test_a_run_whose_first_write_lost_its_answer_exists_once(
    bench: Bench, proxy: Proxy, do: Do, which: str
) -> None:
    proxy.add(Rule(do, ("POST",), which))
    writer = await bench.open()
    await writer.write(Started("step-one"))
    assert (await bench.runs.open("r1")).journal == writer.journal
    assert len(proxy.met) == 1


async def test_a_server_that_asks_to_come_later_is_obeyed(bench: Bench, proxy: Proxy) -> None:
    writer = await bench.open()
    proxy.add(Rule("answer", ("PUT",), code=429, retry_after=7, times=2))
    proxy.add(Rule("answer", ("GET",), "configmaps/two", code=429, retry_after=9))
    proxy.add(Rule("answer", ("POST",), "configmaps", code=429, retry_after=11))
    outcome = await run_track(writer, bench.steps, services(bench.clock, bench.heard))
    assert outcome.status == "succeeded"
    assert bench.clock.slept.count(7) == 2, "the journal's write waits as long as asked"
    assert bench.clock.slept.count(9) == 1, "a read too"
    assert bench.clock.slept.count(11) == 1, "and an effect"
    said = [event.reason for event in bench.heard if isinstance(event, events.Waiting)]
    assert any("injected fault 429" in reason for reason in said)


@pytest.mark.parametrize("code", [500, 502, 503, 504])
async def test_a_five_hundred_to_a_write_is_ambiguous(bench: Bench, proxy: Proxy, code: int) -> None:
    writer = await bench.open()
    proxy.add(Rule("answer", WRITES, code=code, nth=2, times=2))
    outcome = await run_track(writer, bench.steps, services(bench.clock, bench.heard))
    assert outcome.status == "succeeded"
    assert len(proxy.met) == 2
    assert (await bench.runs.open("r1")).journal == writer.journal


async def test_an_api_server_that_is_gone_for_a_while_is_waited_for_in_every_place(
    bench: Bench, proxy: Proxy, kube: KubeApi, namespace: str
) -> None:
    """Three seconds at a twentieth of every pause: a minute of the run's own time. Gone at each request."""
    writer = await bench.open()
    for nth in range(4, 40, 6):
        proxy.add(Rule("gone", match="", nth=nth, seconds=3.0))
    outcome = await run_track(writer, bench.steps, services(bench.clock, bench.heard))
    assert outcome.status == "succeeded", outcome.said
    assert proxy.was_gone >= 3
    found = await kube.list(paths.core("configmaps", namespace))
    assert {"one", "two", "three"} <= {item["metadata"]["name"] for item in found}


async def test_what_a_run_waits_for_is_said_while_the_server_is_gone(bench: Bench, proxy: Proxy) -> None:
    writer = await bench.open()
    proxy.add(Rule("gone", ("GET",), "configmaps/two", seconds=2.0))
    await run_track(writer, bench.steps, services(bench.clock, bench.heard))
    said = [event.reason for event in bench.heard if isinstance(event, events.Waiting)]
    assert any("cannot be reached" in reason for reason in said)


async def test_a_lost_journal_write_is_told_apart_from_a_take_over(bench: Bench, proxy: Proxy) -> None:
    writer = await bench.open()
    proxy.add(Rule("lost", ("PUT",)))
    await writer.write(Started("step-one"))
    assert writer.journal.seq == 1
    other = await bench.runs.open("r1")
    await other.write(Resumed("eve"))
    proxy.add(Rule("lost", ("PUT",)))
    with pytest.raises(FenceLost, match="eve"):
        await writer.write(Started("step-two"))
    assert (await bench.runs.open("r1")).journal == other.journal


async def test_a_signal_ends_a_run_whose_api_server_is_gone(bench: Bench, proxy: Proxy) -> None:
    writer = await bench.open()
    around = services(bench.clock, bench.heard)
    proxy.add(Rule("gone", match="", seconds=30.0, nth=3))
    running = asyncio.create_task(run_track(writer, bench.steps, around))
    await asyncio.sleep(0.5)
    around.stopping.set()
    with pytest.raises(Exception, match=r"reached|lost"):
        await asyncio.wait_for(running, 10)


async def test_the_lease_outlives_a_server_that_is_gone(bench: Bench, proxy: Proxy, namespace: str) -> None:
    lease = Lease(bench.kube, bench.clock, namespace, "demo", "ann", "state")
    await lease.acquire("r1", _anybody)
    keeping = asyncio.create_task(lease.keep())
    proxy.add(Rule("gone", match="leases", seconds=2.0))
    proxy.add(Rule("lost", ("PUT",), "leases"))
    await asyncio.sleep(4)
    lease.check()
    assert not keeping.done()
    keeping.cancel()
    assert proxy.was_gone == 1


async def test_a_lost_acquire_is_not_taken_for_another_holder(
    bench: Bench, proxy: Proxy, namespace: str
) -> None:
    """The claim landed and its answer was lost: the lease is ours."""
    proxy.add(Rule("lost", ("POST",), "leases"))
    lease = Lease(bench.kube, bench.clock, namespace, "demo", "ann", "state")
    await lease.acquire("r1", _anybody)
    lease.check()
    found = await bench.kube.get(paths.apis("coordination.k8s.io/v1", "leases", namespace, "blueshift-demo"))
    assert found["spec"]["holderIdentity"] == "ann"


async def test_writes_are_sent_once_by_the_driver_itself(
    through: KubeApi, proxy: Proxy, namespace: str
) -> None:
    maps = paths.core("configmaps", namespace)
    proxy.add(Rule("answer", ("POST",), "configmaps", code=503))
    with pytest.raises(WriteLost):
        await through.create(maps, {"metadata": {"name": "one"}})
    proxy.add(Rule("answer", ("POST",), "configmaps", code=429, retry_after=3))
    with pytest.raises(TooMany) as asked:
        await through.create(maps, {"metadata": {"name": "one"}})
    assert asked.value.after == 3
    assert len(creations(proxy)) == 2


async def _anybody(claim: Claim) -> None:
    """Whatever the lease said until now."""
