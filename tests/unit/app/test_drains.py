"""Who is left at a side, by logs that were written before anybody asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from blueshift.app import drains
from blueshift.app.drains import leaving
from blueshift.app.kinds import settings_types
from blueshift.app.left import Left, Told, sides_left, told
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.discovery.names import Trail
from blueshift.discovery.world import HostFact, NameFact, ServiceFact
from blueshift.dns.records import RecordSet
from blueshift.engine.entries import StepSettled, apply
from blueshift.engine.journal import Journal, StepEntry
from blueshift.engine.protocol import Intent, Journalled
from blueshift.engine.state import State
from blueshift.errors import BlueshiftError
from blueshift.playbook.config import Config, Dns, Prometheus, Release, Traffic
from blueshift.playbook.schema import load
from blueshift.playbook.shipped import find
from blueshift.steps import witness
from blueshift.steps.facts import Baseline, Late, LateWave, Swapped
from blueshift.traffic.drain import DrainRules
from blueshift.traffic.metrics import extract
from blueshift.traffic.routes import Route, Routes
from tests.fakes import ManualClock
from tests.unit.steps.test_follower import JSON, ON, QUIET, OnePod

NOW = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
"""Where the clock of tests begins."""
FORM = JSON.replace("}", ', "agent": "$http_user_agent"}')
CONFIG = {"log-format-upstream": FORM, "log-format-escape-json": "true"}
LONG_AGO = Told(DrainRules(least=0, factor=0, window=600), "r1", NOW - timedelta(hours=2), 60, 10.0)


def line(seconds_ago: float, client: str, host: str = "a.org", upstream: str = "shop-web-80") -> bytes:
    at = f"{NOW - timedelta(seconds=seconds_ago):%Y-%m-%dT%H:%M:%S.%f}Z "
    said = f'{{"client": "{client}", "host": "{host}", "status": 200, "for": "{upstream}", "agent": "curl"}}'
    return (at + said).encode()


class Bench:
    """One pod of a primary whose name points wherever `points` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *log: bytes, points: str = "198.18.0.60") -> None:
        self.clock = ManualClock()
        self.kube = OnePod(ON, log, CONFIG, "--enable-metrics=true")
        service = ServiceFact("web", "edge", "uid", "external", "LoadBalancer", ("198.18.0.50",))
        self.kube.objects["/api/v1/namespaces/edge/services/web"] = {
            "metadata": {"name": "web"}, "spec": {"externalTrafficPolicy": "Local"},
        }  # fmt: skip
        profile = IngressNginx()
        found = SimpleNamespace(
            known=profile,
            workload=SimpleNamespace(kind="Deployment", namespace="edge", name="demo"),
            services=(service,),
            hosts=(HostFact("a.org", ("apps/a",)),),
        )

        async def primary(*_: Any) -> Any:
            return found

        async def configured(*_: Any) -> Routes:
            return Routes((Route("a.org", "/"),))

        class Trails:
            def __init__(self, *_: Any) -> None:
                pass

            async def follow(self, hosts: Sequence[str]) -> tuple[Trail, ...]:
                return tuple(Trail(one, one, "org", (RecordSet(one, "A", 60, (points,)),)) for one in hosts)

        monkeypatch.setattr(drains, "primary", primary)
        monkeypatch.setattr(drains, "configured", configured)
        monkeypatch.setattr(drains, "places", lambda _: None)
        monkeypatch.setattr(drains, "Trails", Trails)
        self.session = SimpleNamespace(
            config=Config(Release("web", "edge"), Dns()), clock=self.clock, kube=self.kube,
            recognise=lambda _: profile, dns=None, directory=None,
        )  # fmt: skip

    async def look(self, told: Told = LONG_AGO, side: Any = "primary") -> Left:
        async with leaving(cast(Any, self.session), {side: told}) as sides:
            return await asyncio.wait_for(sides[0].look(), 30)


