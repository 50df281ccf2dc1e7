"""Follow every host to the record that would have to change, asking where records are written first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from blueshift.discovery.found import each
from blueshift.discovery.names import Trail, alike, wildcard_candidates
from blueshift.dns.authority import Directory, Server, follow
from blueshift.dns.backend import DnsBackend, DnsError, NotAuth, Refused, ServerFailed
from blueshift.dns.records import RecordSet, canonical, parents
from blueshift.dns.wildcard import origin
from blueshift.dns.wire import has_route
from blueshift.errors import BlueshiftError

_LONGEST = 16
_ADDRESSES = ("A", "AAAA")


class Follower:
    """Follows hosts; what two of them share is asked once."""

    def __init__(self, backend: DnsBackend, directory: Directory) -> None:
        self._backend = backend
        self._directory = directory
        self._ends: dict[str, asyncio.Task[Trail]] = {}
        self._wildcards: dict[str, asyncio.Task[tuple[RecordSet, ...]]] = {}

    async def follow(self, hosts: Sequence[str]) -> tuple[Trail, ...]:
        """A trail for each host, in order. A failed look is its `unknown`; nothing is raised.

        The first goes alone: where no server answers, the others need not wait for that too.
        """
        if not hosts:
            return ()
        first = await self._host(hosts[0])
        if first.unknown and await self._silent(hosts[0]):
            return tuple(Trail(host=host, name="", unknown=first.unknown) for host in hosts)
        return (first, *await each(self._host, hosts[1:], at_once=32))

    async def _silent(self, host: str) -> bool:
        """Whether nothing at all answers, so that each further host would cost its time-outs."""
        try:
            await self._backend.read([(canonical(host), "A")])
        except (DnsError, ServerFailed):
            return False
        except BlueshiftError:
            return True
        return False

    async def _host(self, host: str) -> Trail:
        try:
            name = canonical(host)
            chain: list[str] = []
            while True:
                end = await self._end(name)
                chain += end.chain
                if not end.chain or not end.writable or len(chain) >= _LONGEST:
                    break
                name = end.chain[-1]
        except (BlueshiftError, UnicodeError) as error:
            return Trail(host=host, name="", unknown=getattr(error, "message", str(error)))
        return Trail(host, end.name, end.zone, end.records, tuple(chain), end.writable)

    async def _end(self, name: str) -> Trail:
        if name not in self._ends:
            self._ends[name] = asyncio.create_task(self._ask(name))
        return await self._ends[name]

    async def _ask(self, name: str) -> Trail:
        """One link: an alias (then `chain` has its target) or an end."""
        try:
            zone = await self._backend.zone_of(name)
            records = await self._read(name)
            (alias,) = (None,) if records else await self._backend.read([(name, "CNAME")])
        except (NotAuth, Refused):
            return await self._outside(name)
        if alias is not None:
            return Trail(name, name, zone, (), alias.values)
        return await self._wildcard(name, zone, records)

    async def _outside(self, name: str) -> Trail:
        """Zones of others are asked at their own servers."""
        replies = [await follow(self._directory, name, kind) for kind in _ADDRESSES]
        records = tuple(reply.records for reply in replies if reply.records is not None)
        failed = [reply.reason for reply in replies if reply.status == "unknown"]
        if failed and not records:
            raise DnsError(f"{name}: {failed[0]}")
        longest = max(replies, key=lambda reply: len(reply.chain))
        zone = await self._directory.zone_of(longest.last)
        return Trail(name, longest.last, zone, records, longest.chain, writable=False)

    async def _wildcard(self, name: str, zone: str, records: tuple[RecordSet, ...]) -> Trail:
        """The wildcard that answers for a name without records of its own takes its place."""
        own = Trail(name, name, zone, records)
        for wildcard in wildcard_candidates(name, parents(name), zone):
            standing = await self._standing(wildcard)
            if not standing:
                continue
            # Without records either the backend reads only what is written, or the name has other types.
            if (not records or alike(records, standing)) and await self._covers(zone, name):
                return Trail(name, wildcard, zone, standing)
            return own
        return own

    async def _standing(self, wildcard: str) -> tuple[RecordSet, ...]:
        if wildcard not in self._wildcards:
            self._wildcards[wildcard] = asyncio.create_task(self._read(wildcard))
        return await self._wildcards[wildcard]

    async def _read(self, name: str) -> tuple[RecordSet, ...]:
        found = await self._backend.read([(name, kind) for kind in _ADDRESSES])
        return tuple(record for record in found if record is not None)

    async def _covers(self, zone: str, name: str) -> bool:
        """Whether the wildcard answers, or a record of the name's own that looks the same."""
        reachable: list[Server] = [
            server for server in await self._directory.servers(zone) if has_route(server.address)
        ]
        if not reachable:
            raise DnsError(f"no server of {zone} tells whether {name} is a record or a wildcard's answer")
        return (await origin(reachable[0], name)).kind == "wildcard"
