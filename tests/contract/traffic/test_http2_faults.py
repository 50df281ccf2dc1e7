"""HTTP/2 ends of every sort, from a real server over TLS, and what the ledger makes of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.plan import Route
from blueshift.traffic.prober.summary import Summary
from tests.contract.traffic.servers import HOST, Connection, plan_of, server_tls, traffic
from tests.contract.traffic.servers import serving as plain

THREE = (0.0, 0.4, 0.8)


class Peer(asyncio.Protocol):
    """A server's side of one HTTP/2 connection; what it does with a request is the test's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = len(world.peers)
        world.peers.append(self)
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.headers: dict[int, dict[str, str]] = {}
        self.received: dict[int, int] = {}
        self.left: dict[int, int] = {}
        """Bytes of answers that the client has no room for yet."""
        self.reset: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.h2.initiate_connection()
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                assert event.headers is not None
                self.headers[event.stream_id] = {str(name): str(value) for name, value in event.headers}
                self.received[event.stream_id] = 0
                self.world.greet(self, event.stream_id)
            elif isinstance(event, h2.events.DataReceived):
                self.received[event.stream_id] += len(event.data or b"")
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.world.asked.append(self.headers[event.stream_id]["x-blueshift-id"])
                self.world.behave(self, event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.reset.append(event.stream_id)
                self.left.pop(event.stream_id, None)
        for stream in list(self.left):
            self.pour(stream, self.left[stream])
        self.flush()

    def flush(self) -> None:
        self.transport.write(self.h2.data_to_send())

    def answer(self, stream: int) -> None:
        headers = self.headers[stream]
        self.world.processed.append(headers["x-blueshift-id"])
        seen = {
            "id": headers["x-blueshift-id"],
            "service": "echo-a",
            "host": headers[":authority"],
            "path": headers[":path"],
            "length": self.received[stream],
            "crc32": 0,
        }
        self.h2.send_headers(stream, [(":status", "200"), ("x-lab-controller", "v2")])
        self.h2.send_data(stream, json.dumps(seen).encode(), end_stream=True)
        self.flush()

    def pour(self, stream: int, size: int) -> None:
        """Send so many bytes of body, as many of them now as the client lets us."""
        if stream not in self.left:
            self.h2.send_headers(stream, [(":status", "200")])
        while size and (room := min(size, self.h2.local_flow_control_window(stream), 16384)) > 0:
            self.h2.send_data(stream, bytes(room), end_stream=room == size)
            size -= room
        self.left[stream] = size
        if not size:
            del self.left[stream]

    def go_away(self, last: int) -> None:
        """Write the frame by hand: after a GOAWAY of its own h2 answers nothing more, but nginx does."""
        self.flush()
        payload = last.to_bytes(4, "big") + (0).to_bytes(4, "big")
        self.transport.write(len(payload).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + payload)


class World:
    """All connections of a server."""

    def __init__(self, behave: Callable[[Peer, int], None]) -> None:
        self.behave = behave
        self.greet: Callable[[Peer, int], None] = lambda _peer, _stream: None
        self.port = 0
        self.ca = ""
        self.peers: list[Peer] = []
        self.asked: list[str] = []
        self.processed: list[str] = []


@asynccontextmanager
async def serving(behave: Callable[[Peer, int], None], folder: Path) -> AsyncIterator[World]:
    world = World(behave)
    tls, world.ca = server_tls(folder, alpn="h2")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(world), "127.0.0.1", 0, ssl=tls)
    world.port = server.sockets[0].getsockname()[1]
    try:
        yield world
    finally:
        server.close()


async def against(
    behave: Callable[[Peer, int], None], folder: Path, *, at: tuple[float, ...] = THREE, **route: object
) -> tuple[Summary, list[Row], World]:
    async with serving(behave, folder) as world:
        asked = Route(host=HOST, port=world.port, service="echo-a", **route)  # type: ignore[arg-type]
        plan = plan_of(asked, kind="http2", at=at, duration=max(at) + 0.3, ca=world.ca, answer_timeout=2.0)
        summary, rows = await traffic(plan, folder, lambda: world.processed)
    return summary, sorted(rows, key=lambda row: row.id), world


def answer(peer: Peer, stream: int) -> None:
    peer.answer(stream)


def depart(peer: Peer, last: int) -> None:
    peer.go_away(last)
    peer.transport.close()


def later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


