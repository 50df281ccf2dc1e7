"""One question to a recursive resolver, as a client asks it."""

from __future__ import annotations

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import msgspec

from blueshift.clock import Clock
from blueshift.dns.wire import NoAnswer, ask, question


class Answer(msgspec.Struct, frozen=True):
    """What a resolver said, aliases followed."""

    values: tuple[str, ...]
    """Sorted; empty if there is nothing of that type."""
    ttl: int
    """Seconds for which the whole chain of aliases holds; 0 where there is nothing."""
    rcode: str
    """"NOERROR", "NXDOMAIN", "SERVFAIL"…"""


async def query(
    server: str, port: int, name: str, rdtype: str, clock: Clock, *, timeout: float = 2.0
) -> Answer:
    """Ask `server` (an address) for `name` with recursion. Raises NoAnswer after `timeout` seconds."""
    try:
        async with clock.timeout(timeout):  # over UDP and, for a big answer, TCP together
            message = await ask(
                question(name, rdtype, recursive=True), server, port, timeout=timeout, tries=1
            )
    except TimeoutError as error:
        raise NoAnswer(f"{server} port {port}: no answer for {name} within {timeout:g} s") from error
    rcode = dns.rcode.to_text(message.rcode())
    if not isinstance(message, dns.message.QueryMessage) or message.rcode() != dns.rcode.NOERROR:
        return Answer(values=(), ttl=0, rcode=rcode)
    try:
        chain = message.resolve_chaining()
    except dns.exception.DNSException:  # a loop of aliases
        return Answer(values=(), ttl=0, rcode="SERVFAIL")
    if chain.answer is None:
        return Answer(values=(), ttl=0, rcode=rcode)
    values = tuple(sorted(rdata.to_text() for rdata in chain.answer))
    return Answer(values=values, ttl=int(chain.minimum_ttl), rcode=rcode)
