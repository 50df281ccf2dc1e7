"""Authoritative answers and their agreement, against a real primary and secondary."""

from __future__ import annotations

import socket

import pytest

from blueshift.clock import SystemClock
from blueshift.dns import agreement as agreement_module
from blueshift.dns.agreement import Agreement, Wanted, agreement, exactly, judge, look
from blueshift.dns.authority import Directory, Server, ask_all, follow
from blueshift.dns.records import Change, RecordSet
from blueshift.dns.resolver import query
from blueshift.dns.wildcard import Origin, origin
from blueshift.dns.wire import NoAnswer
from tests.contract.dns.bind import ZONE, Bind, free_port, running, until_ready
from tests.fakes import ManualClock


def directory(bind: Bind, *more: str) -> Directory:
    both = (f"127.0.0.1:{bind.port}", f"127.0.0.1:{bind.secondary_port}")
    return Directory(f"127.0.0.1:{bind.port}", authorities=(*both, *more))


def primary(bind: Bind) -> Server:
    return Server(ZONE, "ns1", bind.address, bind.port)


def records(name: str, kind: str, *values: str, ttl: int = 300) -> RecordSet:
    return RecordSet(name=f"{name}.{ZONE}", type=kind, ttl=ttl, values=values)


async def test_the_servers_of_a_zone_are_found_by_its_ns_records(bind: Bind) -> None:
    found = Directory(f"127.0.0.1:{bind.port}")
    assert await found.zone_of(f"WWW.{ZONE}.") == ZONE
    assert await found.zone_of(f"away.{ZONE}") == ZONE
    assert await found.servers(ZONE) == (
        Server(ZONE, f"ns1.{ZONE}", "127.0.0.1"),
        Server(ZONE, f"ns2.{ZONE}", "127.0.0.2"),
    )


@pytest.mark.parametrize(
    ("name", "status", "chain"),
    [
        ("www", "records", ()),
        ("second", "records", (f"alias.{ZONE}", f"shared.{ZONE}")),
        ("h1.www", "nxdomain", ()),
        ("txt.wild", "nodata", ()),
        ("deep.any.wild", "records", ()),
        ("away", "outside", ("elsewhere.example",)),
        ("loop", "loop", (f"pool.{ZONE}", f"loop.{ZONE}")),
        ("x.child", "unknown", ()),
    ],
)
async def test_each_kind_of_answer(bind: Bind, name: str, status: str, chain: tuple[str, ...]) -> None:
    (view,) = await ask_all([(f"{name}.{ZONE}", "A")], [primary(bind)])
    (reply,) = view.replies
    assert (reply.status, reply.chain) == (status, chain)
    assert (reply.records is not None) == (status == "records")


async def test_an_alias_is_followed_to_the_name_that_holds_the_record(bind: Bind) -> None:
    reply = await follow(directory(bind), f"second.{ZONE}", "A")
    assert reply.last == f"shared.{ZONE}"
    assert reply.records == records("shared", "A", "192.0.2.1")
    assert (await follow(directory(bind), f"loop.{ZONE}", "A")).status == "loop"


async def test_a_wildcard_is_told_from_a_record_of_the_same_value(bind: Bind) -> None:
    wild = Origin("wildcard", f"*.wild.{ZONE}")
    expected = {
        f"any.wild.{ZONE}": wild,
        f"deep.any.wild.{ZONE}": wild,
        f"own.wild.{ZONE}": Origin("own"),
        f"txt.wild.{ZONE}": Origin("own"),
        f"*.wild.{ZONE}": Origin("own"),
        f"wild.{ZONE}": Origin("own"),
        ZONE: Origin("own"),
        f"not.there.{ZONE}": Origin("none"),
    }
    assert {name: await origin(primary(bind), name) for name in expected} == expected