async def test_a_client_of_before_is_told_at_once_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = line(20, "198.51.100.7", "", "")
    bench = Bench(monkeypatch, line(90, "203.0.113.9"), line(30, "203.0.113.9"), stranger)
    found = await bench.look()
    assert (found.judged, found.done) == ("remaining", False)
    assert [(one.client, one.target, one.requests) for one in found.clients] == [("203.0.113.9", "a.org", 2)]
    assert found.clients[0].last == NOW - timedelta(seconds=30)
    assert "long after the TTL" in found.clients[0].why
    assert found.noise == 1
    assert found.connections == {"p1": 0}


async def test_silence_that_the_log_reaches_back_over_is_nobody_left(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await Bench(monkeypatch, line(900, "203.0.113.9"), line(800, "203.0.113.9")).look()
    assert (found.judged, found.done, found.clients) == ("drained", True, ())


async def test_a_log_that_was_rotated_meanwhile_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await Bench(monkeypatch, line(100, "198.51.100.7", "", "")).look()
    assert found.judged == "unknown"
    assert "no witness watched p1 for the whole window" in found.reason
    (log,) = [one for one in found.coverage if one.witness == "log"]
    assert (NOW - log.since).total_seconds() == pytest.approx(100, abs=0.01)


async def test_without_a_run_names_that_point_here_are_why(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Told(DrainRules(least=0, factor=0, window=600))
    bench = Bench(monkeypatch, line(700, "192.0.2.4"), line(30, "192.0.2.4"), points="198.18.0.50")
    found = await bench.look(alone)
    assert found.reason == "DNS does not point away everywhere: a.org point here"
    assert [one.why for one in found.clients] == ["DNS still sends clients here"]
    away = await Bench(monkeypatch, line(700, "192.0.2.4"), line(30, "192.0.2.4")).look(alone)
    assert [one.why.partition(":")[0] for one in away.clients] == ["no name points here"]


async def test_a_service_that_hides_clients_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, line(700, "192.0.2.4"), line(30, "192.0.2.4"))
    bench.kube.objects["/api/v1/namespaces/edge/services/web"]["spec"] = {}
    found = await bench.look()
    assert found.hidden
    assert "SNAT" in found.clients[0].why


async def test_what_cannot_be_read_is_never_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, line(900, "203.0.113.9"))

    async def refused(*_: Any) -> Routes:
        raise BlueshiftError("pods/exec is forbidden")

    monkeypatch.setattr(drains, "configured", refused)
    found = await bench.look()
    assert (found.judged, found.done) == ("unknown", False)
    assert "pods/exec is forbidden" in found.reason


async def test_where_a_pod_cannot_be_read_prometheus_is_asked_as_in_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, line(900, "203.0.113.9"))
    bench.kube.forbidden = True
    asked: list[str] = []

    async def samples(source: Prometheus, pods: list[str], namespace: str, names: Any, at: Any) -> Any:
        asked.append(source.url)
        told = extract(bench.kube.metrics, "p1", at.utc().timestamp() - 1, names)
        return {"p1": msgspec.structs.replace(told, told="prometheus")}

    monkeypatch.setattr(witness, "samples", samples)
    source = Prometheus("http://prometheus.test")
    bench.session.config = msgspec.structs.replace(bench.session.config, traffic=Traffic(source))
    found = await bench.look()
    assert set(asked) == {source.url}
    assert {one.witness for one in found.coverage} == {"log", "prometheus"}


async def test_a_side_that_is_not_there_serves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await Bench(monkeypatch).look(side="temporary")
    assert (found.judged, found.reason, found.done) == ("absent", "there is no temporary", True)


def journal(*facts: msgspec.Struct) -> Journal:
    told = {type(fact).__name__: msgspec.to_builtins(fact) for fact in facts}
    begun = Journal(
        run="r1", release="web", namespace="edge", cluster="uid", plan="p", playbook="blue-green",
        created=NOW, track=("forward/before", "forward/drain-primary"),
    )  # fmt: skip
    return apply(begun, StepSettled("forward/before", "", State(), told), NOW)


