"""Schedule, DNS cache, frames, and the peek."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueshift.errors import BlueshiftError, Retryable
from blueshift.traffic import connect
from blueshift.traffic.connect import Failed, Target, closed_by_peer
from blueshift.traffic.prober.client import Client, Watch, tls_of
from blueshift.traffic.prober.ledger import LedgerWriter, Row
from blueshift.traffic.prober.names import Names, Resolved
from blueshift.traffic.prober.plan import Persona, Plan, Protocol, Route, Stream, check_plan
from blueshift.traffic.prober.run import Run
from blueshift.traffic.prober.schedule import moments
from blueshift.traffic.websocket import CLOSE, TEXT, Message, MessageReader, accept_of, encode
from tests.fakes import ManualClock

ROUTE = Route(host="a.test")


def stream(**fields: object) -> Stream:
    return Stream(**{"kind": "http1", "persona": "p", "route": ROUTE, **fields})  # type: ignore[arg-type]


@settings(deadline=None)
@given(rates=st.lists(st.floats(0.1, 50), min_size=1, max_size=6), until=st.floats(0.5, 20))
def test_a_schedule_is_in_order_and_complete(rates: list[float], until: float) -> None:
    streams = [stream(rate=rate) for rate in rates]
    found = list(moments(streams, until))
    at = [moment for moment, _ in found]
    assert at == sorted(at)
    assert all(0 <= moment < until for moment in at)
    for index, rate in enumerate(rates):
        own = [moment for moment, whose in found if whose == index]
        assert abs(len(own) - rate * until) <= 1
        assert all(b - a == pytest.approx(1 / rate) for a, b in pairwise(own))


def test_equal_streams_do_not_come_at_the_same_moment() -> None:
    found = [moment for moment, _ in moments([stream(rate=1.0) for _ in range(100)], 1.0)]
    gaps = [b - a for a, b in pairwise(found)]
    assert len(found) == 100
    assert max(gaps) < 0.02


def test_given_moments_come_once() -> None:
    found = list(moments([stream(at=(3.0, 1.0)), stream(rate=0.5)], 4.0))
    assert [index for _, index in found] == [0, 1, 0, 1]
    assert [moment for moment, index in found if index == 0] == [1.0, 3.0]


class Resolver:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.answer = Resolved(("192.0.2.1",), 30.0)
        self.fault: BlueshiftError | None = None

    async def __call__(self, host: str, family: int) -> Resolved:
        self.asked.append((host, family))
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        return self.answer


async def test_a_name_is_kept_for_its_ttl_and_no_longer() -> None:
    clock, resolver = ManualClock(), Resolver()
    names = Names(resolver, 6, clock)
    assert await names.pick("a.test") == "192.0.2.1"
    resolver.answer = Resolved(("192.0.2.2",), 30.0)
    clock.advance(29.9)
    assert await names.pick("a.test") == "192.0.2.1"
    clock.advance(0.1)
    assert await names.pick("a.test") == "192.0.2.2"
    assert resolver.asked == [("a.test", 6)] * 2


async def test_a_client_may_keep_an_answer_for_longer_than_its_ttl() -> None:
    clock, resolver = ManualClock(), Resolver()
    names = Names(resolver, 4, clock, 180.0)
    await names.pick("a.test")
    resolver.answer = Resolved(("192.0.2.2",), 30.0)
    clock.advance(179.9)
    assert await names.pick("a.test") == "192.0.2.1"
    clock.advance(0.1)
    assert await names.pick("a.test") == "192.0.2.2"


async def test_a_client_with_an_address_of_its_own_asks_no_name() -> None:
    resolver, route = Resolver(), Route(host="a.test", tls=False)
    persona = Persona(name="p", protocol="http1", address="192.0.2.9", source="192.0.2.10")
    plan = Plan(personas=(persona,), streams=(), duration=1.0)
    client = Client(persona, plan, "0" * 8, resolver, Watch(ManualClock(), 0.0), connect.trusting())
    row = Row(id=0, kind="http1", persona="p", host="a.test", path="/", expected="", scheduled=0.0)
    assert await client.target(route, row) == Target("192.0.2.9", 80, "a.test", None, "192.0.2.10")
    assert (row.address, resolver.asked) == ("192.0.2.9", [])


@pytest.mark.parametrize(("host", "name"), [("a.test", "a.test"), ("a.test.", "a.test")])
async def test_tls_has_a_name_without_the_dot_that_ends_it(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[socket.socket, socket.socket], host: str, name: str
) -> None:
    ours, _ = pair
    asked: list[object] = []

    async def connected(*_: object) -> None: ...

    async def create(make: Callable[[], asyncio.Protocol], **how: object) -> tuple[None, asyncio.Protocol]:
        asked.append(how["server_hostname"])
        return None, make()

    monkeypatch.setattr(connect, "open_socket", lambda _target: ours)
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", connected)
    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", create)
    for tls in (connect.trusting(), None):
        target = Target("192.0.2.1", 443, host, tls)
        await connect.dial(target, asyncio.Protocol, ManualClock(), 1.0)
    assert asked == [name, None]


def test_what_the_machine_trusts_is_read_once_however_many_clients_there_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read: list[tuple[str, ...]] = []

    def trusting(_ca: str, *, alpn: tuple[str, ...]) -> ssl.SSLContext:
        read.append(alpn)
        return connect.trusting(alpn=alpn)

    monkeypatch.setattr("blueshift.traffic.prober.client.trusting", trusting)
    spoken: tuple[Protocol, ...] = ("http1", "http2")
    personas = [Persona(f"{protocol}-{number}", protocol) for protocol in spoken for number in range(60)]
    plan = Plan(tuple(personas), (), 1.0, ca=connect.SYSTEM_CA)
    with LedgerWriter(tmp_path / "rows", "run", datetime(2026, 11, 24, tzinfo=UTC)) as ledger:
        Run(plan, tls_of(plan), "run", Resolver(), ManualClock(), ledger)
    assert sorted(read) == [("h2",), ("http/1.1",)]


async def test_requests_that_wait_for_a_name_ask_once() -> None:
    resolver = Resolver()
    names = Names(resolver, 4, ManualClock())
    assert await asyncio.gather(*(names.pick("a.test") for _ in range(5))) == ["192.0.2.1"] * 5
    assert len(resolver.asked) == 1


async def test_a_ttl_of_nothing_is_asked_each_time() -> None:
    resolver = Resolver()
    resolver.answer = Resolved(("192.0.2.1",), 0.0)
    names = Names(resolver, 4, ManualClock())
    await names.pick("a.test")
    await names.pick("a.test")
    assert len(resolver.asked) == 2


async def test_several_addresses_are_taken_in_turn() -> None:
    resolver = Resolver()
    resolver.answer = Resolved(("192.0.2.1", "192.0.2.2"), 60.0)
    names = Names(resolver, 4, ManualClock())
    assert {await names.pick("a.test") for _ in range(2)} == {"192.0.2.1", "192.0.2.2"}


async def test_no_answer_and_no_address_fail_in_resolve_and_are_not_kept() -> None:
    resolver = Resolver()
    names = Names(resolver, 4, ManualClock())
    resolver.fault = Retryable("192.0.2.53 port 53: no answer")
    with pytest.raises(Failed, match=r"resolve: 192\.0\.2\.53 port 53: no answer"):
        await names.pick("a.test")
    resolver.fault, resolver.answer = None, Resolved((), 60.0)
    with pytest.raises(Failed, match="resolve: no address"):
        await names.pick("a.test")
    resolver.answer = Resolved(("192.0.2.9",), 60.0)
    assert await names.pick("a.test") == "192.0.2.9"


@pytest.fixture
def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


def test_an_open_connection_is_not_closed(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    assert not closed_by_peer(ours)
    theirs.send(b"a session ticket")
    assert not closed_by_peer(ours)
    assert ours.recv(99) == b"a session ticket", "a look takes nothing away"


@pytest.mark.parametrize("before", [b"", b"close_notify"])
def test_an_end_is_seen_also_behind_unread_bytes(
    pair: tuple[socket.socket, socket.socket], before: bytes
) -> None:
    ours, theirs = pair
    theirs.send(before)
    theirs.shutdown(socket.SHUT_WR)
    assert closed_by_peer(ours)


def test_a_socket_that_is_gone_is_closed(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    ours.close()
    assert closed_by_peer(ours)


def frames(data: bytes) -> MessageReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return MessageReader(reader.readexactly)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
async def test_a_frame_says_its_length_and_is_masked(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    sent = encode(TEXT, data[:size])
    head = 2 if size < 126 else 4 if size < 65536 else 10
    assert sent[1] & 0x80
    mask, masked = sent[head : head + 4], sent[head + 4 :]
    assert bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked)) == data[:size]
    plain = bytes([sent[0], sent[1] & 0x7F]) + sent[2:head] + data[:size]
    assert await frames(plain).next() == Message(TEXT, data[:size])


async def test_parts_are_joined_around_control_frames() -> None:
    reader = frames(b"\x01\x03one" + b"\x88\x02\x03\xe8" + b"\x80\x03two")
    close = await reader.next()
    assert (close.kind, close.code) == (CLOSE, 1000)
    assert await reader.next() == Message(TEXT, b"onetwo")


@pytest.mark.parametrize("data", [b"\x81\x82masked", b"\xc1\x00", b"\x80\x00", b"\x01\x00\x01\x00"])
async def test_what_a_server_must_not_send_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        await frames(data).next()


async def test_a_cut_frame_is_an_end() -> None:
    with pytest.raises(EOFError):
        await frames(b"\x81\x05hel").next()


def test_the_handshake_of_rfc_6455() -> None:
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"persona": "nobody", "rate": 1.0}, "there is no persona 'nobody'"),
        ({"kind": "http2", "rate": 1.0}, "'p' speaks http1 and not http2"),
        ({}, "neither a rate nor moments"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(fields: dict[str, object], message: str) -> None:
    plan = Plan(personas=(Persona(name="p", protocol="http1"),), streams=(stream(**fields),), duration=1.0)
    with pytest.raises(BlueshiftError, match=message) as caught:
        check_plan(plan, "plan.json")
    assert caught.value.place == "plan.json: streams[0]"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("[SSL] tlsv1 alert no application protocol (_ssl.c:1006)", "tlsv1 alert no application protocol"),
        ("nobody knows", "tls error"),
    ],
)
def test_an_alert_that_openssl_has_no_name_for_is_told_by_its_words(said: str, reason: str) -> None:
    error = ssl.SSLError(1, said)
    error.reason = None  # type: ignore[assignment]
    assert connect.reason_of(error) == reason
