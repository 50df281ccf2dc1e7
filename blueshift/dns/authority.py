"""Who is authoritative for a name, and what each of those servers answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import msgspec

from blueshift.dns.line import Line, is_authoritative, line, rcode_of
from blueshift.dns.records import Question, canonical, within
from blueshift.dns.replies import LONGEST_CHAIN, Reply, read_reply, told_by
from blueshift.dns.update import to_records
from blueshift.dns.wire import NoAnswer, addresses, ask, endpoint, has_route, question
from blueshift.errors import BlueshiftError, Retryable
from blueshift.together import together

_AT_ONCE = 32

Read = TypeVar("Read")


class Server(msgspec.Struct, frozen=True, order=True):
    """One address of a name server of a zone."""

    zone: str
    name: str
    """As the NS record says, or as the user wrote it."""
    address: str
    port: int = 53

    def __str__(self) -> str:
        return self.name if self.address in self.name else f"{self.name} ({self.address})"


class View(msgspec.Struct, frozen=True):
    """What one server serves; without replies if it is `unknown` or `skipped`, which then says why."""

    server: Server
    serial: int | None = None
    replies: tuple[Reply, ...] = ()
    unknown: str = ""
    skipped: str = ""
    """This machine has no route to the address: nothing was asked, and nothing is known."""


class Directory:
    """Finds zones and their servers through a recursive resolver, unless the user says otherwise.

    `resolver` is an endpoint, by default the machine's first; `authorities` are endpoints that replace the NS
    records (split horizon, hidden primaries); `zones` are names where zones begin. Answers are kept.
    """

    def __init__(
        self, resolver: str | None = None, *, authorities: Sequence[str] = (), zones: Sequence[str] = ()
    ) -> None:
        for key, text in (("resolver", resolver), *(("authorities", one) for one in authorities)):
            if text is not None:
                usable(f"dns.{key}", text, endpoint)
        for zone in zones:
            usable("dns.zones", zone, canonical)
        self._resolver = resolver
        self._authorities = tuple(authorities)
        self._known_zones = sorted((canonical(zone) for zone in zones), key=len, reverse=True)
        self._zone_of: dict[str, str] = {}
        self._servers: dict[str, tuple[Server, ...]] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def zone_of(self, name: str) -> str:
        """Return the zone that holds `name`. Raises NoAnswer."""
        name = canonical(name)
        if name not in self._zone_of:
            known = next((zone for zone in self._known_zones if within(name, zone)), None)
            self._zone_of[name] = known or await self._find_zone(name)
        return self._zone_of[name]

    async def servers(self, zone: str) -> tuple[Server, ...]:
        """Return every address of every name server of `zone`. Raises NoAnswer if there is none."""
        if zone not in self._servers:
            self._servers[zone] = tuple(sorted(await self._find_servers(zone)))
        return self._servers[zone]

    async def _find_servers(self, zone: str) -> list[Server]:
        found: list[Server] = []
        for text in self._authorities:
            host, port = endpoint(text)
            found += [Server(zone, text, address, port) for address in await addresses(host)]
        if found:
            return found
        answer = await self._recurse(zone, "NS")
        rrset = answer.get_rrset(answer.answer, dns.name.from_text(zone), dns.rdataclass.IN, dns.rdatatype.NS)
        for host in () if rrset is None else to_records(zone, rrset).values:
            for rdtype in ("A", "AAAA"):
                reply = read_reply(await self._recurse(host, rdtype), host, rdtype)
                if reply.records is not None:
                    found += [Server(zone, host, address) for address in reply.records.values]
        if not found:
            raise NoAnswer(
                f"no name server of {zone} could be found",
                hint="name them in `dns.authorities`, and where the zone begins in `dns.zones`",
            )
        return found

    async def _find_zone(self, name: str) -> str:
        answer = await self._recurse(name, "SOA")
        owner = dns.name.from_text(name)
        if answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, dns.rdatatype.CNAME) is not None:
            # What follows is the alias's target. No zone begins at an alias (RFC 1034 §3.6.2).
            return await self.zone_of(owner.parent().to_text())
        for rrset in (*answer.answer, *answer.authority):
            if rrset.rdtype == dns.rdatatype.SOA:
                return canonical(rrset.name.to_text())
        raise NoAnswer(
            f"the resolver does not say which zone holds {name} ({dns.rcode.to_text(answer.rcode())})",
            hint="name the zone in `dns.zones`",
        )

    async def _recurse(self, name: str, rdtype: str) -> dns.message.Message:
        host, port = endpoint(self._resolver or _system_resolver())
        address = (await addresses(host))[0]
        async with self._gate:
            return await ask(question(name, rdtype, recursive=True), address, port)


def usable(key: str, text: str, read: Callable[[str], Read]) -> Read:
    """Read a setting. Raises BlueshiftError, which names it, where it cannot be read."""
    try:
        return read(text)
    except ValueError as error:  # UnicodeError is one
        raise BlueshiftError(str(error), place=key, hint=f"correct `{key}` in blueshift.yaml") from None


def _system_resolver() -> str:
    import dns.resolver  # only here: it reads the machine's configuration

    try:
        first = dns.resolver.get_default_resolver().nameservers[0]
    except (dns.exception.DNSException, IndexError) as error:
        raise NoAnswer("this machine names no resolver", hint="set `dns.resolver`") from error
    return f"[{first}]" if ":" in str(first) else str(first)


async def ask_all(questions: Sequence[Question], servers: Sequence[Server]) -> tuple[View, ...]:
    """Ask every server everything, without recursion. Raises nothing: what failed is `unknown`."""
    return tuple(await together(*(_view(server, questions) for server in servers)))


async def _view(server: Server, questions: Sequence[Question]) -> View:
    if not has_route(server.address):
        return View(server, skipped=f"{server}: no route from this machine")
    # The serial first: a server that is silent is not asked hundreds of times.
    try:
        answer = await ask(question(server.zone, "SOA", recursive=False), server.address, server.port)
    except Retryable as error:
        return View(server, unknown=f"{server}: {error.message}")
    serials = [
        int(rrset[0].serial) for rrset in answer.answer if isinstance(rrset[0], dns.rdtypes.ANY.SOA.SOA)
    ]
    if not serials or not answer.flags & dns.flags.AA:
        rcode = dns.rcode.to_text(answer.rcode())
        return View(server, unknown=f"{server}: does not hold {server.zone} ({rcode})")
    gate = asyncio.Semaphore(_AT_ONCE)
    try:
        async with line(server.address, server.port) as asked:

            async def one(name: str, rdtype: str) -> Reply:
                async with gate:
                    return await _reply_over(asked, server, name, rdtype)

            replies = await together(*(one(canonical(name), rdtype) for name, rdtype in questions))
    except NoAnswer as error:
        return View(server, unknown=f"{server}: {error.message}")
    return View(server, serials[0], tuple(replies))


async def reply_of(server: Server, name: str, rdtype: str) -> Reply:
    """Ask one server one thing, without recursion; what failed is `unknown`."""
    try:
        async with line(server.address, server.port) as asked:
            return await _reply_over(asked, server, name, rdtype)
    except NoAnswer as error:
        return Reply(name, rdtype, "unknown", reason=error.message)


async def _reply_over(asked: Line, server: Server, name: str, rdtype: str) -> Reply:
    try:
        answer = await asked.ask(name, rdtype)
        if is_authoritative(answer):
            return told_by(asked, answer, name, rdtype)
    except NoAnswer as error:
        return Reply(name, rdtype, "unknown", reason=error.message)
    rcode = dns.rcode.to_text(rcode_of(answer))
    return Reply(name, rdtype, "unknown", reason=f"{server} does not hold {name} ({rcode})")


async def follow(directory: Directory, name: str, rdtype: str) -> Reply:
    """Return the authoritative answer for `name`, its aliases followed from zone to zone.

    In each zone the first server that answers speaks. Raises NoAnswer when a zone cannot be found.
    """
    name = canonical(name)
    chain: tuple[str, ...] = ()
    while True:
        here = chain[-1] if chain else name
        reply = Reply(here, rdtype, "unknown", reason="none of its servers can be reached")
        for server in await directory.servers(await directory.zone_of(here)):
            if has_route(server.address):
                reply = await reply_of(server, here, rdtype)
                if reply.status != "unknown":
                    break
        seen = {name, *chain}
        chain += reply.chain
        if reply.status == "outside" and (len(chain) >= LONGEST_CHAIN or seen & set(reply.chain)):
            return Reply(name, rdtype, "loop", None, chain)
        if reply.status != "outside":
            return msgspec.structs.replace(reply, name=name, chain=chain)


def newer(one: int, other: int) -> bool:
    """Tell whether serial `one` comes after `other`, round the end of 32 bits (RFC 1982 §3.2)."""
    return one != other and (one - other) % 2**32 < 2**31
