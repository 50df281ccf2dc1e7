"""What `blueshift probe` is to ask: URLs, a rate and names, as a plan of the generator."""

from __future__ import annotations

import asyncio
import math
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from blueshift import __version__
from blueshift.errors import BlueshiftError
from blueshift.traffic.connect import trusting
from blueshift.traffic.logs import PROBE_AGENT
from blueshift.traffic.prober.names import Resolve, Resolved
from blueshift.traffic.prober.plan import Kind, Persona, Plan, Protocol, Route, Stream

Family = Literal[4, 6]
LOOK_UP_EVERY = 5.0
"""Seconds for which an address is kept: the system's resolver tells no TTL."""
HOLD = 30.0
"""Seconds for which a session is held if nothing else is asked for."""
CONNECT = 5.0
"""Seconds at most for a connection with its TLS, and for the wait for one of the `CONNECTIONS`."""
CONNECTIONS = 256
"""To one host at once: slow answers must not hold the rate up."""
_FAMILIES: Mapping[Family, int] = {4: socket.AF_INET, 6: socket.AF_INET6}
_TLS: Mapping[str, bool] = {"https": True, "http": False, "wss": True, "ws": False}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_NONE = {socket.EAI_NONAME, *(getattr(socket, name, 0) for name in ("EAI_NODATA", "EAI_ADDRFAMILY"))}
"""What a resolver says of a name that is not there, or has no address of that family."""
_ADDRESS = "`--address HOST=ADDRESS` asks an address whatever DNS says"
_HINT = "https://, http://, wss:// or ws://HOST/PATH, with :PORT where it is another than 443 or 80"


class Asked(msgspec.Struct, frozen=True):
    """What to ask, and how."""

    urls: tuple[str, ...]
    rate: float
    """Requests, and sessions of WebSockets that are begun, per second over all URLs."""
    seconds: float
    protocol: Literal["http1", "http2"] = "http1"
    families: tuple[Family, ...] = (4, 6)
    status: int = 200
    """The right answer's."""
    ca: str = ""
    """See `Plan.ca`."""
    pinned: Mapping[str, tuple[str, ...]] = {}
    """Host → its addresses; all others are looked up."""
    timeout: float = 10.0
    """Seconds without the whole answer after which a request has failed; of a session, without a Pong. A
    connection, with its TLS, has no longer either."""
    wait: float = 0.0
    """Seconds that the answer of a long poll takes: an earlier one is a failure; `timeout` begins then."""
    hold: float | None = None
    """Seconds for which a session of a WebSocket is held, `HOLD` where none are given."""
    subprotocol: str = ""
    """What the sessions of WebSockets offer to speak (RFC 6455 §1.9); "": nothing."""


async def plan_of(asked: Asked) -> Plan:
    """The rate spread evenly over the URLs and the families in which their hosts have an address.

    Each URL is asked by a client of its own in each family, whose name is the URL's number and the family.
    """
    _check_ca(asked.ca)
    if asked.wait and all(is_websocket(url) for url in asked.urls):
        raise BlueshiftError(
            "a WebSocket has no answer to wait for",
            place="--wait",
            hint="`--hold T` says how long a session is held; https:// and http:// URLs are polled",
        )
    sockets = any(is_websocket(url) for url in asked.urls)
    if asked.hold is not None and not sockets:
        raise BlueshiftError(
            "there is no WebSocket to hold",
            place="--hold",
            hint="wss:// and ws:// URLs are WebSockets; `--wait T` is for long polls",
        )
    if asked.subprotocol and not (sockets and _TOKEN.fullmatch(asked.subprotocol)):
        raise BlueshiftError(
            f"{asked.subprotocol!r} is no subprotocol's name" if sockets else "there is no WebSocket to ask",
            place="--subprotocol",
            hint="`--subprotocol graphql-transport-ws` beside a wss:// or ws:// URL",
        )
    hold = HOLD if asked.hold is None else asked.hold
    hosts = {_split(url).hostname for url in asked.urls}
    if stray := sorted(asked.pinned.keys() - hosts):
        raise BlueshiftError(
            f"no URL asks {stray[0]}, for which an address was given",
            place=f"--address {stray[0]}=…",
            hint=f"asked are {', '.join(sorted(filter(None, hosts)))}",
        )
    known = await _look_up(asked)
    personas: list[Persona] = []
    streams: list[Stream] = []
    for number, url in enumerate(asked.urls):
        route = _route(url, asked)
        found = _families(url, {family: known[route.host, family] for family in asked.families})
        for family in found:
            rate = asked.rate / len(asked.urls) / len(found)
            name, protocol = f"{number}/ipv{family}", _protocol(url, asked)
            # A poll has its connection for as long as it waits.
            most = CONNECTIONS + math.ceil(rate * route.wait)
            personas.append(Persona(name, protocol, family, most_connections=most))
            kind: Kind = "longpoll" if route.wait else protocol
            streams.append(Stream(kind, name, route, rate, hold=(hold, hold)))
    return Plan(
        tuple(personas),
        tuple(streams),
        asked.seconds,
        ca=asked.ca,
        connect_timeout=min(CONNECT, asked.timeout),
        answer_timeout=asked.timeout,
        agent=f"{PROBE_AGENT}{__version__}",
    )


