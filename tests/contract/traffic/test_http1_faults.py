"""Each fault of a server over HTTP/1.1, and what the ledger makes of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from blueshift.clock import Clock
from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.plan import Route, Stream
from blueshift.traffic.prober.summary import Summary
from tests.contract.traffic.servers import (
    HOST,
    Behaviour,
    Connection,
    Paced,
    Server,
    healthy,
    plan_of,
    server_tls,
    serving,
    traffic,
    turns,
)

THREE = (0.0, 0.25, 0.5)


async def against(
    behave: Behaviour, tmp_path: Path, clock: Clock | None = None, **route: object
) -> tuple[Summary, list[Row], Server]:
    async with serving(behave) as server:
        asked = Route(host=HOST, tls=False, port=server.port, service="echo-a", **route)  # type: ignore[arg-type]
        plan = plan_of(asked, at=THREE, duration=0.7)
        summary, rows = await traffic(plan, tmp_path, lambda: server.ids, clock)
    return summary, rows, server


async def test_good_answers_over_one_kept_connection(tmp_path: Path) -> None:
    summary, rows, server = await against(healthy, tmp_path)
    assert (summary.scheduled, summary.sent, summary.requests, summary.failed) == (3, 3, 3, 0)
    assert (summary.unmatched, summary.backend_count, summary.void) == (0, 3, False)
    assert [row.reused for row in rows] == [False, True, True]
    assert len(server.connections) == 1
    assert summary.answered_by == {"v1": 3}
    assert {row.address for row in rows} == {"127.0.0.1"}
    assert all(0 <= row.scheduled <= row.begun <= row.sent <= row.first_byte <= row.end for row in rows)


async def test_a_kept_connection_that_the_server_closed_is_stale_and_not_failed(tmp_path: Path) -> None:
    async def close_when_idle(connection: Connection) -> None:
        request = await connection.request()
        await connection.answer(request.seen())

    summary, rows, server = await against(close_when_idle, tmp_path, Paced())
    assert [row.failed for row in rows] == [False] * 3
    assert [row.stale_closed for row in rows] == [0, 1, 1]
    assert len(server.connections) == 3
    assert len(server.requests) == 3
    # Two of three is far above the share that a run may have, which is a failure of the run.
    assert summary.failed == 1
    assert summary.failures[0].phase == "stale"
    assert summary.by_kind["http1"].failed == 0


async def test_a_reset_while_idle_is_stale_too(tmp_path: Path) -> None:
    async def reset_when_idle(connection: Connection) -> None:
        request = await connection.request()
        await connection.answer(request.seen())
        await turns(10)  # a reset takes an answer along that is not read yet
        connection.reset()

    _, rows, _ = await against(reset_when_idle, tmp_path, Paced())
    assert [(row.failed, row.stale_closed) for row in rows] == [(False, 0), (False, 1), (False, 1)]


async def test_an_announced_end_is_not_stale(tmp_path: Path) -> None:
    async def one_each(connection: Connection) -> None:
        request = await connection.request()
        await connection.answer(request.seen(), headers="Connection: close\r\n")

    summary, rows, _ = await against(one_each, tmp_path)
    assert summary.failed == summary.stale_closed == 0
    assert [row.reused for row in rows] == [False] * 3


BODY_BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"


@pytest.mark.parametrize(
    ("sent", "phase"),
    [(b"", "headers"), (b"HTTP/1.1 200 OK\r\nContent-", "headers"), (BODY_BEGUN, "body")],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_a_cut_within_a_request_fails_and_is_never_repeated(
    tmp_path: Path, sent: bytes, phase: str, reset: bool
) -> None:
    async def cut(connection: Connection) -> None:
        if connection.number == 0:
            await healthy_once(connection)
        await connection.request()
        connection.writer.write(sent)
        await connection.writer.drain()
        await asyncio.sleep(0.02)
        if reset:
            connection.reset()

    summary, rows, server = await against(cut, tmp_path)
    assert [row.phase for row in rows] == ["", phase, phase]
    assert summary.failed == 2
    assert summary.stale_closed == 0
    assert len(server.ids) == len(set(server.ids)) == 3
    # They are counted as failed already, so that the backend has their ids is no mismatch.
    assert (summary.unmatched, summary.void) == (0, False)


async def healthy_once(connection: Connection) -> None:
    request = await connection.request()
    await connection.answer(request.seen())


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"service": "echo-b"}, "wrong route: echo-b"),
        ({"path": "/other"}, "backend saw path /other"),
        ({"host": "b.test"}, "backend saw host b.test"),
        ({"id": "0" * 32}, "somebody else's answer"),
        ({"length": 5}, "upload arrived damaged"),
    ],
)
async def test_a_wrong_answer_fails(tmp_path: Path, wrong: dict[str, object], reason: str) -> None:
    async def mistaken(connection: Connection) -> None:
        while True:
            request = await connection.request()
            await connection.answer(request.seen(**wrong))

    summary, rows, _ = await against(mistaken, tmp_path)
    assert {(row.phase, row.reason) for row in rows} == {("check", reason)}
    assert summary.failed == summary.by_kind["http1"].failed == 3
    assert summary.by_phase == {"check": 3}


async def test_another_status_or_body_fails(tmp_path: Path) -> None:
    async def broken(connection: Connection) -> None:
        await connection.request()
        await connection.answer(b"<html>Bad Gateway</html>", status=502)
        await connection.request()
        await connection.answer(b"<html>Welcome</html>")
        await connection.request()
        await connection.answer(b"")

    _, rows, _ = await against(broken, tmp_path)
    assert [row.reason for row in rows] == ["status 502"] + ["not the application's answer"] * 2
    assert [row.status for row in rows] == [502, 200, 200]


async def test_an_answer_in_parts_must_be_whole(tmp_path: Path) -> None:
    async def stream(connection: Connection) -> None:
        for lines in (3, 2, 3):
            request = await connection.request()
            connection.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in [request.seen() + b"\n", *(b'{"line": %d}\n' % n for n in range(lines))]:
                connection.writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                await connection.writer.drain()
            connection.writer.write(b"0\r\n\r\n")

    _, rows, _ = await against(stream, tmp_path, lines=3)
    assert [row.reason for row in rows] == ["", "stream cut short", ""]


async def test_an_upload_arrives_whole(tmp_path: Path) -> None:
    summary, _, server = await against(healthy, tmp_path, method="POST", upload=1_000_000)
    assert summary.failed == 0
    assert {len(request.body) for request in server.requests} == {1_000_000}


async def test_no_listener_is_a_failure_in_connect(tmp_path: Path) -> None:
    async with serving(healthy) as server:
        port = server.port
    route = Route(host=HOST, tls=False, port=port, service="echo-a")
    summary, rows = await traffic(plan_of(route, at=THREE, duration=0.7), tmp_path, list)
    assert {(row.phase, row.reason, row.sent) for row in rows} == {("connect", "refused", -1.0)}
    assert (summary.failed, summary.void) == (3, False)


async def test_a_long_poll_must_not_end_early(tmp_path: Path) -> None:
    async def hurry(connection: Connection) -> None:
        request = await connection.request()
        await asyncio.sleep(0.4 if connection.number == 0 else 0.1)
        if connection.number != 2:
            await connection.answer(request.seen())

    async with serving(hurry) as server:
        route = Route(host=HOST, path="/?wait=0.4", tls=False, port=server.port, service="echo-a", wait=0.4)
        plan = plan_of(route, kind="longpoll", at=(0.0, 0.05, 0.1), duration=0.2)
        summary, rows = await traffic(plan, tmp_path, lambda: server.ids)
    reasons = {row.id: (row.phase, row.reason) for row in rows}
    assert reasons == {
        0: ("", ""),
        1: ("check", "long poll ended early"),
        2: ("headers", "closed before the answer"),
    }
    assert (summary.by_kind["longpoll"].requests, summary.by_kind["longpoll"].failed) == (3, 2)


async def test_a_slow_server_does_not_slow_the_sending(tmp_path: Path) -> None:
    async def slow(connection: Connection) -> None:
        while True:
            request = await connection.request()
            await asyncio.sleep(0.5)
            await connection.answer(request.seen())

    async with serving(slow) as server:
        route = Route(host=HOST, tls=False, port=server.port, service="echo-a")
        summary, rows = await traffic(plan_of(route, rate=100, duration=1.0), tmp_path, lambda: server.ids)
    assert (summary.scheduled, summary.sent, summary.failed, summary.void) == (100, 100, 0, False)
    assert summary.late_p99_ms < 300  # answers take 500
    at = sorted(row.begun for row in rows)
    assert at[-1] - at[0] == pytest.approx(0.99, abs=0.3)


async def test_requests_wait_for_one_of_the_connections_that_a_client_allows_itself(tmp_path: Path) -> None:
    async def slow(connection: Connection) -> None:
        while True:
            request = await connection.request()
            await asyncio.sleep(0.3)
            await connection.answer(request.seen())

    async with serving(slow) as server:
        route = Route(host=HOST, tls=False, port=server.port, service="echo-a")
        plan = plan_of(route, at=(0.0,) * 6, duration=0.1, most_connections=2)
        summary, rows = await traffic(plan, tmp_path, lambda: server.ids)
    assert len(server.connections) == 2
    assert (summary.requests, summary.failed) == (6, 0)
    assert max(row.begun for row in rows) < 0.3
    assert max(row.sent for row in rows) >= 0.6


async def test_silence_of_a_host_voids_the_run_unless_it_counts_as_failure(tmp_path: Path) -> None:
    async def sleepy(connection: Connection) -> None:
        request = await connection.request()
        await asyncio.sleep(2.3)
        await connection.answer(request.seen())

    async with serving(sleepy) as server:
        route = Route(host=HOST, tls=False, port=server.port, service="echo-a")
        patient = plan_of(route, at=(0.0, 0.1, 0.2), duration=0.4)
        waited, _ = await traffic(patient, tmp_path, lambda: server.ids)
        server.requests.clear()
        impatient = plan_of(route, at=(0.0, 0.1, 0.2), duration=0.4, answer_timeout=0.2)
        failed, rows = await traffic(impatient, tmp_path, lambda: server.ids)
    assert waited.void
    assert waited.max_gap_s > 2
    assert "gave no answer for 2." in waited.void_reasons[0]
    assert (failed.failed, failed.void) == (3, False)
    assert {(row.phase, row.reason) for row in rows} == {("headers", "timeout")}


async def test_a_client_with_a_maximum_age_renews_its_connection(tmp_path: Path) -> None:
    async with serving(healthy) as server:
        route = Route(host=HOST, tls=False, port=server.port, service="echo-a")
        plan = plan_of(route, at=(0.0, 0.2, 1.0), duration=1.1, max_age=0.6)
        summary, rows = await traffic(plan, tmp_path, lambda: server.ids)
    assert [row.reused for row in rows] == [False, True, False]
    assert summary.stale_closed == 0


async def test_tls_with_the_right_name_only(tmp_path: Path) -> None:
    tls, ca = server_tls(tmp_path)
    async with serving(healthy, tls) as server:
        right = Route(host=HOST, port=server.port, service="echo-a")
        good, _ = await traffic(plan_of(right, at=THREE, ca=ca, duration=0.7), tmp_path, lambda: server.ids)
        wrong = Route(host="app02.lab.test", port=server.port, service="echo-a")
        bad, rows = await traffic(plan_of(wrong, at=THREE, ca=ca, duration=0.7), tmp_path, list)
    assert (good.failed, good.void) == (0, False)
    assert {row.phase for row in rows} == {"tls"}
    assert "Hostname mismatch" in rows[0].reason
    assert bad.failed == 3


async def test_a_tls_connection_closed_while_idle_is_stale(tmp_path: Path) -> None:
    async def close_when_idle(connection: Connection) -> None:
        await healthy_once(connection)

    tls, ca = server_tls(tmp_path)
    async with serving(close_when_idle, tls) as server:
        route = Route(host=HOST, port=server.port, service="echo-a")
        _, rows = await traffic(plan_of(route, at=THREE, ca=ca, duration=0.7), tmp_path, lambda: server.ids)
    assert [(row.failed, row.stale_closed) for row in rows] == [(False, 0), (False, 1), (False, 1)]


async def test_handshakes_that_never_end_fail_each_by_itself(tmp_path: Path) -> None:
    async def mute(connection: Connection) -> None:
        await asyncio.sleep(1)

    tls, ca = server_tls(tmp_path)
    async with serving(mute) as silent, serving(healthy, tls) as server:
        bad = Route(host=HOST, port=silent.port, service="echo-a")
        good = Route(host=HOST, port=server.port, service="echo-a")
        plan = plan_of(bad, rate=40, duration=1.0, ca=ca, connect_timeout=0.1)
        both = msgspec.structs.replace(
            plan, streams=(*plan.streams, Stream(kind="http1", persona="one", route=good, rate=40))
        )
        summary, rows = await traffic(both, tmp_path, lambda: server.ids)
    reasons = {(row.phase, row.reason) for row in rows}
    # Under load a good handshake may take its tenth of a second too; but none suffers from another's end.
    assert reasons == {("tls", "timeout"), ("", "")}
    assert summary.unmatched == 0
