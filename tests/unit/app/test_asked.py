"""What is asked becomes a plan of the generator."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable

import pytest

from blueshift.app.asked import CONNECT, CONNECTIONS, Asked, plan_of, resolver
from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.traffic.connect import Failed, Target, trusting
from blueshift.traffic.logs import compile_format
from blueshift.traffic.prober import client, session
from blueshift.traffic.prober.client import Client, Watch
from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.names import Names
from blueshift.traffic.prober.plan import Plan
from blueshift.traffic.prober.run import longest
from tests.fakes import ManualClock

PINNED = {"a.test": ("192.0.2.1", "2001:db8::1"), "b.test": ("192.0.2.2",)}


async def test_the_rate_is_spread_over_urls_and_the_families_that_they_have() -> None:
    plan = await plan_of(Asked(("https://a.test/", "http://b.test:8080/x?y"), 40.0, 1.0, pinned=PINNED))
    assert [(one.persona, one.rate) for one in plan.streams] == [
        ("0/ipv4", 10.0),
        ("0/ipv6", 10.0),
        ("1/ipv4", 20.0),
    ]
    assert [one.route.authority for one in plan.streams] == ["a.test", "a.test", "b.test:8080"]
    assert plan.streams[2].route.path == "/x?y"


async def test_websockets_stand_beside_what_is_polled() -> None:
    asked = Asked(
        ("wss://b.test/live", "https://b.test/poll"),
        40.0,
        1.0,
        protocol="http2",
        pinned={"b.test": PINNED["b.test"]},
        wait=60.0,
        hold=90.0,
        timeout=15.0,
    )
    plan = await plan_of(asked)
    session, poll = plan.streams
    assert (session.kind, session.route.tls, session.route.wait, session.hold) == (
        "websocket", True, 0.0, (90.0, 90.0),
    )  # fmt: skip
    assert (poll.kind, poll.route.wait) == ("longpoll", 60.0)
    assert [one.protocol for one in plan.personas] == ["websocket", "http2"]
    assert plan.personas[1].most_connections == CONNECTIONS + 20 * 60  # each poll has its own meanwhile
    assert longest(plan) > 60.0 + 15.0  # the last poll gets its answer


async def test_a_subprotocol_is_offered_by_sessions_alone() -> None:
    pinned = {"b.test": PINNED["b.test"]}
    asked = Asked(("ws://b.test/", "http://b.test/"), 1.0, 1.0, pinned=pinned, subprotocol="mqtt")
    session, request = (await plan_of(asked)).streams
    assert (session.route.headers, request.route.headers) == ({"Sec-WebSocket-Protocol": "mqtt"}, {})


@pytest.mark.parametrize(
    ("url", "more", "says"),
    [
        ("ws://192.0.2.1/", {"subprotocol": "a b"}, "'a b' is no subprotocol's name"),
        ("ws://192.0.2.1/", {"subprotocol": "a\r\nX: y"}, "is no subprotocol's name"),
        ("http://192.0.2.1/", {"subprotocol": "mqtt"}, "there is no WebSocket to ask"),
        ("http://b\u00fccher.test/", {}, "a URL is asked as it is sent, which is ASCII"),
    ],
)
async def test_what_cannot_be_sent_is_an_error(url: str, more: dict[str, str], says: str) -> None:
    with pytest.raises(BlueshiftError, match=says) as raised:
        await plan_of(Asked((url,), 1.0, 1.0, **more))  # type: ignore[arg-type]
    assert raised.value.hint


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (socket.EAI_NONAME, "^https://a.test/: a.test has no IPv4 or IPv6 address$"),
        (socket.EAI_AGAIN, "^a.test cannot be looked up: temporary failure$"),
    ],
)
async def test_a_resolver_that_does_not_answer_is_no_name_without_address(
    monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    async def failing(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "Temporary failure")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", failing)
    asked = Asked(("https://a.test/",), 1.0, 1.0)
    with pytest.raises(BlueshiftError, match=says):
        await plan_of(asked)
    names = Names(resolver(asked), 4, ManualClock())
    with pytest.raises(Failed, match="no address" if code == socket.EAI_NONAME else "cannot be looked up"):
        await names.pick("a.test")


@pytest.mark.parametrize(("timeout", "connect"), [(0.5, 0.5), (15.0, CONNECT)])
async def test_a_connection_has_no_longer_than_a_whole_answer(timeout: float, connect: float) -> None:
    pinned = {"b.test": PINNED["b.test"]}
    plan = await plan_of(Asked(("http://b.test/",), 1.0, 1.0, pinned=pinned, timeout=timeout))
    assert (plan.connect_timeout, plan.answer_timeout) == (connect, timeout)


class Wire(asyncio.Transport):
    """Keeps what is written, and ends the connection at once."""

    def __init__(self, sent: list[bytes], protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._sent, self._protocol = sent, protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._sent.append(bytes(data))
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def close(self) -> None: ...

    def abort(self) -> None: ...


async def sent_by(plan: Plan, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The first request of each stream, as it goes over the wire."""
    sent: list[bytes] = []

    async def dial(
        _target: Target, make: Callable[[], asyncio.Protocol], _clock: Clock, _timeout: float
    ) -> tuple[asyncio.Protocol, None]:
        protocol = make()
        protocol.connection_made(Wire(sent, protocol))
        return protocol, None

    monkeypatch.setattr(client, "dial", dial)
    monkeypatch.setattr(session, "dial", dial)
    for persona, stream in zip(plan.personas, plan.streams, strict=True):
        watch = Watch(ManualClock(), 0.0)
        one = Client(persona, plan, "0" * 8, resolver(asked), watch, trusting())
        row = Row(0, stream.kind, persona.name, stream.route.host, "/", "", 0.0)
        held = stream.kind == "websocket"
        asking = session.hold(one, stream.route, row, 1.0, bool) if held else one.ask(stream.route, row)
        with pytest.raises(Failed, match="closed before the answer"):
            await asking
    return sent


async def test_what_the_command_sends_is_known_as_ours_and_what_a_user_sends_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(("http://b.test/", "ws://b.test/live"), 1.0, 1.0, pinned={"b.test": PINNED["b.test"]})
    ours = await plan_of(asked)
    users = Plan(ours.personas, ours.streams, 1.0)  # as the lab writes its own
    log = compile_format('$remote_addr "$http_user_agent"')
    for plan, own in ((ours, True), (users, False)):
        requests = await sent_by(plan, asked, monkeypatch)
        assert len(requests) == 2
        for request in requests:
            agent = re.search(rb"\r\nUser-Agent: (.+)\r\n", request)
            assert agent
            line = log.parse(b'192.0.2.7 "%s"' % agent[1])
            assert line
            assert line.own is own
