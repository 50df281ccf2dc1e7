"""What every public address gets all day: requests for hosts that nobody has, and junk."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from blueshift.clock import SystemClock
from blueshift.lab import namespaces
from blueshift.lab.demo.world import World
from blueshift.traffic.probe import probe

EVERY = 1.0
"""Seconds from one round to the next."""
_JUNK = (
    b"GET /.env HTTP/1.1\r\nHost: scanner.example\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    b"GARBAGE\r\n\r\n",
)


class Scanned:
    """What was sent."""

    rounds = 0


@asynccontextmanager
async def scanning(world: World, addresses: Sequence[str], *, probed: str) -> AsyncIterator[Scanned]:
    """Scan these addresses, and send our own probes for the host `probed`, while the block lasts."""
    scanned = Scanned()

    def round_() -> None:
        for address in addresses:
            for junk in _JUNK:
                _send(address, 80, junk, lambda plain: plain)
            _send(address, 443, _JUNK[0], _secured)
        asyncio.run(_probed(addresses, probed))

    async def go_on() -> None:
        while True:
            await asyncio.to_thread(namespaces.inside, world.lab.clients_netns_path, round_)
            scanned.rounds += 1
            await asyncio.sleep(EVERY)

    task = asyncio.create_task(go_on())
    try:
        yield scanned
        assert not task.done(), task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _probed(addresses: Sequence[str], host: str) -> None:
    for address in addresses:
        await probe(address, port=80, host=host, tls=False, clock=SystemClock())


def _send(address: str, port: int, junk: bytes, wrap: Callable[[socket.socket], socket.socket]) -> None:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    with suppress(OSError), socket.socket(family) as plain:
        plain.settimeout(2)
        plain.connect((address, port))
        with wrap(plain) as connected:
            connected.sendall(junk)
            connected.recv(100)


def _secured(plain: socket.socket) -> socket.socket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname="scanner.example")
