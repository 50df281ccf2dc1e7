"""One WebSocket session: opened, kept busy by messages that must come back, ended by our own Close.

The echo application says first what it saw, and sends each message back. Of any other server (a route without
`service`) nothing is known but what RFC 6455 §5.5.2 asks of all: that a Ping is answered with a Pong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from blueshift.clock import Clock
from blueshift.traffic.connect import Failed, dial, reason_of
from blueshift.traffic.http1 import encode_request
from blueshift.traffic.http1_answer import ResponseReader
from blueshift.traffic.prober.check import check_seen
from blueshift.traffic.prober.client import ANSWERED_BY, ID_HEADERS, Client
from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.plan import Route
from blueshift.traffic.websocket import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    Message,
    MessageReader,
    accept_of,
    encode,
    new_key,
)

T = TypeVar("T")

BEAT = 1.0
"""Seconds between messages."""
_ORDERLY = (1000, 1001, 1005, 1012)
"""A server may end a session with these (done, going away, no code at all, restarting): clients just open
another."""


async def hold(client: Client, route: Route, row: Row, seconds: float, stopping: Callable[[], bool]) -> None:
    """Hold a session for `seconds`, or until `stopping()`; always over a connection of its own.

    Raises Failed in "upgrade", "session" (cut without a Close frame, or a message or Pong that did not come
    back) or "close". A Close frame of the server is an orderly end.
    """
    target = await client.target(route, row)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol, _ = await dial(
        target, lambda: _Stream(reader, loop), client.watch.clock, client.plan.connect_timeout
    )
    session = _Session(reader, protocol, client)
    try:
        await session.open(route, row)
        ends = client.watch.now() + seconds
        beat = 0
        while client.watch.now() < ends and not stopping():
            text = f"{client.id_of(row)} {beat}".encode()
            message = await (session.say(text) if route.service else session.ping(text))
            beat += 1
            more = await session.rest(BEAT, talks=not route.service) if message.data == text else message
            if more is None:
                continue
            if more.kind != CLOSE:
                raise Failed("check", "another message came back")
            session.send(CLOSE, more.data[:2])
            if more.code not in _ORDERLY:
                raise Failed("session", f"closed with code {more.code}")
            return
        session.send(CLOSE, (1000).to_bytes(2, "big"))
        while (await session.read("close")).kind != CLOSE:
            pass
    finally:
        session.forget()
        protocol.close()


class _Stream(asyncio.StreamReaderProtocol):
    """A StreamReader's protocol that keeps its transport."""

    def __init__(self, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(reader, loop=loop)
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        super().connection_made(transport)

    def close(self) -> None:
        """Close after what was written has gone."""
        self.transport.close()


class _Session:
    def __init__(self, reader: asyncio.StreamReader, protocol: _Stream, client: Client) -> None:
        self._reader = reader
        self._protocol = protocol
        self._client = client
        self._clock: Clock = client.watch.clock
        self._early = b""
        self._messages = MessageReader(self._exactly)
        self._coming: asyncio.Task[Message] | None = None
        """Reads on while a wait for it ends: what is given up halfway would garble the rest."""

    async def open(self, route: Route, row: Row) -> None:
        """Upgrade, and check the first message, in which the application says what it saw."""
        key = new_key()
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            "User-Agent": self._client.agent,
            **route.headers,
            **dict.fromkeys(ID_HEADERS, self._client.id_of(row)),
        }
        head = ResponseReader("GET")
        row.sent = self._client.watch.now()
        self._protocol.transport.write(encode_request("GET", route.authority, route.path, headers))
        response = None
        while response is None:
            data = await self._within("upgrade", self._reader.read(65536))
            row.first_byte = row.first_byte if row.first_byte >= 0 else self._client.watch.now()
            try:
                response = head.feed(data) if data else head.end()
            except (EOFError, ValueError) as error:
                raise Failed("upgrade", str(error)) from error
        row.status, row.answered_by = response.status, response.header(ANSWERED_BY)
        if response.status != 101:
            raise Failed("upgrade", f"status {response.status}")
        if response.header("sec-websocket-accept") != accept_of(key):
            raise Failed("upgrade", "the server did not read our key")
        self._early = head.extra
        if route.service:
            check_seen(route, self._client.id_of(row), (await self.read("session")).data)

    def send(self, kind: int, data: bytes) -> None:
        """Send one frame."""
        self._protocol.transport.write(encode(kind, data))

    async def say(self, text: bytes) -> Message:
        """Send a message; return the next one, or the server's Close. Raises Failed."""
        self.send(TEXT, text)
        return await self.read("session")

    async def ping(self, text: bytes) -> Message:
        """Send a Ping; return the Pong, or the server's Close. What it says meanwhile is its own affair.

        Raises Failed; a server that talks and sends no Pong in time has failed as well.
        """
        self.send(PING, text)
        return await self._within("session", self._pong(text))

    async def rest(self, seconds: float, *, talks: bool) -> Message | None:
        """Answer pings for so long; return what comes unasked: a Close, a message unless the server `talks`.

        Raises Failed.
        """
        try:
            async with self._clock.timeout(seconds):
                while True:
                    message = await self._told("session", self._next())
                    if message.kind == CLOSE or not (talks or message.kind == PONG):
                        return message
        except TimeoutError:
            return None

    def forget(self) -> None:
        """Read no more."""
        if self._coming is None:
            return
        self._coming.cancel()
        if self._coming.done() and not self._coming.cancelled():
            self._coming.exception()  # nobody waited for it: no complaint

    async def read(self, phase: str) -> Message:
        """Return the next message, answering pings. Raises Failed in `phase`."""
        while True:
            message = await self._within(phase, self._next())
            if message.kind != PONG:
                return message

    async def _pong(self, text: bytes) -> Message:
        while True:
            message = await self._next()
            if message.kind == CLOSE or (message.kind == PONG and message.data == text):
                return message

    async def _next(self) -> Message:
        while True:
            if self._coming is None:
                self._coming = asyncio.create_task(self._messages.next())
            message = await asyncio.shield(self._coming)
            self._coming = None
            if message.kind != PING:
                return message
            self.send(PONG, message.data)

    async def _exactly(self, count: int) -> bytes:
        early, self._early = self._early[:count], self._early[count:]
        return early if len(early) == count else early + await self._reader.readexactly(count - len(early))

    async def _within(self, phase: str, reading: Coroutine[None, None, T]) -> T:
        try:
            async with self._clock.timeout(self._client.plan.answer_timeout):
                return await self._told(phase, reading)
        except TimeoutError as error:
            raise Failed(phase, reason_of(error)) from error

    async def _told(self, phase: str, reading: Coroutine[None, None, T]) -> T:
        try:
            return await reading
        except TimeoutError:
            raise
        except asyncio.IncompleteReadError as error:
            raise Failed(phase, "cut without a Close frame") from error
        except (OSError, ValueError) as error:  # ValueError: what RFC 6455 forbids
            raise Failed(phase, reason_of(error)) from error