async def _look_up(asked: Asked) -> dict[tuple[str, Family], tuple[str, ...] | BaseException]:
    """Addresses of every host, asked for at once: one after the other, a slow resolver delays many."""
    hosts = dict.fromkeys(_split(url).hostname or "" for url in asked.urls)
    pairs = [(host, family) for host in hosts for family in asked.families]
    asking = (_addresses(host, family, asked.pinned) for host, family in pairs)
    return dict(zip(pairs, await asyncio.gather(*asking, return_exceptions=True), strict=True))


def _families(url: str, found: Mapping[Family, tuple[str, ...] | BaseException]) -> list[Family]:
    """In which a host has an address. Raises BlueshiftError, the resolver's own, if there is none."""
    if there := [family for family, one in found.items() if one and not isinstance(one, BaseException)]:
        return there
    for one in found.values():
        if isinstance(one, BaseException):
            raise one
    kinds = " or ".join(f"IPv{family}" for family in found)
    raise BlueshiftError(
        f"{_split(url).hostname} has no {kinds} address",
        place=url,
        hint=_ADDRESS + ("" if len(found) > 1 else "; `--family both` takes the family that there is"),
    )


def _check_ca(ca: str) -> None:
    try:
        trusting(ca)
    except (ssl.SSLError, OSError) as error:
        raise BlueshiftError(
            "the file holds no certificate",
            place=ca,
            hint="--ca takes a PEM file: -----BEGIN CERTIFICATE----- …",
        ) from error


def _protocol(url: str, asked: Asked) -> Protocol:
    return "websocket" if is_websocket(url) else asked.protocol


def is_websocket(url: str) -> bool:
    """Tell whether a URL is asked as one. Raises BlueshiftError for what is no URL that can be asked."""
    return _split(url).scheme in ("wss", "ws")


def _route(url: str, asked: Asked) -> Route:
    parts = _split(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    held = is_websocket(url)
    spoken = {"Sec-WebSocket-Protocol": asked.subprotocol} if held and asked.subprotocol else {}
    return Route(
        parts.hostname or "",
        path,
        tls=_TLS[parts.scheme],
        port=parts.port or 0,
        status=asked.status,
        wait=0.0 if held else asked.wait,
        headers=spoken,
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in _TLS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if sound and not url.isascii():
        raise BlueshiftError(
            "a URL is asked as it is sent, which is ASCII",
            place=url,
            hint="names of hosts with other letters as xn--…, such letters of a path as %C3%BC",
        )
    if not sound or any(char.isspace() for char in url):
        raise BlueshiftError("this is no URL that can be asked", place=url, hint=_HINT)
    if parts.username or parts.password:
        raise BlueshiftError(
            "a URL with a name or a password is not asked: it would stand in the ledger",
            place=f"{parts.scheme}://…@{parts.hostname}",
            hint=_HINT,
        )
    return parts


def resolver(asked: Asked) -> Resolve:
    """Look hosts up by the system's resolver, but those that have an address given."""

    async def resolve(host: str, family: int) -> Resolved:
        return Resolved(await _addresses(host, 6 if family == 6 else 4, asked.pinned), LOOK_UP_EVERY)

    return resolve


async def _addresses(host: str, family: Family, pinned: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if host in pinned:
        return tuple(one for one in pinned[host] if (":" in one) == (family == 6))
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=_FAMILIES[family], type=socket.SOCK_STREAM)
    except UnicodeError:
        return ()
    except socket.gaierror as error:
        if error.errno in _NONE:
            return ()
        raise BlueshiftError(
            f"{host} cannot be looked up: {str(error.strerror).lower()}",
            hint=f"does this machine's resolver answer? {_ADDRESS}",
        ) from error
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
