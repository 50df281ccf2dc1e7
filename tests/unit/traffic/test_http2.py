"""One HTTP/2 connection, and what its server sends in one piece."""

from __future__ import annotations

import asyncio
from typing import cast

import h2.config
import h2.connection
import pytest

from blueshift.traffic.connect import Failed
from blueshift.traffic.http1_answer import Response
from blueshift.traffic.http2 import Exchange, Http2, Untouched

ASKED = ((":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/"))
TOO_LONG = b"\xff\xff\xff\x00\x00\x00\x00\x00\x03"
"""The head of a frame of 16 MiB."""


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.wrote = bytearray()

    def write(self, data: bytes) -> None:
        self.wrote += data

    def abort(self) -> None:
        pass


class World:
    """A client with two requests in flight, and its server."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.client = Http2(lambda: 0.0)
        self.client.connection_made(cast("asyncio.BaseTransport", self.wire))
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.server.initiate_connection()
        self.asking: list[asyncio.Task[Response]] = []

    async def ask(self) -> None:
        self.asking = [asyncio.create_task(self.client.exchange(ASKED, b"", Exchange())) for _ in range(2)]
        await asyncio.sleep(0)
        self.server.receive_data(bytes(self.wire.wrote))

    def answered(self) -> bytes:
        self.server.send_headers(1, [(":status", "200")])
        self.server.send_data(1, b"ok", end_stream=True)
        return self.server.data_to_send()


@pytest.fixture
async def world() -> World:
    made = World()
    await made.ask()
    return made


async def test_an_answer_that_came_whole_before_a_frame_that_is_too_long_counts(world: World) -> None:
    world.client.data_received(world.answered() + TOO_LONG)
    first, second = world.asking
    assert (await first).body == b"ok"
    with pytest.raises(Failed, match="frame too long"):
        await second
    assert world.client.lost


async def test_so_does_a_goaway(world: World) -> None:
    world.client.data_received(
        world.answered() + b"\x00\x00\x08\x07" + bytes(5) + (1).to_bytes(4, "big") + bytes(4) + TOO_LONG
    )
    first, second = world.asking
    assert (await first).body == b"ok"
    with pytest.raises(Untouched, match="goaway 0"):
        await second


@pytest.mark.parametrize(
    ("words", "says"),
    [(b"HTTP/1.1 400 Bad", "answered in HTTP/1"), (b"SSH-2.0-x\r\n", "not an HTTP/2 answer")],
)
async def test_words_in_the_place_of_the_first_frame_are_no_frame(
    world: World, words: bytes, says: str
) -> None:
    world.client.data_received(words)
    for each in world.asking:
        with pytest.raises(Failed, match=says):
            await each
