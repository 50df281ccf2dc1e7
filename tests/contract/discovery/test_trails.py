"""Hosts followed on a real BIND: what a wildcard, an alias and a loop look like on the wire."""

from __future__ import annotations

from blueshift.discovery.dns import rights, servers
from blueshift.discovery.names import Sides, classify
from blueshift.discovery.seen import GRANTED
from blueshift.discovery.trails import Follower
from blueshift.discovery.world import NameFact
from blueshift.dns.authority import Directory
from blueshift.dns.backend import BadKey
from blueshift.dns.key import parse_key
from tests.contract.dns.bind import SECRET, ZONE, Bind

SIDES = Sides(frozenset({"192.0.2.1", "2001:db8::1"}), frozenset(), frozenset())


def directory(bind: Bind) -> Directory:
    both = [f"{bind.address}:{port}" for port in (bind.port, bind.secondary_port)]
    return Directory(authorities=both, zones=[ZONE])


async def names(bind: Bind, *hosts: str) -> dict[str, NameFact]:
    backend = bind.backend(zones=[ZONE])
    trails = await Follower(backend, directory(bind)).follow([f"{host}.{ZONE}" for host in hosts])
    assert not [trail.unknown for trail in trails if trail.unknown]
    return {fact.name.removesuffix(f".{ZONE}"): fact for fact in classify(trails, SIDES)}


async def test_wildcards_aliases_and_ends(bind: Bind) -> None:
    found = await names(
        bind,
        "www",
        "two",
        "a.wild",
        "b.wild",
        "own.wild",
        "txt.wild",
        "*.wild",
        "alias",
        "second",
        "gone",
    )
    assert {name: fact.state for name, fact in found.items()} == {
        "www": "move",
        "two": "elsewhere",
        "*.wild": "move",
        "own.wild": "move",
        "txt.wild": "none",
        "shared": "move",
        "gone": "none",
    }
    assert found["*.wild"].hosts == tuple(f"{host}.{ZONE}" for host in ("*.wild", "a.wild", "b.wild"))
    assert found["shared"].hosts == tuple(f"{host}.{ZONE}" for host in ("alias", "second"))
    assert [record.type for record in found["www"].records] == ["A", "AAAA"]


async def test_a_loop_is_unknown_and_hides_no_other_host(bind: Bind) -> None:
    hosts = [f"{host}.{ZONE}" for host in ("loop", "www")]
    loop, www = await Follower(bind.backend(zones=[ZONE]), directory(bind)).follow(hosts)
    assert "SERVFAIL" in loop.unknown
    assert not www.unknown


async def test_servers_and_rights_of_what_moves(bind: Bind) -> None:
    found = tuple((await names(bind, "www", "a.wild", "alias")).values())
    seen = await servers(found, directory(bind))
    assert (len(seen.servers), seen.differences, seen.silent) == (2, (), ())
    assert set((await rights(found, bind.backend(zones=[ZONE]))).by_name.values()) == {GRANTED}


async def test_a_narrow_key_is_refused_by_name(bind: Bind) -> None:
    found = tuple((await names(bind, "www", "a.wild")).values())
    narrow = parse_key(f"hmac-sha512:narrow:{SECRET}", place="test")
    by_name = (await rights(found, bind.backend(narrow, zones=[ZONE]))).by_name
    assert by_name[f"www.{ZONE}"] == GRANTED
    assert "REFUSED" in by_name[f"*.wild.{ZONE}"]


async def test_an_unknown_key_is_told_apart(bind: Bind) -> None:
    found = tuple((await names(bind, "www")).values())
    unknown = parse_key(f"nobody:{SECRET}", place="test")
    assert (await rights(found, bind.backend(unknown, zones=[ZONE]))).kind == BadKey.__name__.upper()


async def test_three_hundred_hosts(bind: Bind) -> None:
    found = await names(bind, *(f"h{number}" for number in range(300)))
    assert len(found) == 300
    assert {fact.state for fact in found.values()} == {"move"}