def test_a_run_tells_which_side_its_traffic_left_and_how_its_drain_judges() -> None:
    playbook = load(find("blue-green"), settings_types())
    moved = journal(Swapped("temporary", NOW, 60), Baseline(1000, 0, 10.0))
    assert sides_left(moved) == ("primary",)
    found = told(moved, playbook, "primary", None)
    assert (found.rules.least, found.rules.factor, found.rules.window) == (900, 10, 600)
    assert (found.moved, found.ttl, found.baseline) == (NOW, 60, 100.0)
    assert told(moved, playbook, "primary", 60).rules.window == 60
    # Nothing has left the side that traffic moved to.
    assert told(moved, playbook, "temporary", None).moved is None
    assert sides_left(journal()) == sides_left(None) == ("primary", "temporary")


def test_names_that_came_late_count_from_when_they_moved_and_by_their_own_ttl() -> None:
    playbook = load(find("blue-green"), settings_types())
    drain, late = "forward/drain-primary", NOW + timedelta(minutes=5)
    records = (RecordSet("new.a.org", "A", 300, ("198.18.0.50",)),)
    name = NameFact("new.a.org", "a.org", "move", ("new.a.org",), records)
    swapped, waves = Swapped("temporary", NOW, 60), Late((LateWave(drain, (name,)),))
    begun = journal(swapped, waves)
    done = Journalled(Intent("move new.a.org"), NOW, late)
    hook = Journalled(Intent("notify"), NOW, late + timedelta(minutes=5))
    step = StepEntry(effects={"late-1:temporary:new.a.org": done, "hook notify 1a2b": hook})
    moved = msgspec.structs.replace(begun, steps={**begun.steps, drain: step})
    found = told(moved, playbook, "primary", None)
    assert (found.moved, found.ttl) == (late, 300)


BUSY = (
    b"Active connections: 2 \nserver accepts handled requests\n 9 9 9 \nReading: 0 Writing: 1 Waiting: 1 \n"
)
TABLE = b"""  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 1 1 0 100 0 0 10 0
   1: 084012C6:0050 640012C6:A3F2 01 00000000:00000000 02:00000000 00000000   101        0 2 2 0 20 4 30 10 -1
"""


LONG_GONE = (line(900, "203.0.113.9"), line(800, "203.0.113.9"))


class Connected:
    """What a pod's container answers to, with one connection for as long as `stays` says."""

    def __init__(self, bench: Bench, stays: float, code: int = 0) -> None:
        self.bench, self.stays, self.code = bench, stays, code
        bench.kube.exec = self.exec  # type: ignore[method-assign]

    async def exec(self, _: str, __: str, argv: Sequence[str], **___: Any) -> Any:
        there = self.bench.clock.elapsed < self.stays
        if "/proc/net/tcp" in argv[-1]:
            return SimpleNamespace(code=self.code, stdout=TABLE if there else TABLE[:300], stderr=b"no cat")
        return SimpleNamespace(code=0, stdout=BUSY if there else QUIET, stderr=b"")


@pytest.mark.parametrize(("stays", "judged"), [(5, "drained"), (1000, "remaining")])
async def test_a_second_look_tells_who_stays_from_who_passes(
    monkeypatch: pytest.MonkeyPatch, stays: float, judged: str
) -> None:
    bench = Bench(monkeypatch, *LONG_GONE)
    Connected(bench, stays)
    began = bench.clock.elapsed
    found = await bench.look()
    assert found.judged == judged
    assert bench.clock.elapsed >= began + 10
    held = [(one.client, one.target, one.connections) for one in found.clients]
    assert held == ([] if judged == "drained" else [("198.18.0.100", "p1", 1)])
    assert all(one.last <= found.at for one in found.clients)


async def test_a_pod_that_cannot_tell_its_connections_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, *LONG_GONE)
    Connected(bench, 1000, code=127)
    found = await bench.look()
    assert (found.judged, found.connections) == ("remaining", {"p1": 1})
    assert found.reason == "1 pods have open connections"
    assert "whose connections p1 has: its table of connections: no cat" in found.unseen
