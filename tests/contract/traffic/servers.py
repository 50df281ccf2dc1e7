"""Real servers on loopback with a fault each, and one run of the generator against them."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from blueshift.clock import Clock, SystemClock
from blueshift.lab.certificates import Authority
from blueshift.traffic.prober.client import tls_of
from blueshift.traffic.prober.ledger import LedgerWriter, Row, read_ledger
from blueshift.traffic.prober.names import Resolved
from blueshift.traffic.prober.plan import Kind, Persona, Plan, Protocol, Route, Stream
from blueshift.traffic.prober.run import Run
from blueshift.traffic.prober.summary import Summary
from blueshift.traffic.websocket import accept_of

HOST = "app01.lab.test"
RUN = "0badcafe"


class Request(msgspec.Struct):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers.get("x-blueshift-id", "")

    def seen(self, **other: object) -> bytes:
        """What the echo application would say."""
        fields: dict[str, object] = {
            "id": self.id,
            "service": "echo-a",
            "host": self.headers["host"],
            "path": self.path.partition("?")[0],
            "length": len(self.body),
            "crc32": zlib.crc32(self.body),
        }
        return json.dumps({**fields, **other}).encode()


class Connection(msgspec.Struct):
    """A server's side of one connection; `number` counts them from 0."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    requests: list[Request]

    async def request(self) -> Request:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(method, path, headers, body)
        self.requests.append(request)
        return request

    async def answer(self, body: bytes, *, status: int = 200, headers: str = "") -> None:
        head = (
            f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\nX-Lab-Controller: v1\r\n{headers}\r\n"
        )
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    def reset(self) -> None:
        """End with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[Connection], Awaitable[None]]


class Server(msgspec.Struct):
    port: int
    requests: list[Request]
    connections: list[int]

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.requests if request.id]


@asynccontextmanager
async def serving(behave: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Serve until the block ends; each connection closes when `behave` returns."""
    known = Server(0, [], [])

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, len(known.connections), known.requests)
        known.connections.append(connection.number)
        try:
            await behave(connection)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    known.port = server.sockets[0].getsockname()[1]
    try:
        yield known
    finally:
        server.close()


async def healthy(connection: Connection) -> None:
    while True:
        request = await connection.request()
        await connection.answer(request.seen())


async def upgrade(connection: Connection, first: Callable[[Request], bytes] = lambda _: b"") -> str:
    """Answer a WebSocket's request, with frames in the same packet if told to; return its path."""
    request = await connection.request()
    accept = accept_of(request.headers["sec-websocket-key"])
    connection.writer.write(
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n" + first(request)
    )
    return request.path


def frame(kind: int, data: bytes, *, last: bool = True) -> bytes:
    size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2, "big")
    return bytes([kind | (0x80 if last else 0)]) + size + data


async def receive(connection: Connection) -> tuple[int, bytes]:
    flags, size = await connection.reader.readexactly(2)
    assert size & 0x80, "a client masks"
    mask = await connection.reader.readexactly(4)
    data = await connection.reader.readexactly(size & 0x7F)
    return flags & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


def server_tls(folder: Path, *, host: str = HOST, alpn: str = "http/1.1") -> tuple[ssl.SSLContext, str]:
    """A server's TLS settings for `host`, and the file that its clients must trust."""
    authority = Authority(folder / "ca.pem")
    certificate, key = authority.issue(host)
    (folder / "pair.pem").write_bytes(key + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pair.pem")
    context.set_alpn_protocols([alpn])
    return context, str(authority.certificate)


def plan_of(
    route: Route,
    *,
    kind: Kind = "http1",
    at: Iterable[float] = (),
    rate: float = 0.0,
    duration: float = 1.0,
    ca: str = "",
    max_age: float | None = None,
    answer_timeout: float = 5.0,
    hold: tuple[float, float] = (0.0, 0.0),
    most_connections: int = 100,
    connect_timeout: float = 5.0,
) -> Plan:
    spoken: dict[Kind, Protocol] = {"http2": "http2", "websocket": "websocket", "websocket_long": "websocket"}
    persona = Persona(
        name="one", protocol=spoken.get(kind, "http1"), max_age=max_age, most_connections=most_connections
    )
    stream = Stream(kind=kind, persona="one", route=route, rate=rate, at=tuple(at), hold=hold)
    return Plan(
        personas=(persona,),
        streams=(stream,),
        duration=duration,
        ca=ca,
        answer_timeout=answer_timeout,
        connect_timeout=connect_timeout,
    )


async def turns(count: int) -> None:
    """Let the loop do what is ready, and what follows from it, however long that takes."""
    for _ in range(count):
        await asyncio.sleep(0)


class Paced(SystemClock):
    """Goes on by waits alone, after each of which the loop does first what has come up meanwhile.

    Servers and generator share a loop. Where a busy machine holds that up, the next request would be due
    before the one before it has ended, or before the end of its connection is seen.
    """

    def __init__(self) -> None:
        self._at = 0.0
        super().__init__()

    def now(self) -> float:
        """See Clock."""
        return self._at

    async def sleep(self, seconds: float) -> None:
        """See Clock."""
        await super().sleep(seconds)
        await turns(100)
        self._at += seconds


async def traffic(
    plan: Plan, folder: Path, ids: Callable[[], Iterable[str]], clock: Clock | None = None
) -> tuple[Summary, list[Row]]:
    """Run a plan with every name at 127.0.0.1; `ids` gives what the backend saw."""

    async def resolve(_host: str, _family: int) -> Resolved:
        return Resolved(("127.0.0.1",), 60.0)

    clock = clock or SystemClock()
    path = folder / "ledger"
    tls = tls_of(plan)
    with LedgerWriter(path, RUN, clock.utc()) as ledger:
        run = Run(plan, tls, RUN, resolve, clock, ledger)
        counter = await run.go()
    return counter.summary(run.seconds, ids(), []), list(read_ledger(path))
