"""WebSocket sessions that end well and badly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.plan import Kind, Route
from blueshift.traffic.prober.summary import Summary
from blueshift.traffic.websocket import CLOSE, PING, PONG, TEXT, accept_of
from tests.contract.traffic.servers import HOST, Behaviour, Connection, plan_of, serving, traffic


async def against(
    behave: Behaviour, folder: Path, *, hold: float = 0.3, kind: Kind = "websocket"
) -> tuple[Summary, Row]:
    async with serving(behave) as server:
        route = Route(host=HOST, path="/ws", tls=False, port=server.port, service="echo-a")
        plan = plan_of(
            route, kind=kind, at=(0.0,), duration=hold + 1.5, hold=(hold, hold), answer_timeout=1.0
        )
        summary, rows = await traffic(plan, folder, lambda: server.ids)
    return summary, rows[0]


async def upgrade(connection: Connection) -> None:
    request = await connection.request()
    accept = accept_of(request.headers["sec-websocket-key"])
    # The first message in the same packet as the upgrade's answer: it must not be lost.
    connection.writer.write(
        b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n" + frame(TEXT, request.seen())
    )


def frame(kind: int, data: bytes, *, last: bool = True) -> bytes:
    size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2, "big")
    return bytes([kind | (0x80 if last else 0)]) + size + data


async def receive(connection: Connection) -> tuple[int, bytes]:
    flags, size = await connection.reader.readexactly(2)
    assert size & 0x80, "a client masks"
    mask = await connection.reader.readexactly(4)
    data = await connection.reader.readexactly(size & 0x7F)
    return flags & 0x0F, bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


async def echo(connection: Connection) -> None:
    await upgrade(connection)
    while True:
        kind, data = await receive(connection)
        connection.writer.write(frame(PING, b"there?"))
        connection.writer.write(frame(kind, data[:5], last=False) if kind == TEXT else frame(kind, data))
        if kind == CLOSE:
            return
        connection.writer.write(frame(PING, b"within") + frame(0, data[5:]))
        assert await receive(connection) == (PONG, b"there?")
        assert await receive(connection) == (PONG, b"within")


async def test_a_session_that_ends_with_our_close(tmp_path: Path) -> None:
    summary, row = await against(echo, tmp_path, hold=1.2)
    assert (row.phase, row.reason, row.status) == ("", "", 101)
    assert row.end - row.sent == pytest.approx(2.0, abs=0.3)  # the beat after 1.2 s
    assert (summary.by_kind["websocket"].requests, summary.failed, summary.void) == (1, 0, False)


async def test_sessions_of_minutes_are_counted_apart(tmp_path: Path) -> None:
    async def cut(connection: Connection) -> None:
        await upgrade(connection)

    summary, row = await against(cut, tmp_path, kind="websocket_long")
    assert row.failed
    assert (summary.requests, summary.failed, summary.scheduled) == (0, 0, 0)
    assert (summary.long.requests, summary.long.failed, summary.long_backend_count) == (1, 1, 1)
    assert not summary.void


async def test_a_cut_without_a_close_frame_fails(tmp_path: Path) -> None:
    async def cut(connection: Connection) -> None:
        await upgrade(connection)
        await receive(connection)

    summary, row = await against(cut, tmp_path)
    assert (row.phase, row.reason) == ("session", "cut without a Close frame")
    assert summary.by_kind["websocket"].failed == 1


async def test_a_reset_fails(tmp_path: Path) -> None:
    async def cut(connection: Connection) -> None:
        await upgrade(connection)
        await receive(connection)
        connection.reset()

    _, row = await against(cut, tmp_path)
    assert (row.phase, row.reason) == ("session", "reset")


async def test_our_close_must_be_answered(tmp_path: Path) -> None:
    async def rude(connection: Connection) -> None:
        await upgrade(connection)
        kind, data = await receive(connection)
        connection.writer.write(frame(kind, data))
        await receive(connection)

    _, row = await against(rude, tmp_path)
    assert (row.phase, row.reason) == ("close", "cut without a Close frame")


@pytest.mark.parametrize(("code", "phase"), [(1001, ""), (1000, ""), (1011, "session")])
async def test_a_servers_close_frame_is_an_orderly_end_or_an_error(
    tmp_path: Path, code: int, phase: str
) -> None:
    async def leave(connection: Connection) -> None:
        await upgrade(connection)
        await receive(connection)
        connection.writer.write(frame(CLOSE, code.to_bytes(2, "big")))
        assert await receive(connection) == (CLOSE, code.to_bytes(2, "big"))

    _, row = await against(leave, tmp_path)
    assert row.phase == phase


async def test_another_message_fails(tmp_path: Path) -> None:
    async def garble(connection: Connection) -> None:
        await upgrade(connection)
        await receive(connection)
        connection.writer.write(frame(TEXT, b"other"))
        await asyncio.sleep(0.1)

    _, row = await against(garble, tmp_path)
    assert (row.phase, row.reason) == ("check", "another message came back")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 503 Sorry\r\nContent-Length: 0\r\n\r\n", "status 503"),
        (b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: x\r\n\r\n", "the server did not read our key"),
        (b"", "closed before the answer"),
    ],
)
async def test_a_failed_upgrade(tmp_path: Path, answer: bytes, reason: str) -> None:
    async def refuse(connection: Connection) -> None:
        await connection.request()
        connection.writer.write(answer)

    _, row = await against(refuse, tmp_path)
    assert (row.phase, row.reason) == ("upgrade", reason)


async def test_silence_is_a_timeout(tmp_path: Path) -> None:
    async def mute(connection: Connection) -> None:
        await upgrade(connection)
        await asyncio.sleep(3)

    _, row = await against(mute, tmp_path)
    assert (row.phase, row.reason) == ("session", "timeout")
