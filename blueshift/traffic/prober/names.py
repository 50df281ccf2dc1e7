"""A client's own DNS cache, kept for exactly the TTL, or for as long as the client likes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.traffic.connect import Failed


class Resolved(msgspec.Struct, frozen=True):
    """What a resolver answered: addresses of one family, and for how many seconds they hold."""

    addresses: tuple[str, ...]
    ttl: float


Resolve = Callable[[str, int], Awaitable[Resolved]]
"""(host, 4 or 6) → addresses. Raises BlueshiftError if the resolver gives no answer."""


class Names:
    """Looks names up when their TTL has passed, each only once however many requests wait for it.

    `keep`: seconds for which an answer holds instead of its TTL.
    """

    def __init__(self, resolve: Resolve, family: int, clock: Clock, keep: float | None = None) -> None:
        self._resolve = resolve
        self._family = family
        self._clock = clock
        self._keep = keep
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}
        self._turn = 0

    async def pick(self, host: str) -> str:
        """Return an address of `host`, in turn if it has several. Raises Failed in phase "resolve"."""
        expires, addresses = self._known.get(host, (-1.0, ()))
        if self._clock.now() >= expires:
            if (asking := self._asking.get(host)) is None:
                asking = self._asking[host] = asyncio.create_task(self._ask(host))
                asking.add_done_callback(lambda _: self._asking.pop(host, None))
            # A request that gives up must not take the answer from the others.
            addresses = await asyncio.shield(asking)
        self._turn += 1
        return addresses[self._turn % len(addresses)]

    async def _ask(self, host: str) -> tuple[str, ...]:
        try:
            answer = await self._resolve(host, self._family)
        except BlueshiftError as error:
            raise Failed("resolve", error.message) from error
        if not answer.addresses:
            raise Failed("resolve", "no address")
        holds = answer.ttl if self._keep is None else self._keep
        self._known[host] = (self._clock.now() + holds, answer.addresses)
        return answer.addresses
