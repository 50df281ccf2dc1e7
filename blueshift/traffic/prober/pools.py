"""Kept connections of one client, by host: new DNS answers do not touch them, as in browsers and services."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from blueshift.traffic.connect import closed_by_peer
from blueshift.traffic.http1 import Http1
from blueshift.traffic.http2 import Http2
from blueshift.traffic.prober.ledger import Row
from blueshift.traffic.prober.plan import Route

C = TypeVar("C", Http1, Http2)
Key = tuple[str, int, bool]


class Kept(NamedTuple, Generic[C]):
    """A connection, since when it exists, and where it goes."""

    connection: C
    socket: socket.socket
    address: str
    born: float


def key_of(route: Route) -> Key:
    """Return what a client keeps connections by."""
    return route.host, route.to_port, route.tls


def usable(kept: Kept[C], row: Row, max_age: float | None, now: float) -> bool:
    """Tell whether `row` may go over it; where not, close it and count it if the *peer* had ended it.

    This is the peek: between it and the first byte nothing else of this process runs. A connection whose
    end was seen long ago counts as well, since a client that looks only when it needs one would find it so.
    An end that the server announced (`Connection: close`, GOAWAY) never leaves a connection here.
    """
    if max_age is not None and now - kept.born > max_age:
        kept.connection.close()
        return False
    if kept.connection.lost or closed_by_peer(kept.socket):
        row.stale_closed += 1
        kept.connection.close()
        return False
    return True


class Http1Pool:
    """Idle connections; the last one used is used first, as nearly every client does."""

    def __init__(self, max_age: float | None, most: int) -> None:
        self._max_age = max_age
        self._most = most
        self._idle: dict[Key, list[Kept[Http1]]] = {}
        self._slots: dict[Key, asyncio.Semaphore] = {}

    def slot(self, key: Key) -> asyncio.Semaphore:
        """Return what a request must hold while it has a connection to that host, idle ones not counted."""
        if (slot := self._slots.get(key)) is None:
            slot = self._slots[key] = asyncio.Semaphore(self._most)
        return slot

    def take(self, key: Key, row: Row, now: float) -> Kept[Http1] | None:
        """Return an idle connection that is alive, if there is one."""
        idle = self._idle.get(key)
        while idle:
            kept = idle.pop()
            if usable(kept, row, self._max_age, now):
                return kept
        return None

    def give(self, key: Key, kept: Kept[Http1]) -> None:
        """Keep a connection that may carry another request."""
        self._idle.setdefault(key, []).append(kept)

    def close(self) -> None:
        """Close them all."""
        for idle in self._idle.values():
            for kept in idle:
                kept.connection.close()
        self._idle.clear()


class Http2Pool:
    """One connection per host, and more only when it is full; requests wait together for a new one."""

    def __init__(self, max_age: float | None) -> None:
        self._max_age = max_age
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
                too_old = self._max_age is not None and now - kept.born > self._max_age
                if not (kept.connection.full or too_old):
                    return kept
            elif usable(kept, row, self._max_age, now):
                return kept
            else:
                connections.remove(kept)
        return None
