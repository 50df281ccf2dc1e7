"""Clients beside the ordinary ones: who they are, what they ask, and that scanners want nobody's host."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from click.testing import CliRunner

from blueshift.cli import lab_demo
from blueshift.errors import BlueshiftError
from blueshift.lab import noise
from blueshift.lab.addresses import IPV4, IPV6
from blueshift.lab.demo import clients, world
from blueshift.lab.demo import result as results
from blueshift.lab.demo.settings import OVERRIDES
from blueshift.lab.load import LONG_CACHED, PINNED, Beside, in_cluster, known, load
from blueshift.lab.loadbalancer import Habits
from blueshift.lab.sites import sites
from blueshift.traffic.prober.plan import Plan, check_plan
from blueshift.traffic.prober.summary import KindCount
from tests.unit.lab.test_demo import a_result

SITES = sites()
SOURCES = (IPV4.clients, IPV6.clients)


def plan(*beside: Beside) -> Plan:
    found = load(SITES, rate=300.0, duration=60.0, ca="", sources=SOURCES, beside=beside, long_sessions=())
    check_plan(found, "plan")
    return found


def test_they_come_on_top_of_the_rate_in_both_families_and_ask_names_that_the_others_ask_too() -> None:
    found = plan(LONG_CACHED, PINNED)
    assert found.rate == pytest.approx(302.0)
    streams = [stream for stream in found.streams if stream.persona.startswith("pinned-")]
    assert {stream.persona for stream in streams} == {"pinned-4", "pinned-6"}
    hosts = {stream.route.host for stream in streams}
    assert len(hosts) == PINNED.hosts
    assert hosts <= {stream.route.host for stream in plan().streams}


def test_each_keeps_its_answers_and_has_addresses_that_nobody_else_has() -> None:
    personas = {persona.name: persona for persona in plan(LONG_CACHED, PINNED).personas}
    assert personas["long-cached-4"].cache == LONG_CACHED.cache
    assert personas["pinned-6"].cache == PINNED.cache > 365 * 86400
    assert {persona.cache for name, persona in personas.items() if name.startswith("browser")} == {None}
    taken = [persona.source for persona in personas.values()]
    assert len(set(taken)) == len(taken)
    assert not set(taken) & {IPV4.clients[-1], IPV6.clients[-1]}, "the scanner's"


def test_a_share_of_the_traffic_can_be_of_clients_that_cache() -> None:
    found = plan(Beside("cached", 180.0, rate=15.0, hosts=40))
    cached = [stream for stream in found.streams if stream.persona.startswith("cached-")]
    assert sum(stream.rate for stream in cached) == pytest.approx(15.0)
    assert len({stream.route.host for stream in cached}) == len(known(SITES))


def test_a_client_in_the_cluster_goes_to_the_services_own_addresses() -> None:
    found = in_cluster(SITES, ("198.19.0.7", "2001:2:0:1::7"), duration=60.0, ca="", rate=2.0)
    check_plan(found, "plan")
    assert found.rate == pytest.approx(2.0)
    assert {(persona.address, persona.family) for persona in found.personas} == {
        ("198.19.0.7", 4),
        ("2001:2:0:1::7", 6),
    }


@pytest.mark.parametrize("address", ["198.18.1.1", "2001:2:0:3::1"])
def test_a_scanner_wants_no_host_of_ours_and_tries_every_way(address: str) -> None:
    ways = noise.tries(address)
    hosts = {site.host.encode() for site in SITES}
    assert not any(host in way.sends for way in ways for host in hosts)
    assert {way.port for way in ways} == {80, 443, 8443}
    assert {way.sni for way in ways if way.tls} == {"", noise.STRANGER}
    assert any(not way.sends for way in ways)
    tried = list(itertools.islice(noise.order([address, "198.18.1.2"]), 2 * len(ways)))
    assert {way for found, way in tried if found == address} == set(ways)


def test_the_scanned_addresses_are_the_first_that_services_are_given() -> None:
    assert IPV4.balanced(2) == ("198.18.1.1", "198.18.1.2")
    assert IPV6.balanced(1) == ("2001:2:0:3::1",)


def test_the_command_offers_every_client() -> None:
    (option,) = (o for o in lab_demo.demo.params if o.name == "others")
    assert set(option.type.choices) == clients.EXPECTED.keys()  # type: ignore[attr-defined]


def test_a_person_is_asked_soon_only_where_somebody_stays_for_good() -> None:
    assert clients.overrides(("long-cached", "scanner")) == OVERRIDES
    changed = clients.overrides(("pinned",))
    assert changed["drain-primary"] == {**OVERRIDES["drain-primary"], "ask_after": clients.ASK_AFTER}
    assert {step: given for step, given in changed.items() if step != "drain-primary"} == {
        step: given for step, given in OVERRIDES.items() if step != "drain-primary"
    }


def test_a_failure_of_any_client_is_one_of_the_demo_and_noise_is_none() -> None:
    assert a_result(noise={"404": 5, "closed": 3}).sound
    assert a_result(clients={"pinned": KindCount(50, 0)}).sound
    assert not a_result(clients={"in-cluster": KindCount(50, 1)}).sound


def test_people_are_told_of_them() -> None:
    text = results.told(a_result(clients={"pinned": KindCount(50, 1)}, noise={"404": 5, "closed": 3}))
    assert "clients    50 pinned, 1 failed" in text.splitlines()
    assert "noise      8 tries of a scanner (404: 5, closed: 3)" in text.splitlines()


def test_programs_find_them_in_the_figures(tmp_path: Path) -> None:
    target = tmp_path / "demo.json"
    results.write(a_result(clients={"pinned": KindCount(50, 1)}), target)
    assert '"pinned": {' in target.read_text()


def test_a_client_in_the_cluster_and_a_balancer_that_is_a_hop_exclude_each_other() -> None:
    with pytest.raises(BlueshiftError, match="goes past the load balancer"):
        clients.possible(("scanner", "in-cluster"), Habits(mode="proxy"))
    clients.possible(("scanner", "in-cluster"), Habits(deregister_lag=15))
    clients.possible(("scanner",), Habits(mode="proxy"))


def test_the_demo_refuses_them_before_it_builds_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    async def builds(*_: object) -> None:
        raise AssertionError("it builds")

    monkeypatch.setattr(world, "prepare", builds)
    arguments = ["--client", "in-cluster", "--lb-mode", "proxy"]
    found = CliRunner().invoke(lab_demo.demo, arguments)
    assert isinstance(found.exception, BlueshiftError)
    assert found.exception.place == "--client in-cluster"
