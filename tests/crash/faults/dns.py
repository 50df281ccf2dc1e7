"""A proxy in front of a name server that fails as name servers, secondaries and networks do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, cast

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TSIG
import dns.tsig
import msgspec

from tests.crash.faults.rules import Rules

Do = Literal[
    "timeout", "lost", "cut", "stale", "half", "other-id", "words", "web",
    "servfail", "refused", "notauth", "badkey", "badsig", "badtime",
]  # fmt: skip
_WORDS = b"220 mail.lab.test ESMTP ready\r\n"
_WEB = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html></html>"
_ANOTHER = {"timeout": None, "words": _WORDS, "web": _WEB}
_TSIG_ERROR = {"badsig": dns.rcode.BADSIG, "badkey": dns.rcode.BADKEY, "badtime": dns.rcode.BADTIME}
_RCODE = {"servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED, "notauth": dns.rcode.NOTAUTH}


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`timeout` passes nothing on and is silent (with a rule for everything, the server is down); `cut`
    closes; `lost` passes on and is silent; `stale` gives the first answer that this question ever got; `half`
    gives half of the answer and `other-id` that of another question; `words` is another protocol's server,
    and `web` one of HTTP, which has TCP alone. The rest answer as such a server does: signed with the key
    where the protocol signs."""

    do: Do
    verbs: tuple[Literal["query", "update"], ...] = ()
    match: str = ""
    """Searched for in `name TYPE` of the question (of an update: its zone)."""
    nth: int = 1
    times: int = 1
    ahead: int = 4000
    """`badtime`: seconds that the client's clock seems to be ahead."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which name server. The key, `name`, `algorithm` and `secret` (base64), signs errors of TSIG."""

    server: str
    port: int
    rules: tuple[Rule, ...] = ()
    listen: str = "127.0.0.1"
    listen_port: int = 0
    key: tuple[str, str, str] | None = None


