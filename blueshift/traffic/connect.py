"""One TCP connection, with TLS where asked, and the phase named in which it failed."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from blueshift.clock import Clock

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Failed(Exception):
    """A try ended without the answer. Data for a ledger row or a probe's result; never leaves `traffic`."""

    def __init__(self, phase: str, reason: str) -> None:
        super().__init__(f"{phase}: {reason}")
        self.phase = phase
        """"resolve", "connect", "tls", "write", "headers", "body", "upgrade", "session" or "check"."""
        self.reason = reason


class Target(NamedTuple):
    """Where a connection goes. `source` is the client's own address, "" for the machine's choice."""

    address: str
    port: int
    host: str
    tls: ssl.SSLContext | None
    source: str = ""
    proxy_protocol: bool = False


async def dial(
    target: Target, make: Callable[[], P], clock: Clock, timeout: float
) -> tuple[P, socket.socket]:
    """Connect within `timeout` seconds; return the protocol and its socket (for `closed_by_peer` only).

    Raises Failed in phase "connect" or "tls".
    """
    loop = asyncio.get_running_loop()
    # RFC 6066 §3: without the dot that ends a full name, which is in no certificate either; Host keeps it.
    name = target.host.removesuffix(".") if target.tls else None
    phase = "connect"
    ours: socket.socket | None = None  # as long as no transport has it, which closes it then
    try:
        async with clock.timeout(timeout):
            sock = ours = open_socket(target)
            await loop.sock_connect(sock, (target.address, target.port))
            if target.proxy_protocol:
                await loop.sock_sendall(sock, proxy_line(sock.getsockname(), sock.getpeername()))
            phase, ours = ("tls" if target.tls else phase), None
            _, protocol = await loop.create_connection(make, sock=sock, ssl=target.tls, server_hostname=name)
            return protocol, sock
    except (OSError, ValueError, EOFError) as error:
        raise Failed(phase, reason_of(error)) from error
    finally:
        if ours is not None:
            ours.close()


def open_socket(target: Target) -> socket.socket:
    """Return a non-blocking socket of the target's family. Raises ValueError if it is not an address."""
    try:
        version = ipaddress.ip_address(target.address).version
    except ValueError:
        raise ValueError(f"not an address: {target.address}") from None
    sock = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if target.source:
        sock.bind((target.source, 0))
    return sock


def proxy_line(client: tuple[Any, ...], server: tuple[Any, ...]) -> bytes:
    """Return the PROXY line, version 1, of a connection (haproxy's proxy-protocol.txt §2.1).

    `client` and `server` are socket addresses: an address and a port first.
    """
    family = "TCP6" if ":" in client[0] else "TCP4"
    return f"PROXY {family} {client[0]} {server[0]} {client[1]} {server[1]}\r\n".encode()


def closed_by_peer(sock: socket.socket) -> bool:
    """Tell whether a FIN or RST of the peer can be read now: the *peek* of DESIGN §7.

    A plain peek is not enough under TLS, where the alert `close_notify` stands before the FIN in the buffer;
    POLLRDHUP (Linux) looks behind it. Elsewhere only an empty buffer shows the FIN.
    """
    try:
        if sock.recv(1, socket.MSG_PEEK) == b"":
            return True
    except BlockingIOError:
        return False
    except OSError:
        return True
    ended = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR
    poll = select.poll()
    poll.register(sock, ended)
    return bool(poll.poll(0))


def reason_of(error: BaseException) -> str:
    """Say in a few words why a connection failed; short, since the ledger keeps each text once."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        # Some alerts have no name in Python, and their words alone: "[SSL] tlsv1 alert … (_ssl.c:1006)".
        words = error.reason or str(error.args[-1]).partition("] ")[2].rpartition(" (")[0]
        return (words or "tls error").lower().replace("_", " ")
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "reset"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    if isinstance(error, ValueError | EOFError) and str(error):
        return str(error)  # our own sentences
    return f"{type(error).__name__}: {error}"


def fingerprint(transport: asyncio.BaseTransport, stand_in: str = "") -> str:
    """Return the SHA-256 of the peer's certificate in hex, "" without TLS.

    For a certificate with the common name `stand_in`, that name: it is made anew by whoever shows it.
    """
    tls = transport.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls else None
    if der and stand_in and stand_in.encode() in der:
        return stand_in
    return hashlib.sha256(der).hexdigest() if der else ""


SYSTEM_CA = "system"
"""Instead of a PEM file: what the machine trusts."""


def trusting(ca: str = "", *, alpn: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """Return a TLS context that verifies against the PEM file `ca`, or against nothing if it is ""."""
    if ca:
        context = ssl.create_default_context(cafile=None if ca == SYSTEM_CA else ca)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context
