"""The RFC 2136 backend against a real BIND."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import dns.message
import dns.query
import dns.update
import pytest

from blueshift.clock import SystemClock
from blueshift.dns import rfc2136
from blueshift.dns.backend import (
    BadKey,
    BadSig,
    BadTime,
    DnsError,
    NotAuth,
    NotKept,
    Refused,
    Stale,
    TsigError,
    batches,
)
from blueshift.dns.key import Key, parse_key
from blueshift.dns.records import Change, Question, RecordSet
from blueshift.dns.rfc2136 import Rfc2136
from blueshift.dns.settings import Rfc2136Settings
from blueshift.dns.update import tsig_key
from blueshift.dns.wire import send
from blueshift.errors import Ambiguous, Retryable
from tests.contract.dns.bind import NARROW, OTHER_SECRET, SECRET, WRITER, ZONE, Bind, free_port
from tests.fakes import ManualClock


def records(name: str, kind: str, *values: str, ttl: int = 300) -> RecordSet:
    return RecordSet(name=f"{name}.{ZONE}", type=kind, ttl=ttl, values=values)


def change(old: RecordSet, new: RecordSet) -> Change:
    return Change(name=old.name, type=old.type, expected=old, desired=new)


async def standing(backend: Rfc2136, name: str, kind: str = "A") -> RecordSet | None:
    return (await backend.read([(f"{name}.{ZONE}", kind)]))[0]


def behind_our_back(bind: Bind, name: str, *values: str) -> None:
    """Write as another program would: without asking what stands."""
    message = dns.update.UpdateMessage(ZONE, keyring=tsig_key(parse_key(WRITER, place="test")))
    message.replace(name, 300, "A", *values)
    assert dns.query.tcp(message, bind.address, port=bind.port, timeout=5).rcode() == 0


async def test_swap_changes_a_and_aaaa_and_the_ttl(bind: Bind) -> None:
    backend = bind.backend()
    a, aaaa = records("h0", "A", "192.0.2.1"), records("h0", "AAAA", "2001:db8::1")
    new_a, new_aaaa = records("h0", "A", "192.0.2.9", ttl=60), records("h0", "AAAA", "2001:db8::9", ttl=60)
    ref = await backend.swap([change(a, new_a), change(aaaa, new_aaaa)])
    await backend.wait(ref)
    assert ref.zone == ZONE
    assert int(ref.token) == await backend.serial(ZONE)
    assert await backend.read([(a.name, "A"), (a.name, "AAAA")]) == (new_a, new_aaaa)


@pytest.mark.parametrize(
    "wrong", [("192.0.2.3",), ("192.0.2.1",), ("192.0.2.1", "192.0.2.2", "192.0.2.3")], ids=str
)
async def test_stale_subset_and_superset_change_nothing(bind: Bind, wrong: tuple[str, ...]) -> None:
    backend = bind.backend()
    before = await standing(backend, "two")
    serial = await backend.serial(ZONE)
    with pytest.raises(Stale) as caught:
        await backend.swap([change(records("two", "A", *wrong), records("two", "A", "192.0.2.9"))])
    assert caught.value.differences[0].now == before
    assert "192.0.2.2" in str(caught.value)
    assert await backend.serial(ZONE) == serial


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("h11", ("192.0.2.3",)),
        ("h12", ("192.0.2.1", "192.0.2.3")),
        ("pair", ("192.0.2.1",)),
    ],
    ids=["another value", "superset", "subset"],
)
async def test_the_servers_own_check_holds_when_the_record_changes_after_our_reading(
    bind: Bind, monkeypatch: pytest.MonkeyPatch, name: str, wrong: tuple[str, ...]
) -> None:
    backend = bind.backend()
    old = await standing(backend, name)
    assert old is not None
    reads = 0
    really = backend.read

    async def read(names: list[Question]) -> tuple[RecordSet | None, ...]:
        nonlocal reads
        reads += 1
        found = await really(names)
        if reads == 1:
            await asyncio.to_thread(behind_our_back, bind, name, *wrong)
        return found

    monkeypatch.setattr(backend, "read", read)
    with pytest.raises(Stale) as caught:
        await backend.swap([change(old, records(name, "A", "192.0.2.9"))])
    assert caught.value.differences[0].now == records(name, "A", *wrong)
    assert (await really([(old.name, "A")]))[0] == records(name, "A", *wrong)


async def test_another_ttl_is_stale(bind: Bind) -> None:
    """Prerequisites ignore the TTL (RFC 2136 §2.4), and the wait after lower-ttl depends on it."""
    backend = bind.backend()
    old = records("h2", "A", "192.0.2.1", ttl=3600)
    with pytest.raises(Stale, match="TTL 300"):
        await backend.swap([change(old, records("h2", "A", "192.0.2.1", ttl=60))])


async def test_one_wrong_record_of_two_stops_both(bind: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = bind.backend()
    a, aaaa = records("h3", "A", "192.0.2.1"), records("h3", "AAAA", "2001:db8::bad")
    real = await backend.read([(a.name, "A"), (a.name, "AAAA")])
    answers = [(a, aaaa), real]  # the first reading is blind, so that the server must notice
    changes = [change(a, records("h3", "A", "192.0.2.9")), change(aaaa, records("h3", "AAAA", "2001:db8::9"))]

    async def read(names: list[Question]) -> tuple[RecordSet | None, ...]:
        return answers.pop(0)

    with monkeypatch.context() as patch:
        patch.setattr(backend, "read", read)
        with pytest.raises(Stale) as caught:
            await backend.swap(changes)
    assert [difference.type for difference in caught.value.differences] == ["AAAA"]
    assert await backend.read([(a.name, "A"), (a.name, "AAAA")]) == real


async def test_of_sixteen_racers_exactly_one_wins(bind: Bind) -> None:
    backend = bind.backend()
    old = records("h4", "A", "192.0.2.1")
    for round_ in range(12):
        wanted = [records("h4", "A", f"198.51.{round_}.{racer}") for racer in range(16)]

        async def race(new: RecordSet, old: RecordSet = old) -> RecordSet | None:
            try:
                await backend.swap([change(old, new)])
            except Stale:
                return None
            return new

        winners = [won for won in await asyncio.gather(*map(race, wanted)) if won is not None]
        assert len(winners) == 1
        assert await standing(backend, "h4") == winners[0]
        old = winners[0]


async def test_create_delete_and_turning_an_address_into_an_alias(bind: Bind) -> None:
    backend = bind.backend()
    a, alias = records("fresh", "A", "192.0.2.1"), records("fresh", "CNAME", f"shared.{ZONE}")
    create = Change(name=a.name, type="A", expected=None, desired=a)
    await backend.swap([create])
    with pytest.raises(Stale):
        await backend.swap([create])
    to_alias = Change(name=a.name, type="CNAME", expected=None, desired=alias)
    await backend.swap([to_alias, Change(name=a.name, type="A", expected=a, desired=None)])
    assert await backend.read([(a.name, "A"), (a.name, "CNAME")]) == (None, alias)
    await backend.swap([Change(name=a.name, type="CNAME", expected=alias, desired=None)])
    assert await standing(backend, "fresh", "CNAME") is None


async def test_what_the_server_silently_ignores_is_seen(bind: Bind) -> None:
    """BIND answers NOERROR to a CNAME beside an address and drops it."""
    backend = bind.backend()
    alias = records("h5", "CNAME", f"shared.{ZONE}")
    with pytest.raises(NotKept, match=r"CNAME is nothing, not shared\.shop\.test"):
        await backend.swap([Change(name=alias.name, type="CNAME", expected=None, desired=alias)])


async def test_wildcard_and_apex_are_names_like_others(bind: Bind) -> None:
    backend = bind.backend()
    for name in (f"*.wild.{ZONE}", ZONE):
        old = RecordSet(name=name, type="A", ttl=300, values=("192.0.2.1",))
        new = RecordSet(name=name, type="A", ttl=300, values=("192.0.2.9",))
        await backend.swap([change(old, new)])
        assert await backend.read([(name, "A")]) == (new,)
        await backend.swap([change(new, old)])


async def test_a_name_under_a_wildcard_is_explained(bind: Bind) -> None:
    backend = bind.backend()
    old = records("any.wild", "A", "192.0.2.1")
    with pytest.raises(Stale, match="wildcard"):
        await backend.swap([change(old, records("any.wild", "A", "192.0.2.9"))])


async def test_three_hundred_names_in_one_swap(bind: Bind) -> None:
    backend = bind.backend(max_batch=600)
    names = [(f"h{n}.{ZONE}", kind) for n in range(300) for kind in ("A", "AAAA")]
    now = [found for found in await backend.read(names) if found is not None]
    new = {"A": ("192.0.2.77",), "AAAA": ("2001:db8::77",)}
    wanted = [RecordSet(name=old.name, type=old.type, ttl=60, values=new[old.type]) for old in now]
    changes = [change(old, then) for old, then in zip(now, wanted, strict=True)]
    assert await batches(backend, changes) == (tuple(changes),)
    await backend.swap(changes)
    assert list(await backend.read(names)) == wanted
    await backend.swap([change(then, old) for old, then in zip(now, wanted, strict=True)])
    with pytest.raises(DnsError, match="600 of 1 zones"):
        await bind.backend(max_batch=599).swap(changes)


async def test_more_than_a_message_holds_is_said_before_anything_is_sent(bind: Bind) -> None:
    backend = bind.backend(max_batch=5000)
    long = "n" * 60
    changes = []
    for n in range(900):
        new = records(f"{long}{n}.{long}", "A", "192.0.2.1")
        changes.append(Change(name=new.name, type="A", expected=None, desired=new))
    serial = await backend.serial(ZONE)
    with pytest.raises(DnsError, match="64 KB"):
        await backend.swap(changes)
    assert await backend.serial(ZONE) == serial


async def test_the_errors_of_tsig_are_told_apart(bind: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    swap = [change(records("h6", "A", "192.0.2.1"), records("h6", "A", "192.0.2.9"))]
    with pytest.raises(BadKey, match="nobody"):
        await bind.backend(parse_key(f"nobody:{SECRET}", place="test")).swap(swap)
    with pytest.raises(BadSig, match="secret") as caught:
        await bind.backend(parse_key(f"writer:{OTHER_SECRET}", place="test")).swap(swap)
    assert OTHER_SECRET not in repr(caught.value)
    real = dns.message.time.time  # type: ignore[attr-defined]
    monkeypatch.setattr(dns.message, "time", SimpleNamespace(time=lambda: real() + 4000))
    with pytest.raises(BadTime, match="ahead") as late:
        await bind.backend().swap(swap)
    monkeypatch.undo()
    assert late.value.offset == pytest.approx(4000, abs=5)
    assert await standing(bind.backend(), "h6") == swap[0].expected


async def test_refused_and_wrong_zone_are_told_apart(bind: Bind) -> None:
    swap = [change(records("h7", "A", "192.0.2.1"), records("h7", "A", "192.0.2.9"))]
    with pytest.raises(Refused, match="narrow"):
        await bind.backend(parse_key(NARROW, place="test")).swap(swap)
    with pytest.raises(NotAuth):
        await bind.backend().read([("www.nowhere.test", "A")])
    with pytest.raises(NotAuth):
        await bind.backend().zone_of(f"deep.child.{ZONE}")
    with pytest.raises(NotAuth, match="NOTAUTH"):
        await bind.backend(zones=("www." + ZONE,)).swap(
            [change(records("www", "A", "192.0.2.1"), records("www", "A", "192.0.2.9"))]
        )


async def test_zone_of_follows_the_servers_word_also_for_an_alias(bind: Bind) -> None:
    backend = bind.backend()
    for name in (ZONE, f"www.{ZONE}", f"not.there.{ZONE}", f"alias.{ZONE}", f"away.{ZONE}", f"x.wild.{ZONE}"):
        assert await backend.zone_of(name) == ZONE
    assert await backend.zone_of("www.fixed.test") == "fixed.test"


async def test_swaps_are_cut_by_zone_and_keep_a_name_together(bind: Bind) -> None:
    backend = bind.backend(max_batch=3)
    made = [
        Change(
            name=name, type=kind, expected=None, desired=RecordSet(name=name, type=kind, ttl=60, values=(v,))
        )
        for name in (f"b1.{ZONE}", "b.fixed.test", f"b2.{ZONE}")
        for kind, v in (("A", "192.0.2.1"), ("AAAA", "2001:db8::1"))
    ]
    cut = await batches(backend, made)
    assert [[c.name for c in batch] for batch in cut] == [
        [f"b1.{ZONE}"] * 2,
        [f"b2.{ZONE}"] * 2,
        ["b.fixed.test"] * 2,
    ]


async def test_trying_a_right_changes_nothing(bind: Bind) -> None:
    backend = bind.backend(parse_key(NARROW, place="test"))
    before = await backend.serial(ZONE)
    asked: list[Question] = [
        (f"www.{ZONE}", "A"),
        (f"h8.{ZONE}", "A"),
        (f"www.{ZONE}", "AAAA"),
        (f"no.{ZONE}", "A"),
    ]
    rights = await backend.try_rights(asked)
    assert [(right.name, right.type) for right in rights] == asked
    assert [right.allowed for right in rights] == [True, False, True, False]
    assert "REFUSED" in rights[1].reason
    assert all(right.ahead is not None and abs(right.ahead) < 10 for right in rights)
    assert all(right.held for right in rights)
    assert all(right.allowed for right in await bind.backend().try_rights(asked))
    assert await backend.serial(ZONE) == before
    with pytest.raises(BadKey):
        await bind.backend(parse_key(f"nobody:{SECRET}", place="test")).try_rights(asked)


async def test_a_closed_port_sent_nothing(bind: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = records("h9", "A", "192.0.2.1"), records("h9", "A", "192.0.2.9")
    backend = bind.backend(port=free_port(), zones=(ZONE,))

    async def read(names: list[Question]) -> tuple[RecordSet | None, ...]:
        return (old,)

    monkeypatch.setattr(backend, "read", read)
    with pytest.raises(Retryable, match="nothing was sent"):
        await backend.swap([change(old, new)])


@pytest.mark.parametrize("close", [True, False], ids=["connection closed", "silence"])
async def test_a_lost_answer_is_ambiguous(bind: Bind, monkeypatch: pytest.MonkeyPatch, close: bool) -> None:
    """The server takes the update, and its answer is lost: the record did change."""
    old, new = records("h13", "A", "192.0.2.1"), records("h13", "A", "192.0.2.9")
    if close is False:
        old, new = new, old
    hold = asyncio.Event()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = await reader.readexactly(2)
        upstream_in, upstream = await asyncio.open_connection(bind.address, bind.port)
        upstream.write(length + await reader.readexactly(int.from_bytes(length, "big")))
        await upstream_in.readexactly(2)
        upstream.close()
        if not close:
            await hold.wait()
        writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    backend = bind.backend()

    async def slow_send(wire: bytes, address: str, _port: int, _clock: object, *, timeout: float) -> bytes:
        return await send(wire, address, port, SystemClock(), timeout=0.5)

    monkeypatch.setattr(rfc2136, "send", slow_send)
    with pytest.raises(Ambiguous, match="no answer to the update"):
        await backend.swap([change(old, new)])
    hold.set()
    server.close()
    assert await standing(backend, "h13") == new


async def test_an_unsigned_yes_to_a_signed_update_proves_nothing(
    bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = records("h14", "A", "192.0.2.1"), records("h14", "A", "192.0.2.9")

    async def send(wire: bytes, *_: object, **__: object) -> bytes:
        return wire[:2] + b"\xa8\x00" + bytes(8)  # the answer to this update: NOERROR, and nothing else

    monkeypatch.setattr(rfc2136, "send", send)
    with pytest.raises(Ambiguous, match="not signed"):
        await bind.backend().swap([change(old, new)])


async def test_a_server_that_is_silent_gives_no_answer(bind: Bind) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        backend = bind.backend(port=silent.getsockname()[1])
        with pytest.raises(Retryable, match="no answer"):
            await backend.read([(f"www.{ZONE}", "A")])


async def test_unsigned_updates_are_refused_here(bind: Bind) -> None:
    backend = Rfc2136(bind.backend().settings, None, bind.backend()._clock)
    with pytest.raises(Refused, match="unsigned"):
        await backend.swap([change(records("h15", "A", "192.0.2.1"), records("h15", "A", "192.0.2.9"))])


async def test_questions_are_signed_where_the_server_chooses_its_view_by_key(bind: Bind) -> None:
    old = records("h16", "A", "192.0.2.1")
    signed = bind.backend(signed_reads=True)
    assert await standing(signed, "h16") == old
    await signed.swap([change(old, records("h16", "A", "192.0.2.9"))])
    for wrong in (f"nobody:{SECRET}", f"writer:{OTHER_SECRET}"):
        with pytest.raises(TsigError):
            await standing(bind.backend(parse_key(wrong, place="test"), signed_reads=True), "h16")


async def test_the_server_may_be_given_by_name(bind: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its addresses, one that this machine has a route to; and the same one for all of a run."""

    async def addresses(host: str) -> tuple[str, ...]:
        assert host == "ns1.shop.test"
        return ("2001:db8::53", "127.0.0.1")

    monkeypatch.setattr(rfc2136, "addresses", addresses)
    monkeypatch.setattr(rfc2136, "has_route", lambda address: ":" not in address)
    backend = Rfc2136(Rfc2136Settings("ns1.shop.test", bind.port), None, ManualClock())
    assert await standing(backend, "h17") == records("h17", "A", "192.0.2.1")


async def test_a_name_that_is_none_has_no_address(bind: Bind) -> None:
    with pytest.raises(Retryable, match="has no address"):
        await standing(Rfc2136(Rfc2136Settings("a..b", bind.port), None, ManualClock()), "h17")


def test_the_secret_is_in_no_text(bind: Bind) -> None:
    key = parse_key(WRITER, place="test")
    assert isinstance(key, Key)
    assert SECRET not in repr(key) + str(key) + repr(bind.backend().settings)
