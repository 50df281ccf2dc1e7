"""The generator as the lab starts it, against the real echo application."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import pytest

import blueshift.lab.echo_server
from blueshift.clock import SystemClock
from blueshift.lab.traffic import Config
from blueshift.traffic.prober.backends import Backend
from blueshift.traffic.prober.ledger import read_ledger
from blueshift.traffic.prober.plan import Persona, Plan, Route, Stream
from blueshift.traffic.prober.summary import Summary

HOST = "app01.lab.test"


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        yield [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@asynccontextmanager
async def echoing(ports: list[int]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The application on three ports: two Services, and its own."""
    program = blueshift.lab.echo_server.__file__
    process = await asyncio.create_subprocess_exec(
        sys.executable, program, "--host", "127.0.0.1", "--admin-port", str(ports[2]),
        f"--service=echo-a={ports[0]}", f"--service=echo-b={ports[1]}",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


@pytest.fixture
def ports() -> list[int]:
    with free_ports(3) as found:
        return found


def plan(ports: list[int], duration: float) -> Plan:
    personas = (
        Persona(name="browser", protocol="http1"),
        Persona(name="chatter", protocol="websocket"),
    )
    a = Route(host=HOST, tls=False, port=ports[0], service="echo-a")
    b = msgspec.structs.replace(a, port=ports[1], service="echo-b", path="/b/c?d=e")
    poll = msgspec.structs.replace(a, path="/poll?wait=0.5", wait=0.5)
    lines = msgspec.structs.replace(a, path="/lines?stream=4&every=0.05", lines=4)
    upload = msgspec.structs.replace(a, path="/up", method="POST", upload=1_000_000)
    streams = [Stream(kind="http1", persona="browser", route=route, rate=20) for route in (a, b)]
    streams += [Stream(kind="http1", persona="browser", route=route, rate=2) for route in (lines, upload)]
    streams += [Stream(kind="longpoll", persona="browser", route=poll, rate=3)]
    streams += [Stream(kind="websocket", persona="chatter", route=a, rate=3, hold=(0.1, 1.5))]
    streams += [Stream(kind="websocket_long", persona="chatter", route=b, at=(0.2,), hold=(60, 60))]
    return Plan(personas=personas, streams=tuple(streams), duration=duration)


async def run(
    tmp_path: Path, ports: list[int], duration: float, *, stop_after: float = 0.0
) -> tuple[int, str]:
    config = Config(
        plan=plan(ports, duration),
        ledger=str(tmp_path / "ledger"),
        summary=str(tmp_path / "summary.json"),
        backends=(f"http://127.0.0.1:{ports[2]}",),
        pinned={HOST: ("127.0.0.1",)},
    )
    file = tmp_path / "config.json"
    file.write_bytes(msgspec.json.encode(config))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "blueshift.lab.traffic", "--config", str(file), stderr=asyncio.subprocess.PIPE
    )
    if stop_after:
        await asyncio.sleep(stop_after)
        process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_every_kind_is_answered_and_every_id_is_on_both_sides_once(
    tmp_path: Path, ports: list[int]
) -> None:
    async with echoing(ports):
        code, said = await run(tmp_path, ports, 3.0)
    summary = msgspec.json.decode((tmp_path / "summary.json").read_bytes(), type=Summary)
    assert (code, said) == (0, "")
    assert summary.failures == ()
    assert summary.void_reasons == ()
    assert summary.scheduled == summary.sent == summary.requests == summary.backend_count
    assert {kind: count.requests for kind, count in summary.by_kind.items()} == {
        "http1": 132, "http2": 0, "websocket": 9, "longpoll": 9,
    }  # fmt: skip
    assert (summary.long.requests, summary.long.failed, summary.long_backend_count) == (1, 0, 1)
    rows = list(read_ledger(tmp_path / "ledger"))
    assert len(rows) == summary.requests + 1
    assert sorted(row.id for row in rows) == list(range(len(rows)))


async def test_a_stop_ends_the_sending_and_waits_for_what_is_under_way(
    tmp_path: Path, ports: list[int]
) -> None:
    async with echoing(ports):
        code, _ = await run(tmp_path, ports, 600.0, stop_after=2.5)
    summary = msgspec.json.decode((tmp_path / "summary.json").read_bytes(), type=Summary)
    assert code == 0
    assert 0.5 < summary.seconds < 2.6
    assert summary.scheduled == summary.requests == summary.backend_count > 20


async def test_a_backend_that_was_restarted_is_noticed(tmp_path: Path, ports: list[int]) -> None:
    backend = Backend(f"http://127.0.0.1:{ports[2]}")
    clock = SystemClock()
    for _ in range(2):
        async with echoing(ports):
            await backend.fetch(clock)
            assert backend.lost == "" or backend.lost == "it was restarted"
    assert backend.lost == "it was restarted"
    await backend.fetch(clock)
    assert backend.lost == "it was restarted"


async def test_ids_of_a_backend_that_cannot_be_asked_are_not_all_known(
    tmp_path: Path, ports: list[int]
) -> None:
    async with echoing(ports):
        process_ports = [ports[0], ports[1], 1]
        code, _ = await run(tmp_path, process_ports, 1.0)
    summary = msgspec.json.decode((tmp_path / "summary.json").read_bytes(), type=Summary)
    assert code == 1
    assert summary.void
    assert (
        "the ids of backend http://127.0.0.1:1 (connect: refused) are not all known" in summary.void_reasons
    )


async def test_a_file_that_makes_no_sense_says_where(tmp_path: Path, ports: list[int]) -> None:
    file = tmp_path / "config.json"
    wrong = msgspec.to_builtins(Config(plan=plan(ports, 1.0), ledger="l", summary="s"))
    wrong["plan"]["streams"][1]["persona"] = "nobody"
    file.write_text(json.dumps(wrong))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "blueshift.lab.traffic", "--config", str(file), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert f"{file}: streams[1]: there is no persona 'nobody'" in said.decode()