@dataclass
class Proxy(Rules[Rule]):
    """The handle: where it listens."""

    address: str = "127.0.0.1"
    port: int = 0
    largest: int = 0
    """Bytes of the largest message that a client sent."""
    _upstream: tuple[str, int] = ("", 0)
    _key: dns.tsig.Key | None = None
    _first: dict[bytes, bytes] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def answered(self, wire: bytes, *, tcp: bool) -> bytes | None:
        """The answer to one message; None for silence. Raises ConnectionAbortedError to cut."""
        self.largest = max(self.largest, len(wire))
        message = dns.message.from_wire(wire, keyring=False, ignore_trailing=True)
        verb = "update" if message.opcode() == dns.opcode.UPDATE else "query"
        question = message.question[0]
        rule = self.meet(verb, f"{question.name} {dns.rdatatype.to_text(question.rdtype)}")
        do = rule.do if rule else "pass"
        if rule is None or do in {"lost", "stale", "half", "other-id"}:
            return await self._passed_on(wire, do, tcp=tcp)
        if do in _ANOTHER:
            return _ANOTHER[do] if tcp or do == "words" else None
        if do == "cut":
            raise ConnectionAbortedError
        if do in _RCODE:
            return _refused(message, wire, _RCODE[do], self._key)
        return _tsig_error(message, wire, rule, self._key)

    async def _passed_on(self, wire: bytes, do: str, *, tcp: bool) -> bytes | None:
        question = wire[4:]  # without id and flags
        if do == "stale" and question in self._first:
            return wire[:2] + self._first[question][2:]
        answer = await _exchange(wire, self._upstream, tcp=tcp)
        self._first.setdefault(question, answer)
        if do == "half":
            return answer[: len(answer) // 2]
        if do == "other-id":
            return bytes((answer[0] ^ 0xFF,)) + answer[1:]
        return None if do == "lost" else answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of TCP."""
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                while True:
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    answer = await self.answered(await reader.readexactly(length), tcp=True)
                    if answer is None:
                        continue
                    # Who speaks another protocol frames nothing.
                    framed = answer in _ANOTHER.values()
                    writer.write(answer if framed else len(answer).to_bytes(2, "big") + answer)
                    await writer.drain()
        finally:
            writer.transport.abort()

    def spawn(self, work: asyncio.Task[None]) -> None:
        """Keep a task until it ends."""
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """End what is under way."""
        for task in list(self._tasks):
            task.cancel()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        async def answer() -> None:
            with suppress(OSError):
                found = await self.proxy.answered(data, tcp=False)
                if found is not None:
                    self.transport.sendto(found, addr)

        self.proxy.spawn(asyncio.create_task(answer()))


@asynccontextmanager
async def fault(settings: Settings) -> AsyncIterator[Proxy]:
    """A proxy for UDP and TCP with its rules in force; more may be added while it runs."""
    proxy = Proxy(list(settings.rules), address=settings.listen)
    proxy._upstream = (settings.server, settings.port)
    if settings.key is not None:
        name, algorithm, secret = settings.key
        proxy._key = dns.tsig.Key(dns.name.from_text(name), secret, dns.name.from_text(algorithm))
    server = await asyncio.start_server(proxy.serve, settings.listen, settings.listen_port)
    proxy.port = server.sockets[0].getsockname()[1]
    datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(proxy), local_addr=(settings.listen, proxy.port)
    )
    try:
        yield proxy
    finally:
        server.close()
        datagrams.close()
        proxy.close()


async def _exchange(wire: bytes, to: tuple[str, int], *, tcp: bool) -> bytes:
    if tcp:
        reader, writer = await asyncio.open_connection(*to)
        try:
            writer.write(len(wire).to_bytes(2, "big") + wire)
            return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        finally:
            writer.close()
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()

    class Once(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            if not answer.done():
                answer.set_result(data)

    transport, _ = await loop.create_datagram_endpoint(Once, remote_addr=to)
    try:
        transport.sendto(wire)
        return await asyncio.wait_for(answer, 5)
    finally:
        transport.close()


def _refused(
    message: dns.message.Message, wire: bytes, rcode: dns.rcode.Rcode, key: dns.tsig.Key | None
) -> bytes:
    """An error as BIND gives it: signed where the question was."""
    if key is not None and message.had_tsig:
        message = dns.message.from_wire(wire, keyring={key.name: key}, ignore_trailing=True)
    else:
        message.tsig = None
    answer = dns.message.make_response(message)
    answer.set_rcode(rcode)
    return answer.to_wire(max_size=65535)


def _tsig_error(message: dns.message.Message, wire: bytes, rule: Rule, key: dns.tsig.Key | None) -> bytes:
    """RFC 8945 §5.2: BADKEY and BADSIG come unsigned; BADTIME is signed and holds the server's time."""
    if message.tsig is None:
        return _refused(message, wire, dns.rcode.REFUSED, key)
    if rule.do == "badtime":
        assert key is not None, "BADTIME is signed: give the fault the key"
        signed = dns.message.from_wire(wire, keyring={key.name: key}, ignore_trailing=True)
        answer = dns.message.make_response(signed)
        server = (int(time.time()) - rule.ahead).to_bytes(6, "big")
        answer.use_tsig(signed.keyring, key.name, 300, None, dns.rcode.BADTIME, server, key.algorithm)
        answer.set_rcode(dns.rcode.NOTAUTH)
        return answer.to_wire(max_size=65535)
    asked = message.tsig[0]
    assert isinstance(asked, dns.rdtypes.ANY.TSIG.TSIG)
    owner, message.tsig = message.tsig.name, None
    answer = dns.message.make_response(message)
    answer.set_rcode(dns.rcode.NOTAUTH)
    bare = answer.to_wire(max_size=65535)
    rdata = dns.rdtypes.ANY.TSIG.TSIG(  # type: ignore[no-untyped-call]
        dns.rdataclass.ANY,
        dns.rdatatype.TSIG,
        asked.algorithm,
        asked.time_signed,
        asked.fudge,
        b"",
        asked.original_id,
        _TSIG_ERROR[rule.do],
        b"",
    ).to_wire()
    assert rdata is not None
    head = dns.rdatatype.TSIG.to_bytes(2, "big") + dns.rdataclass.ANY.to_bytes(2, "big") + bytes(4)
    record = (owner.to_wire() or b"") + head + len(rdata).to_bytes(2, "big") + rdata
    additional = int.from_bytes(bare[10:12], "big") + 1
    return bare[:10] + additional.to_bytes(2, "big") + bare[12:] + record
