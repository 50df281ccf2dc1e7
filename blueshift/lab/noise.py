"""What every public address gets: scanners, which ask for no host of ours. Counted by what they are told.

Nothing of it is traffic of a host: it may neither hold a drain up nor count as a failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from blueshift.clock import Clock
from blueshift.traffic.connect import Target, open_socket, trusting

RATE = 2.0
"""Tries per second over all addresses."""
PATIENCE = 3.0
"""Seconds that a try takes at most."""
STRANGER = "scanner.example.org"
"""Nobody's host (RFC 2606)."""
_PATHS = ("/", "/.env", "/wp-login.php", "/admin", "/.git/config")
_JUNK = (b"SSH-2.0-scan\r\n\r\n", b"\x80\x2e\x01\x00\x02junk\r\n\r\n", b"EHLO scan\r\n\r\n")


class Try(msgspec.Struct, frozen=True):
    """One look at one port. `sends` is empty for who only looks whether it is open."""

    port: int
    sends: bytes
    tls: bool = False
    sni: str = ""
    """"": none, as who goes by addresses."""


def tries(address: str) -> tuple[Try, ...]:
    """All that is tried at an address: by its number and by a stranger's name, junk, and nothing."""
    by_number = f"[{address}]" if ":" in address else address
    asked = [(host, path) for path in _PATHS for host in (by_number, STRANGER)]
    return (
        *(Try(80, _request(host, path)) for host, path in asked),
        *(Try(443, _request(host, path), True, STRANGER if host == STRANGER else "") for host, path in asked),
        *(Try(port, junk) for port in (80, 443) for junk in _JUNK),
        *(Try(port, b"") for port in (80, 443, 8443)),
    )


def order(addresses: Sequence[str]) -> Iterator[tuple[str, Try]]:
    """For ever: the addresses by turns, each in every way before one comes again."""
    ways = {address: tries(address) for address in addresses}
    for turn in itertools.count():
        for number, address in enumerate(addresses):
            yield address, ways[address][(turn + number) % len(ways[address])]


async def scan(
    addresses: Sequence[str],
    sources: Sequence[str],
    stopped: threading.Event,
    clock: Clock,
    *,
    rate: float = RATE,
) -> dict[str, int]:
    """Try until `stopped`; what came of the tries: an HTTP status, `open`, `closed`, or `nobody`.

    `sources` are the scanner's own addresses, of each family one; an address of another family is left out.
    """
    own = {":" in source: source for source in sources}
    found: Counter[str] = Counter()
    under_way: set[asyncio.Task[None]] = set()

    async def one(address: str, look: Try) -> None:
        found[await told(Target(address, look.port, look.sni, None, own[":" in address]), look, clock)] += 1

    for address, look in order([address for address in addresses if (":" in address) in own]):
        if stopped.is_set():
            break
        task = asyncio.create_task(one(address, look))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        await clock.sleep(1 / rate)
    await asyncio.gather(*under_way)
    return dict(sorted(found.items()))


async def told(target: Target, look: Try, clock: Clock) -> str:
    """What a try comes to."""
    sock = open_socket(target)
    try:
        async with clock.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_connect(sock, (target.address, target.port))
    except OSError:  # TimeoutError too
        sock.close()
        return "nobody"
    if not look.sends:
        sock.close()
        return "open"
    try:
        async with clock.timeout(PATIENCE):
            return await _answer(sock, look)
    except OSError:
        return "closed"


async def _answer(sock: socket.socket, look: Try) -> str:
    tls = trusting() if look.tls else None
    try:
        # asyncio sends no name for an empty one.
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=tls, server_hostname=look.sni if tls else None
        )
    except OSError:
        sock.close()
        raise
    try:
        writer.write(look.sends)
        words = (await reader.readline()).split()
        return words[1].decode("ascii", "replace") if words[:1] == [b"HTTP/1.1"] and words[1:] else "closed"
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _request(host: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: scan\r\nConnection: close\r\n\r\n".encode()