async def test_good_answers_over_one_connection(tmp_path: Path) -> None:
    summary, rows, world = await against(answer, tmp_path)
    assert (summary.requests, summary.failed, summary.unmatched, summary.void) == (3, 0, 0, False)
    assert [row.reused for row in rows] == [False, True, True]
    assert len(world.peers) == 1
    assert summary.by_kind["http2"].requests == 3
    assert {row.answered_by for row in rows} == {"v2"}
    assert all(0 <= row.scheduled <= row.begun <= row.sent <= row.first_byte <= row.end for row in rows)


async def test_many_at_once_share_one_connection(tmp_path: Path) -> None:
    def unhurried(peer: Peer, stream: int) -> None:
        later(0.1, lambda: peer.answer(stream))

    summary, _, world = await against(unhurried, tmp_path, at=(0.0,) * 40)
    assert (summary.requests, summary.failed) == (40, 0)
    assert len(world.peers) == 1


async def test_a_goaway_while_idle_ends_the_connection_without_harm(tmp_path: Path) -> None:
    def leave(peer: Peer, stream: int) -> None:
        peer.answer(stream)
        later(0.02, lambda: depart(peer, stream))

    summary, rows, world = await against(leave, tmp_path)
    assert (summary.failed, summary.stale_closed, summary.repeated) == (0, 0, 0)
    assert len(world.peers) == 3
    assert [row.reused for row in rows] == [False] * 3


async def test_an_end_without_goaway_while_idle_is_stale(tmp_path: Path) -> None:
    def vanish(peer: Peer, stream: int) -> None:
        peer.answer(stream)
        later(0.02, peer.transport.close)

    _, rows, _ = await against(vanish, tmp_path)
    assert [(row.failed, row.stale_closed) for row in rows] == [(False, 0), (False, 1), (False, 1)]


async def test_streams_that_goaway_covers_are_answered_and_the_others_sent_again(tmp_path: Path) -> None:
    def leave_after_first(peer: Peer, stream: int) -> None:
        if peer.number > 0:
            peer.answer(stream)
        elif stream == 3:  # of three at once the second comes: only the first is promised an answer
            peer.go_away(1)
            later(0.2, lambda: peer.answer(1))

    summary, rows, world = await against(leave_after_first, tmp_path, at=(0.0, 0.0, 0.0))
    assert [row.failed for row in rows] == [False] * 3
    assert [row.repeated for row in rows] == [False, True, True]
    assert (summary.repeated, summary.stale_closed) == (2, 2)
    assert (summary.unmatched, summary.backend_count) == (0, 3)
    assert len(world.peers) == 2
    assert sorted(world.asked) == sorted([*world.processed, rows_id(rows[1]), rows_id(rows[2])])


def rows_id(row: Row) -> str:
    return f"0badcafe{row.id:024x}"


async def test_a_refused_stream_is_sent_again_once(tmp_path: Path) -> None:
    def refuse(peer: Peer, stream: int) -> None:
        peer.h2.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)

    summary, rows, world = await against(refuse, tmp_path)
    assert [(row.phase, row.reason, row.repeated) for row in rows] == [
        ("headers", "stream reset 7", True)
    ] * 3
    assert len(world.asked) == 6
    assert summary.by_kind["http2"].failed == 3


@pytest.mark.parametrize(
    ("cut", "reason"),
    [
        (lambda peer, _: peer.transport.close(), "closed before the answer"),
        (lambda peer, stream: depart(peer, stream), "closed before the answer"),
        (lambda peer, stream: peer.h2.reset_stream(stream, 2), "stream reset 2"),
        (lambda _peer, _stream: None, "timeout"),
    ],
)
async def test_a_cut_within_a_request_fails_and_is_never_repeated(
    tmp_path: Path, cut: Callable[[Peer, int], None], reason: str
) -> None:
    summary, rows, world = await against(cut, tmp_path)
    assert {(row.phase, row.reason, row.repeated) for row in rows} == {("headers", reason, False)}
    assert summary.failed == 3
    assert len(world.asked) == 3


def half(peer: Peer, stream: int) -> None:
    peer.h2.send_headers(stream, [(":status", "200")])
    peer.h2.send_data(stream, b"abc")
    peer.flush()
    peer.transport.close()


def long_frame(peer: Peer, stream: int) -> None:
    peer.flush()
    peer.transport.write((20_000).to_bytes(3, "big") + b"\0\0" + stream.to_bytes(4, "big") + bytes(20_000))


def long_headers(peer: Peer, stream: int) -> None:
    many = [(f"h{number}", "v" * 1000) for number in range(100)]
    peer.h2.send_headers(stream, [(":status", "200"), *many], end_stream=True)


