"""What a scanner makes of the answers that it gets."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from blueshift.clock import SystemClock
from blueshift.lab import noise
from blueshift.lab.noise import Try
from blueshift.traffic.connect import Target
from tests.contract.traffic.servers import server_tls

CLOCK = SystemClock()
ASKS = b"GET /.env HTTP/1.1\r\nHost: scanner.example.org\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = await reader.readline()
    if line.startswith(b"GET "):
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    elif line:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def told(port: int, sends: bytes, tls: bool = False, sni: str = "") -> str:
    return await noise.told(Target("127.0.0.1", port, sni, None), Try(port, sends, tls, sni), CLOCK)


async def test_statuses_open_and_closed_ports_and_no_answer(tmp_path: Path) -> None:
    names: list[str | None] = []
    tls, _ = server_tls(tmp_path)
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    plain = await asyncio.start_server(answer, "127.0.0.1", 0)
    secure = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with plain, secure:
        ports = [server.sockets[0].getsockname()[1] for server in (plain, secure)]
        assert await told(ports[0], ASKS) == "404"
        assert await told(ports[0], b"EHLO scan\r\n\r\n") == "400"
        assert await told(ports[0], b"") == "open"
        assert await told(ports[1], ASKS, True) == "404"
        assert await told(ports[1], ASKS, True, noise.STRANGER) == "404"
        assert await told(ports[0], ASKS, True) == "closed", "no TLS there"
    assert await told(ports[0], b"") == "nobody"
    assert names == [None, noise.STRANGER]


async def test_it_goes_on_until_it_is_stopped_and_counts_every_try(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(noise, "tries", lambda _address: (Try(port, ASKS), Try(port, b"")))
    async with server:
        scanning = asyncio.create_task(
            noise.scan(("127.0.0.1", "::1"), ("127.0.0.1",), stopped, CLOCK, rate=100.0)
        )
        await asyncio.sleep(0.3)
        stopped.set()
        found = await scanning
    assert found.keys() == {"404", "open"}, "an address of a family without a source is not tried"
    assert abs(found["404"] - found["open"]) <= 1
