"""The baseline: which hosts are asked, where, and for how long."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.discovery import traffic
from blueshift.discovery.seen_neighbours import StandIn
from blueshift.discovery.world import HostFact
from blueshift.playbook.config import Prometheus, Token
from blueshift.playbook.convert import LocalPath
from blueshift.traffic.probe import ProbeResult
from tests.fakes import ManualClock
from tests.unit.preflight.worlds import ADDRESS, ADDRESS6, SERVICE

HOSTS = tuple(HostFact(f"h{number:04d}.test", ()) for number in range(1200))


class Answers:
    """What probes are told: a status by (host, address), 200 where none is given, 0 for silence."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: dict[tuple[str, str], int] = {}
        self.otherwise = 200
        self.asked: list[tuple[str, str]] = []
        monkeypatch.setattr(traffic, "probe", self.probe)

    async def probe(self, address: str, *, host: str, **_: Any) -> ProbeResult:
        self.asked.append((host, address))
        status = self.given.get((host, address), self.otherwise)
        return ProbeResult(bool(status), status, (), "", 0.01, "", "", "")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


async def baseline(hosts: tuple[HostFact, ...], *addresses: str) -> dict[str, int]:
    return await traffic.baseline(ManualClock(), hosts, SERVICE, addresses, proxy_protocol=False)


@pytest.mark.parametrize(
    ("here", "there", "worst"), [(200, 0, 0), (200, 503, 503), (404, 200, 404), (200, 200, 200)]
)
async def test_a_host_has_its_worst_answer_over_all_addresses(
    answers: Answers, here: int, there: int, worst: int
) -> None:
    answers.given = {("h0000.test", ADDRESS): here, ("h0000.test", ADDRESS6): there}
    found = await baseline(HOSTS[:2], ADDRESS, ADDRESS6)
    assert found == {"h0000.test": worst, "h0001.test": 200}


async def test_many_slow_hosts_at_the_front_do_not_end_the_look(answers: Answers) -> None:
    answers.given = {(host.host, ADDRESS): 0 for host in HOSTS[:100]}
    found = await baseline(HOSTS[:200], ADDRESS)
    assert len(found) == 200
    assert sum(status == 200 for status in found.values()) == 100


async def test_where_nothing_answers_only_a_sample_over_all_hosts_is_asked(answers: Answers) -> None:
    answers.otherwise = 0
    found = await baseline(HOSTS, ADDRESS)
    assert len(found) == len(answers.asked) < 50
    assert max(found) > "h1100.test"
    assert set(found.values()) == {0}


async def test_of_too_many_hosts_those_asked_are_spread(answers: Answers) -> None:
    found = await baseline(HOSTS, ADDRESS)
    assert len(found) == len(answers.asked) == traffic.MOST_HOSTS
    assert list(found) == sorted(found)
    assert max(found) > "h1190.test"


async def test_without_an_address_nothing_is_asked(answers: Answers) -> None:
    assert await baseline(HOSTS) == {}
    assert not answers.asked


def test_routes_are_asked_for_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "has_route", lambda address: ":" not in address)
    assert traffic.unrouted(SERVICE) == (ADDRESS6,)
    assert traffic.unrouted(None) == ()


PODS = [{"metadata": {"name": name, "namespace": "edge"}, "status": {"phase": phase}} for name, phase in (
    ("p1", "Running"), ("p2", "Running"), ("p3", "Pending"),
)]  # fmt: skip


async def test_the_prometheus_that_stands_in_is_asked_for_every_running_pod(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, clock = Prometheus("https://prometheus.test"), ManualClock()

    async def samples(_: Any, pods: list[str], namespace: str, *__: Any) -> dict[str, Any]:
        assert (pods, namespace) == (["p1", "p2"], "edge")
        return {"p2": SimpleNamespace(at=clock.utc().timestamp() - 7)}

    monkeypatch.setattr(traffic, "samples", samples)
    found = await traffic.stand_in(source, PODS, IngressNginx(), clock)
    assert found == StandIn(source.url, ("p2",), ("p1",), 7.0)
    assert await traffic.stand_in(None, PODS, IngressNginx(), ManualClock()) == StandIn()
    assert await traffic.stand_in(source, PODS[2:], IngressNginx(), ManualClock()) == StandIn(source.url)


async def test_a_prometheus_that_cannot_be_asked_is_told_and_stops_no_look(tmp_path: Path) -> None:
    source = Prometheus("https://prometheus.test", token=Token(file=LocalPath(tmp_path / "none")))
    found = await traffic.stand_in(source, PODS, IngressNginx(), ManualClock())
    assert str(tmp_path / "none") in found.unusable
