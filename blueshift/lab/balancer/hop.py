"""Balances by a hop of its own: a connection ends here and a second one, from here, leads to a pod.

Pods see the balancer's address and not the client's, unless the Service asks for PROXY headers.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import sys
from collections.abc import Callable, Mapping
from functools import partial

from blueshift.clock import Clock
from blueshift.lab.balancer.backends import Backend, Front, Table
from blueshift.lab.processes import run
from blueshift.traffic.connect import proxy_line, reason_of

CONNECT_TIMEOUT = 5.0
"""Seconds that a pod has to accept; `timeout connect 5s` in haproxy's manual."""
MOST = 10_000
"""Connections at once; more are closed as they come."""
_OTHER_FILES = 200
_BACKLOG = 1024
_FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
"""IP_FREEBIND and IPV6_FREEBIND of <linux/in.h> and <linux/in6.h>, which Python does not name."""
_BIND_ADDRESS_NO_PORT = 24
"""<linux/in.h>"""


class Hop:
    """Listens at every address and port of the table that has a backend, in the caller's network namespace.

    `pools`: the networks of the balancer's addresses, each with the node's own address of that family, from
    which come the connections that the node itself makes to them.
    """

    def __init__(self, clock: Clock, pools: Mapping[str, str]) -> None:
        self._clock = clock
        self._pools = pools
        self._most = 0
        """Connections at once; 0 before anything is listened to."""
        self._servers: dict[Front, asyncio.Server] = {}
        self._table: Table = {}
        self._turn = 0
        self._carried: set[asyncio.Task[None]] = set()

    async def apply(self, table: Table) -> None:
        """Send what comes from now on by this table. Raises BlueshiftError or OSError if it cannot."""
        if not self._most:
            await self._own_addresses()
        self._table = table
        wanted = {front for front, backends in table.items() if backends and front.protocol == "tcp"}
        for front in [front for front in self._servers if front not in wanted]:
            self._servers.pop(front).close()  # the kernel refuses from here on; what is carried goes on
        loop = asyncio.get_running_loop()
        for front in wanted - self._servers.keys():
            sock = _socket(front.address)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((front.address, front.port))
            self._servers[front] = await loop.create_server(
                partial(_End, partial(self._accept, front)), sock=sock, backlog=_BACKLOG
            )

    async def _own_addresses(self) -> None:
        # Every address of the pools becomes the node's own, given to a Service or not.
        for pool, node in self._pools.items():
            route = ["local", pool, "dev", "lo", "src", node]
            await run(["ip", "route", "replace", *route], f"routing {pool}")
        self._most = (_files(2 * MOST + _OTHER_FILES) - _OTHER_FILES) // 2

    def _accept(self, front: Front, near: _End) -> None:
        if len(self._carried) >= self._most:
            near.transport.abort()
            return
        near.transport.pause_reading()
        task = asyncio.create_task(self._carry(front, near))
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def _carry(self, front: Front, near: _End) -> None:
        backends = self._table.get(front)
        if not backends:
            near.transport.abort()
            return
        self._turn += 1
        backend = backends[self._turn % len(backends)]
        try:
            far = await self._connect(front, backend, near)
        except OSError as error:  # TimeoutError too
            sys.stderr.write(f"{front.address}:{front.port} → {backend.address}: {reason_of(error)}\n")
            near.transport.abort()
            return
        near.other = far
        if near.gone.is_set():
            far.transport.abort()
            return
        if front.announced:
            client, server = (near.transport.get_extra_info(name) for name in ("peername", "sockname"))
            far.transport.write(proxy_line(client, server))
        near.transport.resume_reading()
        await asyncio.gather(near.gone.wait(), far.gone.wait())

    async def _connect(self, front: Front, backend: Backend, near: _End) -> _End:
        loop = asyncio.get_running_loop()
        sock = _socket(backend.address)
        far = _End()
        far.other = near  # before anything comes: a pod may speak first
        try:
            # The port is chosen with the connection: each pod has all of them.
            sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            sock.bind((front.address, 0))
            async with self._clock.timeout(CONNECT_TIMEOUT):
                await loop.sock_connect(sock, (backend.address, backend.port))
            await loop.create_connection(lambda: far, sock=sock)
        except BaseException:
            sock.close()
            raise
        return far


def _files(wanted: int) -> int:
    """Let this process open so many files, or as many as it may; how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return files


def _socket(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(*_FREEBIND[socket.AddressFamily(sock.family)], 1)
    return sock


class _End(asyncio.Protocol):
    """One end of what is carried: what comes in goes out at the other, as fast as that one takes it."""

    def __init__(self, accepted: Callable[[_End], None] | None = None) -> None:
        self.other: _End | None = None
        self.gone = asyncio.Event()
        self.transport: asyncio.Transport
        self._accepted = accepted
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._accepted:
            self._accepted(self)

    def data_received(self, data: bytes) -> None:
        if self.other:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """An end that has said all may still be answered."""
        self._ended = True
        if self.other is None or self.other._ended:
            return False
        self.other.transport.write_eof()
        return True

    def pause_writing(self) -> None:
        if self.other:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.gone.set()
        if self.other is None:
            return
        if error:
            self.other.transport.abort()
        else:
            self.other.transport.close()