async def test_primary_and_secondary_agree_after_a_swap(bind: Bind) -> None:
    """The secondary follows by notify and transfer; until then it is named, with its serial."""
    backend = bind.backend()
    old, new = records("h20", "A", "192.0.2.1"), records("h20", "A", "192.0.2.9", ttl=60)
    await backend.swap([Change(name=old.name, type="A", expected=old, desired=new)])
    clock = SystemClock()
    # BIND sends a NOTIFY that was lost once more after 15 s.
    async with clock.timeout(60):
        while not (verdict := await agreement(exactly([new]), directory(bind), clock, rounds=1)).agreed:
            await clock.sleep(0.2)
    assert len({view.serial for view in verdict.views}) == 1
    gone = Wanted(name=f"not.there.{ZONE}", type="A", records=None)
    rounds = ManualClock()
    verdict = await agreement([*exactly([new]), gone], directory(bind), rounds)
    assert (verdict.agreed, verdict.rounds, rounds.sleeps) == (True, 3, [5.0, 5.0])


async def test_a_server_left_behind_is_no_agreement_and_is_named(bind: Bind) -> None:
    new = records("h21", "A", "192.0.2.9")
    change = Change(name=new.name, type="A", expected=records("h21", "A", "192.0.2.1"), desired=new)
    await bind.backend().swap([change])
    port = free_port()
    with running(bind, port):
        await until_ready(bind, port)
        servers = [primary(bind), Server(ZONE, "ns3", bind.address, port)]
        verdict = judge(exactly([new]), await ask_all([(new.name, "A")], servers))
    assert not verdict.agreed
    assert verdict.differences == (f"ns3 (127.0.0.1) answers {change.expected} for {new.name} A",)
    assert "ns3 (127.0.0.1) is behind (serial 7)" in verdict.sentence


async def test_a_silent_server_is_unknown_and_no_agreement(bind: Bind) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        here = directory(bind, f"127.0.0.1:{silent.getsockname()[1]}")
        verdict = judge(
            exactly([records("www", "A", "192.0.2.1")]),
            await look(exactly([records("www", "A", "192.0.2.1")]), here),
        )
    assert not verdict.agreed
    assert verdict.differences == ()
    assert "no answer within" in verdict.unknown[0]


async def test_a_server_without_the_zone_is_unknown(bind: Bind) -> None:
    (view,) = await ask_all(
        [("www.nowhere.test", "A")], [Server("nowhere.test", "ns1", bind.address, bind.port)]
    )
    assert "does not hold nowhere.test (REFUSED)" in view.unknown


async def test_an_address_without_a_route_is_skipped_and_said(
    bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blueshift.dns.authority.has_route", lambda address: ":" not in address)
    servers = [primary(bind), Server(ZONE, "ns1", "2001:db8::53", bind.port)]
    want = exactly([records("www", "A", "192.0.2.1")])
    verdict = judge(want, await ask_all([(f"www.{ZONE}", "A")], servers))
    assert verdict.agreed
    assert verdict.notes == ("ns1 (2001:db8::53): no route from this machine",)
    alone = judge(want, await ask_all([(f"www.{ZONE}", "A")], servers[1:]))
    assert not alone.agreed


async def test_a_round_that_disagrees_ends_the_count(bind: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    want = exactly([records("www", "A", "192.0.2.1")])
    looks = 0

    async def flapping(wanted: tuple[Wanted, ...], here: Directory) -> object:
        nonlocal looks
        looks += 1
        return await look(wanted, here) if looks != 2 else ()

    monkeypatch.setattr(agreement_module, "look", flapping)
    verdict: Agreement = await agreement(want, directory(bind), ManualClock())
    assert (verdict.agreed, verdict.rounds, looks) == (False, 1, 2)


async def test_a_clients_question_follows_aliases(bind: Bind) -> None:
    clock = SystemClock()

    async def ask(name: str, kind: str = "A") -> tuple[tuple[str, ...], int, str]:
        answer = await query(bind.address, bind.port, name, kind, clock)
        return answer.values, answer.ttl, answer.rcode

    assert await ask(f"second.{ZONE}") == (("192.0.2.1",), 300, "NOERROR")
    assert await ask(f"second.{ZONE}", "AAAA") == ((), 0, "NOERROR")
    assert await ask(f"not.there.{ZONE}") == ((), 0, "NXDOMAIN")
    assert await ask("www.nowhere.test") == ((), 0, "REFUSED")


async def test_a_silent_resolver_is_no_answer_in_time() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        clock = SystemClock()
        before = clock.now()
        with pytest.raises(NoAnswer):
            await query("127.0.0.1", silent.getsockname()[1], "a.test", "A", clock, timeout=0.3)
        assert clock.now() - before < 2
