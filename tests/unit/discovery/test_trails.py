"""Hosts are followed to the record that would have to change."""

from __future__ import annotations

import pytest

from blueshift.discovery import trails
from blueshift.discovery.names import Trail
from blueshift.discovery.trails import Follower
from blueshift.dns.authority import Directory, Server
from blueshift.dns.backend import DnsError
from blueshift.dns.records import RecordSet
from blueshift.dns.replies import Reply
from blueshift.dns.wildcard import Origin
from blueshift.errors import Retryable
from tests.unit.discovery.fakes import FakeDns, NoDirectory

SHOP = RecordSet("shop.example.test", "A", 300, ("198.18.0.50",))
SHARED = RecordSet("shared.example.test", "A", 60, ("198.18.0.50",))
WILD = RecordSet("*.wild.example.test", "A", 60, ("198.18.0.50",))


def alias(name: str, target: str) -> RecordSet:
    return RecordSet(name, "CNAME", 300, (target,))


class Known(Directory):
    """A directory that knows one server and follows what it was given."""

    async def zone_of(self, name: str) -> str:
        return "example.test" if name.endswith("example.test") else "other.test"

    async def servers(self, zone: str) -> tuple[Server, ...]:
        return (Server(zone, "ns1", "127.0.0.1", 53),)


async def follow(backend: FakeDns, *hosts: str, directory: Directory | None = None) -> tuple[Trail, ...]:
    return await Follower(backend, directory or NoDirectory()).follow(hosts)


async def test_a_record_of_its_own() -> None:
    (found,) = await follow(FakeDns(SHOP), "Shop.example.test")
    assert (found.name, found.zone, found.records, found.chain) == (SHOP.name, "example.test", (SHOP,), ())


async def test_aliases_are_followed_within_our_zones() -> None:
    backend = FakeDns(SHARED, alias("a.example.test", "b.example.test"), alias("b.example.test", SHARED.name))
    (found,) = await follow(backend, "a.example.test")
    assert (found.name, found.chain) == (SHARED.name, ("b.example.test", SHARED.name))
    assert found.records == (SHARED,)
    assert found.writable


async def test_a_shared_alias_is_asked_once() -> None:
    backend = FakeDns(SHARED, *(alias(f"{n}.example.test", SHARED.name) for n in range(5)))
    before = FakeDns(SHARED, alias("0.example.test", SHARED.name))
    await follow(before, "0.example.test")
    await follow(backend, *(f"{n}.example.test" for n in range(5)))
    assert backend.reads == before.reads + 4 * 3  # A, AAAA and CNAME of each further alias


async def test_a_loop_of_aliases_ends() -> None:
    backend = FakeDns(alias("a.example.test", "b.example.test"), alias("b.example.test", "a.example.test"))
    (found,) = await follow(backend, "a.example.test")
    assert found.records == ()
    assert not found.unknown


@pytest.mark.parametrize(("kind", "name"), [("wildcard", WILD.name), ("own", "a.wild.example.test")])
async def test_a_wildcard_takes_the_place_of_names_that_it_answers_for(
    monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    async def origin(_server: Server, _name: str) -> Origin:
        return Origin(kind, WILD.name)  # type: ignore[arg-type]

    monkeypatch.setattr(trails, "origin", origin)
    monkeypatch.setattr(trails, "has_route", lambda _: True)
    backend = FakeDns(WILD, wild=(WILD.name,))
    (found,) = await follow(backend, "a.wild.example.test", directory=Known())
    assert found.name == name


async def test_a_wildcard_host_is_the_wildcards_own_record() -> None:
    (found,) = await follow(FakeDns(WILD), WILD.name)
    assert (found.name, found.records) == (WILD.name, (WILD,))


async def test_a_record_that_differs_from_the_wildcard_is_its_own() -> None:
    own = RecordSet("a.wild.example.test", "A", 300, ("192.0.2.9",))
    (found,) = await follow(FakeDns(WILD, own), "a.wild.example.test")
    assert found.name == own.name


async def test_what_leaves_our_zones_is_asked_elsewhere_and_not_writable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def asked(_directory: Directory, name: str, kind: str) -> Reply:
        records = RecordSet(name, "A", 60, ("192.0.2.9",)) if kind == "A" else None
        return Reply(name, kind, "records" if records else "nodata", records)

    monkeypatch.setattr(trails, "follow", asked)
    backend = FakeDns(alias("a.example.test", "cdn.other.test"))
    (found,) = await follow(backend, "a.example.test", directory=Known())
    assert (found.name, found.zone, found.writable) == ("cdn.other.test", "other.test", False)
    assert found.records[0].values == ("192.0.2.9",)


async def test_a_failure_is_told_for_its_host_alone() -> None:
    class Broken(FakeDns):
        async def zone_of(self, name: str) -> str:
            if name.startswith("bad"):
                raise DnsError("SERVFAIL")
            return await super().zone_of(name)

    good, bad = await follow(Broken(SHOP), SHOP.name, "bad.example.test")
    assert not good.unknown
    assert bad.unknown == "SERVFAIL"


async def test_a_silent_server_is_asked_for_one_host_and_not_for_all() -> None:
    backend = FakeDns(SHOP)
    backend.fails = Retryable("no answer")
    found = await follow(backend, *(f"{n}.example.test" for n in range(100)))
    assert {one.unknown for one in found} == {"no answer"}


async def test_no_hosts() -> None:
    assert await follow(FakeDns()) == ()