@pytest.mark.parametrize(
    ("answers", "failed"),
    [
        (half, ("body", "closed within the answer")),
        (long_frame, ("headers", "frame too long")),
        (long_headers, ("headers", "headers too long")),
    ],
)
async def test_an_answer_that_cannot_be_read_says_why(
    tmp_path: Path, answers: Callable[[Peer, int], None], failed: tuple[str, str]
) -> None:
    _, rows, _ = await against(answers, tmp_path, at=(0.0,))
    assert [(row.phase, row.reason) for row in rows] == [failed]


async def test_a_timeout_ends_only_its_own_stream(tmp_path: Path) -> None:
    def forget_second(peer: Peer, stream: int) -> None:
        if stream != 3:
            peer.answer(stream)

    summary, rows, world = await against(forget_second, tmp_path, at=(0.0, 0.1, 0.2, 2.3))
    assert [row.reason for row in rows] == ["", "timeout", "", ""]
    assert len(world.peers) == 1
    assert summary.failed == 1


async def test_a_wrong_answer_fails(tmp_path: Path) -> None:
    _, rows, _ = await against(answer, tmp_path, backend_path="/rewritten")
    assert {row.reason for row in rows} == {"backend saw path /"}


async def test_an_upload_that_the_server_stops_fails_alone(tmp_path: Path) -> None:
    async with serving(answer, tmp_path) as world:
        world.greet = lambda peer, stream: peer.h2.reset_stream(stream, 8) if stream == 1 else None
        route = Route(host=HOST, port=world.port, service="echo-a", method="POST", upload=300_000)
        plan = plan_of(route, kind="http2", at=(0.0, 0.4), duration=0.6, ca=world.ca)
        _, rows = await traffic(plan, tmp_path, lambda: world.processed)
    assert [row.reason for row in rows] == ["stream reset 8", "upload arrived damaged"]
    assert len(world.peers) == 1


async def test_an_upload_larger_than_the_window_arrives(tmp_path: Path) -> None:
    _, rows, world = await against(answer, tmp_path, at=(0.0,), method="POST", upload=300_000)
    assert world.peers[0].received == {1: 300_000}
    assert rows[0].reason == "upload arrived damaged"  # this server says a check sum of 0
    assert rows[0].status == 200


async def poured(
    sizes: dict[int, int], folder: Path, *, at: tuple[float, ...]
) -> tuple[list[Row], list[Peer]]:
    """Ask a server whose answers have so many bytes, by their streams."""
    async with serving(lambda peer, stream: peer.pour(stream, sizes[stream]), folder) as world:
        route = Route(host=HOST, port=world.port)
        plan = plan_of(route, kind="http2", at=at, duration=max(at) + 0.3, ca=world.ca)
        _, rows = await traffic(plan, folder, list)
    return sorted(rows, key=lambda row: row.id), world.peers


async def test_answers_larger_than_the_window_arrive(tmp_path: Path) -> None:
    rows, peers = await poured({1: 70_000, 3: 3_000_000}, tmp_path, at=(0.0, 0.4))
    assert [(row.status, row.reason) for row in rows] == [(200, ""), (200, "")]
    asked = peers[0].h2.remote_settings
    assert (asked.initial_window_size, asked.enable_push) == (1 << 20, 0)


@pytest.mark.parametrize(("size", "given_up"), [(40 << 20, [1]), ((8 << 20) + 1, [])])
async def test_an_answer_that_is_too_long_fails_alone_and_is_not_sent_to_its_end(
    tmp_path: Path, size: int, given_up: list[int]
) -> None:
    rows, peers = await poured({1: size, 3: 10}, tmp_path, at=(0.0, 1.0))
    assert [row.phase for row in rows] == ["body", ""]
    assert "longer than 8 MiB" in rows[0].reason
    assert (len(peers), peers[0].reset) == (1, given_up)


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "answered in HTTP/1, and not in HTTP/2"),
        (b"<!DOCTYPE html>\n", "not an HTTP/2 answer"),
    ],
)
async def test_a_server_that_speaks_something_else_is_told_at_once(
    tmp_path: Path, says: bytes, reason: str
) -> None:
    async def behave(connection: Connection) -> None:
        await connection.reader.read(100)
        connection.writer.write(says)
        await connection.reader.read()

    async with plain(behave) as server:
        route = Route(host=HOST, port=server.port, tls=False)
        plan = plan_of(route, kind="http2", at=(0.0,), duration=0.2)
        _, rows = await traffic(plan, tmp_path, list)
    assert [(row.phase, row.reason) for row in rows] == [("headers", reason)]
