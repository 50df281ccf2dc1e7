"""Checks of names and clocks at the edges of what they allow."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.seen import GRANTED, Hosts, Instance, Ownership
from blueshift.discovery.world import DnsFact, NameFact
from blueshift.preflight.protocol import failed
from tests.unit.preflight.case import of
from tests.unit.preflight.dns_cases import OTHER, lasting, tried
from tests.unit.preflight.worlds import SERVICE, SHOP, but, seen, world


@pytest.mark.parametrize("given", ["old.example.test", "*.example.test"])
def test_an_acknowledged_host_stops_nothing_even_with_traffic(given: str) -> None:
    looks = Hosts(acknowledged=(given,), requests={"old.example.test": 99.0})
    found = of("dns-hosts", world(names=(SHOP, OTHER), findings=seen(dns_hosts=looks)))
    assert not failed(found)
    assert "info" in {one.outcome for one in found}


def test_an_acknowledged_host_may_be_unknown() -> None:
    looks = Hosts(acknowledged=("a.b",), unknown={"a.b": "SERVFAIL"}, requests={})
    assert not failed(of("dns-hosts", world(findings=seen(dns_hosts=looks))))


def test_an_external_dns_for_other_domains_stops_nothing() -> None:
    instance = Instance("dns/external-dns", domains=("other.test",))
    found = of("dns-external-dns", world(findings=seen(dns_external_dns=Ownership((instance,)))))
    assert not failed(found)


PASSES: list[tuple[str, dict[str, Any]]] = [
    ("dns-tsig-clock", tried(by_name={SHOP.name: GRANTED}, ahead=60.0)),
    ("dns-ttl", lasting(3600, 3600, min_ttl=3600)),
    ("dns-wildcard-apex", {}),
    ("dns-families", {**lasting(300, 300), "dns": DnsFact("rfc2136", 0)}),
    ("dns-hostname-address", {"services": (but(SERVICE, hostname="lb.aws"),)}),
]


@pytest.mark.parametrize(("check", "changes"), PASSES, ids=[check for check, _ in PASSES])
def test_a_check_passes_at_its_edge(check: str, changes: dict[str, Any]) -> None:
    assert [one.outcome for one in of(check, world(**changes))] == ["pass"]


@pytest.mark.parametrize("check", ["dns-tsig-clock", "dns-ttl", "dns-wildcard-apex", "dns-families"])
def test_without_names_there_is_nothing_to_pass(check: str) -> None:
    none: tuple[NameFact, ...] = ()
    outcomes = {one.outcome for one in of(check, world(names=none, **tried()))}
    assert outcomes == {"info"}


@pytest.mark.parametrize("check", ["dns-families", "dns-hostname-address"])
def test_without_a_service_another_check_speaks(check: str) -> None:
    assert [one.outcome for one in of(check, world(services=()))] == ["info"]


def test_where_the_primary_has_no_address_the_zone_is_not_blamed() -> None:
    away = {"names": (but(SHOP, state="elsewhere", why="it points at 192.0.2.9"),)}
    (zone, *_) = of("dns-hosts", world(**away))
    assert "`dns:` in blueshift.yaml" in zone.remedy
    (none, *_) = of("dns-hosts", world(**away, services=()))
    assert "cluster-lb-address" in none.remedy
