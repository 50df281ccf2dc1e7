"""Kept connections of one client, by host: new DNS answers do not touch them, as in browsers and services."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from blueshift.clock import Clock
from blueshift.traffic.connect import closed_by_peer
from blueshift.traffic.http1 import Http1
from blueshift.traffic.http2 import Http2
from blueshift.traffic.prober.growth import Growth
from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.plan import Route

C = TypeVar("C", Http1, Http2)
Key = tuple[str, int, bool]


class Kept(NamedTuple, Generic[C]):
    """A connection, where it goes, since when it exists, and when it was last used."""

    connection: C
    socket: socket.socket
    address: str
    born: float
    used: float = 0.0


class Limits(NamedTuple):
    """What a client allows a connection, in seconds; None: anything."""

    age: float | None = None
    idle: float | None = None

    def allow(self, kept: Kept[C], now: float) -> bool:
        """Tell whether the client would still use it."""
        too_old = self.age is not None and now - kept.born > self.age
        return not too_old and (self.idle is None or now - kept.used <= self.idle)


def key_of(route: Route) -> Key:
    """Return what a client keeps connections by."""
    return route.host, route.to_port, route.tls


def usable(kept: Kept[C], row: Row, limits: Limits, now: float) -> bool:
    """Tell whether `row` may go over it; where not, close it and count it if the *peer* had ended it.

    This is the peek: between it and the first byte nothing else of this process runs. A connection whose
    end was seen long ago counts as well, since a client that looks only when it needs one would find it so.
    An end that the server announced (`Connection: close`, GOAWAY) never leaves a connection here.
    """
    if not limits.allow(kept, now):
        kept.connection.close()
        return False
    if kept.connection.lost or closed_by_peer(kept.socket):
        row.stale_closed += 1
        kept.connection.close()
        return False
    return True


class _Host:
    def __init__(self, most: int, clock: Clock) -> None:
        self.slot = asyncio.Semaphore(most)
        self.idle: list[Kept[Http1]] = []
        self.growth: Growth[Kept[Http1]] = Growth(clock)


class Http1Pool:
    """Idle connections; the last one used is used first, as nearly every client does."""

    def __init__(self, limits: Limits, most: int, clock: Clock) -> None:
        self._limits = limits
        self._most = most
        self._clock = clock
        self._hosts: dict[Key, _Host] = {}

    def slot(self, key: Key) -> asyncio.Semaphore:
        """Return what a request must hold while it has a connection to that host, idle ones not counted."""
        return self._host(key).slot

    async def get(self, key: Key, row: Row, now: Callable[[], float]) -> Kept[Http1] | None:
        """Return a connection that is alive; None: the request opens one.

        Either way it tells what becomes of it, by `give` or `ended`.
        """
        host = self._host(key)
        kept = self._take(host, row, now())
        while kept is None:
            freed = await host.growth.more(now)
            if freed is None or usable(freed, row, self._limits, now()):
                return freed
            host.growth.ended()
            kept = self._take(host, row, now())
        return kept

    def give(self, key: Key, kept: Kept[Http1], now: float) -> None:
        """Keep a connection that may carry another request, or hand it to one that waits."""
        host = self._host(key)
        kept = kept._replace(used=now)
        if not host.growth.hand(kept):
            host.idle.append(kept)

    def ended(self, key: Key) -> None:
        """Take note that a connection is no more, or could not be made."""
        self._host(key).growth.ended()

    def close(self) -> None:
        """Close them all."""
        for host in self._hosts.values():
            host.growth.close()
            for kept in host.idle:
                kept.connection.close()
        self._hosts.clear()

    def _host(self, key: Key) -> _Host:
        if (host := self._hosts.get(key)) is None:
            host = self._hosts[key] = _Host(self._most, self._clock)
        return host

    def _take(self, host: _Host, row: Row, now: float) -> Kept[Http1] | None:
        """Return an idle connection that is alive, if there is one.

        Counted are those that a request would have gone over. One that lies below a live one, left from a
        busier moment, is nobody's next connection: a server ends it as idle, and every client drops it then.
        """
        idle = host.idle
        there = len(idle)
        if idle and not idle[-1].connection.lost:
            idle[:] = [kept for kept in idle if not kept.connection.lost]
        while idle:
            kept = idle.pop()
            if usable(kept, row, self._limits, now):
                host.growth.ended(there - len(idle) - 1)
                return kept
        host.growth.ended(there)
        return None


class Http2Pool:
    """One connection per host, and more only when it is full; requests wait together for a new one."""

    def __init__(self, max_age: float | None) -> None:
        self._limits = Limits(age=max_age)
        self._open: dict[Key, list[Kept[Http2]]] = {}
        self._locks: dict[Key, asyncio.Lock] = {}

    async def get(
        self, key: Key, row: Row, now: Callable[[], float], make: Callable[[], Awaitable[Kept[Http2]]]
    ) -> tuple[Kept[Http2], bool]:
        """Return a connection with room, and whether it was there before. Raises what `make` raises."""
        if (kept := self._take(key, row, now())) is not None:
            return kept, True
        async with self._locks.setdefault(key, asyncio.Lock()):
            if (kept := self._take(key, row, now())) is not None:
                return kept, True
            kept = await make()
            self._open.setdefault(key, []).append(kept)
            return kept, False

    def close(self) -> None:
        """Close them all."""
        for connections in self._open.values():
            for kept in connections:
                kept.connection.close()
        self._open.clear()

    def _take(self, key: Key, row: Row, now: float) -> Kept[Http2] | None:
        connections = self._open.get(key, [])
        for kept in list(connections):
            if kept.connection.leaving:
                connections.remove(kept)  # it ends its streams and closes itself
            elif kept.connection.busy and not kept.connection.lost:
                if closed_by_peer(kept.socket):
                    row.stale_closed += 1
                    connections.remove(kept)  # the requests on it find out by themselves
                    continue
                if not kept.connection.full and self._limits.allow(kept, now):
                    return kept
            elif usable(kept, row, self._limits, now):
                return kept
            else:
                connections.remove(kept)
        return None
