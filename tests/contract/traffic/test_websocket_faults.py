"""WebSocket sessions that end well and badly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.plan import Kind, Route
from blueshift.traffic.prober.summary import Summary
from blueshift.traffic.websocket import CLOSE, PING, PONG, TEXT
from tests.contract.traffic.servers import (
    HOST,
    Behaviour,
    Connection,
    frame,
    plan_of,
    receive,
    serving,
    traffic,
    upgrade,
)


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


async def greet(connection: Connection) -> None:
    """Upgrade, with the first message in the packet of the answer: it must not be lost."""
    await upgrade(connection, lambda request: frame(TEXT, request.seen()))


async def echo(connection: Connection) -> None:
    await greet(connection)
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
        await greet(connection)

    summary, row = await against(cut, tmp_path, kind="websocket_long")
    assert row.failed
    assert (summary.requests, summary.failed, summary.scheduled) == (0, 0, 0)
    assert (summary.long.requests, summary.long.failed, summary.long_backend_count) == (1, 1, 1)
    assert not summary.void


async def test_a_server_that_wants_its_pings_answered_at_once_is_answered(tmp_path: Path) -> None:
    """Between the beats too, and where one comes in two parts: some servers wait no longer than a moment."""

    async def impatient(connection: Connection) -> None:
        await greet(connection)
        connection.writer.write(frame(*await receive(connection)))
        for part in (b"one", b"two"):
            whole = frame(PING, part)
            connection.writer.write(whole[:3])
            await asyncio.sleep(0.05)
            connection.writer.write(whole[3:])
            async with asyncio.timeout(0.5):
                assert await receive(connection) == (PONG, part)
        connection.writer.write(frame(*await receive(connection)))
        connection.writer.write(frame(*await receive(connection)))

    _, row = await against(impatient, tmp_path, hold=1.5)
    assert (row.phase, row.reason) == ("", "")


async def test_a_message_that_nobody_asked_for_is_no_echo(tmp_path: Path) -> None:
    async def twice(connection: Connection) -> None:
        await greet(connection)
        kind, data = await receive(connection)
        connection.writer.write(frame(kind, data) + frame(kind, data))
        await asyncio.sleep(0.3)

    _, row = await against(twice, tmp_path, hold=1.5)
    assert (row.phase, row.reason) == ("check", "another message came back")


async def test_a_cut_without_a_close_frame_fails(tmp_path: Path) -> None:
    async def cut(connection: Connection) -> None:
        await greet(connection)
        await receive(connection)

    summary, row = await against(cut, tmp_path)
    assert (row.phase, row.reason) == ("session", "cut without a Close frame")
    assert summary.by_kind["websocket"].failed == 1


async def test_a_reset_fails(tmp_path: Path) -> None:
    async def cut(connection: Connection) -> None:
        await greet(connection)
        await receive(connection)
        connection.reset()

    _, row = await against(cut, tmp_path)
    assert (row.phase, row.reason) == ("session", "reset")


async def test_our_close_must_be_answered(tmp_path: Path) -> None:
    async def rude(connection: Connection) -> None:
        await greet(connection)
        kind, data = await receive(connection)
        connection.writer.write(frame(kind, data))
        await receive(connection)

    _, row = await against(rude, tmp_path)
    assert (row.phase, row.reason) == ("close", "cut without a Close frame")


@pytest.mark.parametrize(("code", "phase"), [(1001, ""), (1000, ""), (1011, "session"), (None, "")])
async def test_a_servers_close_frame_is_an_orderly_end_or_an_error(
    tmp_path: Path, code: int | None, phase: str
) -> None:
    said = b"" if code is None else code.to_bytes(2, "big")

    async def leave(connection: Connection) -> None:
        await greet(connection)
        await receive(connection)
        connection.writer.write(frame(CLOSE, said))
        assert await receive(connection) == (CLOSE, said)

    _, row = await against(leave, tmp_path)
    assert row.phase == phase


async def test_another_message_fails(tmp_path: Path) -> None:
    async def garble(connection: Connection) -> None:
        await greet(connection)
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
        await greet(connection)
        await asyncio.sleep(3)

    _, row = await against(mute, tmp_path)
    assert (row.phase, row.reason) == ("session", "timeout")
