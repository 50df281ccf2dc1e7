"""Sending one DNS message and reading its answer, over UDP or TCP, with failures told apart."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.tsig

from blueshift.clock import Clock
from blueshift.errors import Ambiguous, Retryable

MAX_MESSAGE = 65535
"""Bytes of a message over TCP (RFC 1035 §4.2.2)."""


class NoAnswer(Retryable):
    """A question got no usable answer."""


def question(name: str, rdtype: str, *, recursive: bool) -> dns.message.QueryMessage:
    """Return a query; EDNS with 1232 bytes, so that answers are not cut by the path (DNS Flag Day 2020)."""
    query = dns.message.make_query(dns.name.from_text(name), rdtype, use_edns=0, payload=1232)
    if not recursive:
        query.flags &= ~dns.flags.RD
    return query


async def ask(
    query: dns.message.Message, address: str, port: int, *, timeout: float = 2.0, tries: int = 2
) -> dns.message.Message:
    """Ask over UDP, and over TCP where the answer is too big; `timeout` in seconds for each try.

    Raises NoAnswer, and dnspython's TSIG errors if the query is signed.
    """
    reason = ""
    for _ in range(tries):
        try:
            # By our own deadline: dnspython's is asyncio.wait_for, which up to Python 3.11 may swallow a
            # cancellation (cpython issue 86296): a service that was ended lived on, and its run never ended.
            async with asyncio.timeout(timeout):  # noqa: TID251  # a socket's deadline
                answer, _tcp = await dns.asyncquery.udp_with_fallback(
                    query, address, port=port, ignore_unexpected=True
                )
        except TimeoutError:
            reason = f"no answer within {timeout:g} s, asked {tries} times"
        except (OSError, EOFError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or "the connection was closed"
        except dns.tsig.PeerError:
            raise
        except dns.exception.DNSException as error:
            reason = f"an answer that cannot be read, or whose signature does not hold ({error})"
        else:
            return answer
    raise NoAnswer(f"{address} port {port}: {reason}", hint=f"try `dig @{address} -p {port} . SOA`")


async def send(wire: bytes, address: str, port: int, clock: Clock, *, timeout: float) -> bytes:
    """Send a write over TCP and return the answer's bytes; `timeout` in seconds for all of it.

    TCP for every write, also a small one: a connection that was refused proves that nothing was sent, which a
    lost datagram does not. Raises Retryable if nothing was sent, Ambiguous if no answer came.
    """
    where = f"{address} port {port}"
    sent = False
    writer: asyncio.StreamWriter | None = None
    try:
        async with clock.timeout(timeout):
            reader, writer = await asyncio.open_connection(address, port)
            sent = True
            writer.write(len(wire).to_bytes(2, "big") + wire)
            await writer.drain()
            length = int.from_bytes(await reader.readexactly(2), "big")
            return await reader.readexactly(length)
    except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        reason = getattr(error, "strerror", None) or (
            f"nothing within {timeout:g} s"
            if isinstance(error, TimeoutError)
            else "the connection was closed"
        )
        if sent:
            raise Ambiguous(
                f"no answer to the update from {where} ({reason})",
                hint="it may have landed: read the records before anything is repeated",
            ) from error
        raise Retryable(
            f"{where} cannot be reached ({reason}); nothing was sent", after=5.0, hint=f"try `nc -z {where}`"
        ) from error
    finally:
        if writer is not None:
            writer.close()


_HOST = re.compile(r"[\w.:%-]+")


def endpoint(text: str, *, default_port: int = 53) -> tuple[str, int]:
    """Read "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:53" or a host name alike.

    Raises ValueError for a port that is none.
    """
    host, port = text.strip(), ""
    if host.startswith("["):
        host, _, port = host[1:].partition("]")
        port = port.removeprefix(":")
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    number = int(port) if port.isdecimal() else (default_port if not port else 0)
    if not _HOST.fullmatch(host) or not 0 < number < 65536:
        raise ValueError(f"expected an address or a name, with :port if it is not {default_port}: {text!r}")
    return host, number


async def addresses(host: str) -> tuple[str, ...]:
    """Return the addresses of a host as this machine resolves it, or the address given. Raises NoAnswer."""
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no host name"
        hint = "give its address, or mend the name"
        raise NoAnswer(f"the host {host} has no address ({reason})", hint=hint) from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def has_route(address: str) -> bool:
    """Tell whether this machine has a route to `address`; sends nothing (a UDP connect only looks it up)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True
