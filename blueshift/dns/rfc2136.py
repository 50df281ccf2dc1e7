"""Dynamic update (RFC 2136): a true compare-and-swap, since the server checks the prerequisites itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.SOA
import dns.rrset
import dns.tsig

from blueshift.clock import Clock
from blueshift.dns.authority import Directory
from blueshift.dns.backend import (
    Capabilities,
    ChangeRef,
    Difference,
    DnsError,
    NotAuth,
    NotKept,
    Right,
    ServerFailed,
    Stale,
    TsigError,
)
from blueshift.dns.key import Key, ReadSecret
from blueshift.dns.line import Line, is_authoritative, line, rcode_of
from blueshift.dns.records import Change, Question, RecordSet, canonical, within
from blueshift.dns.replies import told_by
from blueshift.dns.settings import Rfc2136Settings
from blueshift.dns.update import (
    PREREQUISITE_FAILED,
    ahead,
    read_answer,
    refusal,
    swap_message,
    to_records,
    try_message,
    tsig_key,
)
from blueshift.dns.wire import MAX_MESSAGE, addresses, ask, has_route, question, send
from blueshift.errors import Ambiguous, BlueshiftError
from blueshift.together import together

_AT_ONCE = 32  # questions in flight; a burst of hundreds meets response rate limits


class Rfc2136:
    """See DnsBackend."""

    name: ClassVar[str] = "rfc2136"
    Settings: ClassVar[type[Rfc2136Settings]] = Rfc2136Settings

    def __init__(
        self, settings: Rfc2136Settings, key: Key | None, clock: Clock, *, zones: Sequence[str] = ()
    ) -> None:
        self.settings = settings
        self.capabilities = Capabilities(
            cas=True, weighted=False, max_batch=settings.max_batch, min_ttl=settings.min_ttl
        )
        self._key = key
        self._clock = clock
        self._zones = sorted((canonical(zone) for zone in zones), key=len, reverse=True)
        self._zone_of: dict[str, str] = {}
        self._where = f"{settings.server} port {settings.port}"
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._known_address = ""

    @classmethod
    def create(
        cls,
        settings: Rfc2136Settings,
        secrets: ReadSecret,
        clock: Clock,
        directory: Directory,
        *,
        zones: Sequence[str] = (),
    ) -> Rfc2136:
        """Make the backend with the key that its settings point at. Raises UnusableKey."""
        key = None if settings.key is None else settings.key.load(secrets)
        return cls(settings, key, clock, zones=zones)

    async def zone_of(self, name: str) -> str:
        """See DnsBackend; one of `zones` (dns.zones in blueshift.yaml), else what the server's SOA says."""
        name = canonical(name)
        if name not in self._zone_of:
            configured = next((zone for zone in self._zones if within(name, zone)), None)
            self._zone_of[name] = configured or await self._find_zone(name)
        return self._zone_of[name]

    async def read(self, names: Sequence[Question]) -> tuple[RecordSet | None, ...]:
        """See DnsBackend."""
        if self.settings.signed_reads:
            return tuple(await together(*(self._read(canonical(name), kind) for name, kind in names)))
        async with line(await self._address(), self.settings.port) as asked:
            return tuple(
                await together(*(self._read_over(asked, canonical(name), kind) for name, kind in names))
            )

    async def swap(self, changes: Sequence[Change]) -> ChangeRef:
        """See DnsBackend. Read before, because prerequisites ignore the TTL (RFC 2136 §2.4), and after,

        because a server answers NOERROR also where it ignored a part (RFC 2136 §3.4.2.2).
        """
        zone = await self._one_zone(changes)
        questions = [change.question for change in changes]
        before = await self.read(questions)
        if differences := _differences([change.expected for change in changes], before, questions):
            raise Stale(differences)
        rcode, _ahead = await self._update(swap_message(zone, changes))
        if rcode in PREREQUISITE_FAILED:
            raise await self._stale(changes, rcode)
        if rcode != dns.rcode.NOERROR:
            raise refusal(rcode, zone, self._where, self._key)
        try:
            after = await self.read(questions)
            serial = await self.serial(zone)
        except BlueshiftError as error:
            raise Ambiguous(f"the update was taken, and cannot be read back: {error}") from error
        if differences := _differences([change.desired for change in changes], after, questions):
            raise NotKept(differences)
        return ChangeRef(backend=self.name, zone=zone, token=str(serial))

    async def wait(self, ref: ChangeRef) -> None:
        """See DnsBackend: the server's answer was the commit, and `swap` read it back."""

    async def try_rights(self, names: Sequence[Question]) -> tuple[Right, ...]:
        """See DnsBackend. Raises TsigError; a refusal of one name is its result and no error."""
        standing = [
            (canonical(name), kind, records)
            for (name, kind), records in zip(names, await self.read(names), strict=True)
        ]
        by_zone: dict[str, list[tuple[str, str, RecordSet | None]]] = {}
        zones = await together(*(self.zone_of(name) for name, _kind, _records in standing))
        for zone, entry in zip(zones, standing, strict=True):
            by_zone.setdefault(zone, []).append(entry)
        found: dict[Question, Right] = {}
        for zone, entries in by_zone.items():
            for start in range(0, len(entries), self.capabilities.max_batch):
                for right in await self._try(zone, entries[start : start + self.capabilities.max_batch]):
                    found[right.name, right.type] = right
        return tuple(found[name, kind] for name, kind, _records in standing)

    async def serial(self, zone: str) -> int:
        """Return the zone's serial; compare two with `authority.newer` (RFC 1982)."""
        answer = await self._ask(zone, "SOA")
        for rrset in answer.answer:
            if isinstance(rrset[0], dns.rdtypes.ANY.SOA.SOA):
                return int(rrset[0].serial)
        raise self._not_auth(zone)

    async def _try(self, zone: str, entries: list[tuple[str, str, RecordSet | None]]) -> list[Right]:
        """Try many names in one message; only where that is refused, each by itself."""
        try:
            rcode, ahead_by = await self._update(try_message(zone, entries))
        except Ambiguous as error:  # landed or not: what was sent changes nothing
            raise DnsError(
                f"what the key may write was not found out: {error.message}",
                hint="see that `dns.settings.server` and `port` lead to a name server that takes updates",
            ) from error
        if rcode != dns.rcode.NOERROR and len(entries) > 1:
            return [right for entry in entries for right in await self._try(zone, [entry])]
        reason = "the server took an update that changes nothing"
        if rcode in PREREQUISITE_FAILED:
            reason = "the record changed meanwhile, or a wildcard answers for this name: nothing was tried"
        elif rcode != dns.rcode.NOERROR:
            reason = refusal(rcode, zone, self._where, self._key).message
        held = rcode not in PREREQUISITE_FAILED
        allowed = rcode == dns.rcode.NOERROR
        return [Right(name, kind, allowed, reason, held, ahead_by) for name, kind, _ in entries]

    async def _find_zone(self, name: str) -> str:
        answer = await self._ask(name, "SOA")
        owner = dns.name.from_text(name)
        if answer.get_rrset(answer.answer, owner, dns.rdataclass.IN, dns.rdatatype.CNAME) is not None:
            # What follows is the alias's target. No zone begins at an alias (RFC 1034 §3.6.2).
            return await self.zone_of(owner.parent().to_text())
        for rrset in (*answer.answer, *answer.authority):
            if rrset.rdtype == dns.rdatatype.SOA:
                return canonical(rrset.name.to_text())
        raise self._not_auth(name)

    async def _one_zone(self, changes: Sequence[Change]) -> str:
        zones = set(await together(*map(self.zone_of, {change.name for change in changes})))
        if len(zones) != 1 or len(changes) > self.capabilities.max_batch:
            raise DnsError(
                f"a swap holds 1 to {self.capabilities.max_batch} changes of one zone; this one has "
                f"{len(changes)} of {len(zones)} zones",
                hint="cut it with blueshift.dns.backend.batches",
            )
        return zones.pop()

    async def _stale(self, changes: Sequence[Change], rcode: dns.rcode.Rcode) -> Stale:
        """Return what differs now; a wildcard's answer looks right and is no record of that name."""
        questions = [change.question for change in changes]
        now = await self.read(questions)
        differences = _differences([change.expected for change in changes], now, questions)
        note = (
            f"the server says {dns.rcode.to_text(rcode)} and yet answers as expected: another writer is "
            "at work, or a wildcard answers for a name that has no record of its own"
        )
        return Stale(differences, note="" if differences else note)

    async def _read(self, name: str, kind: str) -> RecordSet | None:
        answer = await self._ask(name, kind)
        rdtype = dns.rdatatype.from_text(kind)
        rrset = answer.get_rrset(answer.answer, dns.name.from_text(name), dns.rdataclass.IN, rdtype)
        return None if rrset is None else to_records(name, rrset)

    async def _read_over(self, asked: Line, name: str, kind: str) -> RecordSet | None:
        async with self._gate:
            answer = await asked.ask(name, kind)
        self._check(name, kind, rcode_of(answer), authoritative=is_authoritative(answer))
        reply = told_by(asked, answer, name, kind)
        return None if reply.chain else reply.records

    async def _ask(self, name: str, kind: str) -> dns.message.Message:
        """Ask the server for what it holds. Raises NoAnswer, ServerFailed, NotAuth, TsigError, DnsError."""
        query = question(name, kind, recursive=False)
        if self.settings.signed_reads and self._key is not None:
            query.use_tsig(tsig_key(self._key))
        async with self._gate:
            try:
                answer = await ask(query, await self._address(), self.settings.port)
            except dns.tsig.PeerError as error:
                raise TsigError(
                    f"{self._where} did not accept the signature of a question: {error}",
                    hint="try the key with `blueshift check`",
                ) from None
        self._check(name, kind, answer.rcode(), authoritative=bool(answer.flags & dns.flags.AA))
        return answer

    def _check(self, name: str, kind: str, rcode: dns.rcode.Rcode, *, authoritative: bool) -> None:
        if rcode in {dns.rcode.REFUSED, dns.rcode.NOTAUTH}:
            raise self._not_auth(name)
        if rcode == dns.rcode.SERVFAIL:
            raise ServerFailed(
                f"{self._where} answered SERVFAIL when asked for {name} {kind}",
                hint="see the log of the name server",
            )
        if rcode not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            raise DnsError(
                f"{self._where} answered {dns.rcode.to_text(rcode)} when asked for {name} {kind}",
                hint="see the log of the name server",
            )
        if not authoritative:
            raise self._not_auth(name)

    async def _update(self, message: dns.message.Message) -> tuple[dns.rcode.Rcode, float | None]:
        """Send an update; its rcode, and by how many seconds our clock is `ahead` of the server's."""
        if self._key is not None:
            message.use_tsig(tsig_key(self._key))
        try:
            wire = message.to_wire(max_size=MAX_MESSAGE)
        except dns.exception.TooBig:
            raise DnsError(
                "the update is over 64 KB, which one DNS message cannot hold",
                hint="lower `dns.settings.max_batch`",
            ) from None
        server = await self._address()
        answer = await send(wire, server, self.settings.port, self._clock, timeout=self.settings.timeout)
        rcode = read_answer(answer, message, self._key, self._where)
        return rcode, ahead(message, answer)

    async def _address(self) -> str:
        """Resolve the server's name once: reads and writes of a run meet the same server."""
        if not self._known_address:
            found = await addresses(self.settings.server)
            self._known_address = next(filter(has_route, found), found[0])
        return self._known_address

    def _not_auth(self, name: str) -> NotAuth:
        return NotAuth(
            f"{self._where} does not hold the zone of {name}, or does not answer this machine",
            hint=f"see `dig @{self.settings.server} -p {self.settings.port} +norecurse {name} SOA`; "
            "where views are chosen by key, set `signed_reads: true`",
        )


def _differences(
    wanted: Sequence[RecordSet | None], now: Sequence[RecordSet | None], questions: Sequence[Question]
) -> list[Difference]:
    return [
        Difference(name=name, type=kind, expected=expected, now=found)
        for (name, kind), expected, found in zip(questions, wanted, now, strict=True)
        if expected != found
    ]
