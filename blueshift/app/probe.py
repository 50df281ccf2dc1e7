"""Ask URLs at a fixed rate, whatever becomes of the answers: the prober as a tool of its own."""

from __future__ import annotations

import asyncio
import gc
import math
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.traffic.connect import trusting
from blueshift.traffic.prober.count import Counter
from blueshift.traffic.prober.ledger import LedgerWriter, Row, read_ledger
from blueshift.traffic.prober.names import Resolve, Resolved
from blueshift.traffic.prober.plan import Persona, Plan, Route, Stream
from blueshift.traffic.prober.run import Run
from blueshift.traffic.prober.summary import Summary
from blueshift.traffic.sketch import Milliseconds, Sketch, milliseconds

Family = Literal[4, 6]
LOOK_UP_EVERY = 5.0
"""Seconds for which an address is kept: the system's resolver tells no TTL."""
CONNECTIONS = 256
"""To one host at once: slow answers must not hold the rate up."""
_FAMILIES: Mapping[Family, int] = {4: socket.AF_INET, 6: socket.AF_INET6}
_HINT = "https://HOST/PATH or http://HOST/PATH, with :PORT where it is another than 443 or 80"


class Asked(msgspec.Struct, frozen=True):
    """What to ask, and how."""

    urls: tuple[str, ...]
    rate: float
    """Requests per second over all URLs."""
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
    """Seconds without the whole answer after which a request has failed."""


class Target(msgspec.Struct, frozen=True):
    """One URL."""

    url: str
    requests: int
    failed: int
    statuses: dict[str, int]
    addresses: dict[str, int]
    """Requests by the address that was asked."""
    ms: Milliseconds | None
    """From when a request was due to the end of its answer, right or wrong; None without any."""


class Probed(msgspec.Struct, frozen=True):
    """What it came to. Programs read it: fields come to it, and none goes or changes."""

    targets: tuple[Target, ...]
    summary: Summary

    @property
    def sound(self) -> bool:
        """Nothing failed, and the rate was held."""
        return not (self.summary.failed or self.summary.void)


Report = Callable[[float, Counter], None]


async def probe(asked: Asked, ledger: Path, clock: Clock, report: Report, stopping: asyncio.Event) -> Probed:
    """Send until the time is over or `stopping` is set; every request is a row of `ledger`.

    Raises BlueshiftError for what is no URL, a host without an address, and a file that cannot be written.
    """
    plan = await plan_of(asked)
    name = secrets.token_hex(4)
    with _opened(ledger, name, clock) as writer:
        run = Run(plan, name, _resolver(asked), clock, writer, report=report)
        watching = asyncio.create_task(_until(stopping, run.stop))
        # Nothing that exists now goes away before the end; looking through it would only delay requests.
        gc.collect()
        gc.freeze()
        try:
            counter = await run.go()
        finally:
            watching.cancel()
    # There are no backends to compare with, and a slow answer of somebody's service is a fact, not a doubt.
    summary = counter.summary(run.seconds, (), (), longest_gap=math.inf)
    return Probed(tuple(_targets(asked.urls, ledger)), summary)


async def plan_of(asked: Asked) -> Plan:
    """The rate spread evenly over the URLs and the families in which their hosts have an address.

    Each URL is asked by a client of its own in each family, whose name is the URL's number and the family.
    """
    _check_ca(asked.ca)
    hosts = {_split(url).hostname for url in asked.urls}
    if stray := sorted(asked.pinned.keys() - hosts):
        raise BlueshiftError(
            f"no URL asks {stray[0]}, for which an address was given",
            place=f"--address {stray[0]}=…",
            hint=f"asked are {', '.join(sorted(filter(None, hosts)))}",
        )
    personas: list[Persona] = []
    streams: list[Stream] = []
    for number, url in enumerate(asked.urls):
        route = _route(url, asked)
        found = [family for family in asked.families if await _addresses(route.host, family, asked.pinned)]
        if not found:
            kinds = " or ".join(f"IPv{family}" for family in asked.families)
            raise BlueshiftError(
                f"{route.host} has no {kinds} address",
                place=url,
                hint="`--address HOST=ADDRESS` asks an address whatever DNS says",
            )
        for family in found:
            one = Persona(f"{number}/ipv{family}", asked.protocol, family, most_connections=CONNECTIONS)
            personas.append(one)
            streams.append(Stream(asked.protocol, one.name, route, asked.rate / len(asked.urls) / len(found)))
    return Plan(tuple(personas), tuple(streams), asked.seconds, ca=asked.ca, answer_timeout=asked.timeout)


def _check_ca(ca: str) -> None:
    try:
        trusting(ca)
    except (ssl.SSLError, OSError) as error:
        raise BlueshiftError(
            "the file holds no certificate",
            place=ca,
            hint="--ca takes a PEM file: -----BEGIN CERTIFICATE----- …",
        ) from error


def _opened(ledger: Path, name: str, clock: Clock) -> LedgerWriter:
    if ledger.exists():
        raise BlueshiftError(
            "there is such a file already, and it is not overwritten",
            place=str(ledger),
            hint="`--ledger FILE` takes a file that is not there yet",
        )
    try:
        return LedgerWriter(ledger, name, clock.utc())
    except OSError as error:
        raise BlueshiftError(
            f"the ledger cannot be written: {error.strerror}",
            place=str(ledger),
            hint="`--ledger FILE` takes a file in a folder that is there",
        ) from error


def _route(url: str, asked: Asked) -> Route:
    parts = _split(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host, port = parts.hostname or "", parts.port or 0
    return Route(host, path, tls=parts.scheme == "https", port=port, status=asked.status)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or any(char.isspace() for char in url):
        raise BlueshiftError("this is no URL that can be asked", place=url, hint=_HINT)
    if parts.username or parts.password:
        raise BlueshiftError(
            "a URL with a name or a password is not asked: it would stand in the ledger",
            place=f"{parts.scheme}://…@{parts.hostname}",
            hint=_HINT,
        )
    return parts


def _resolver(asked: Asked) -> Resolve:
    async def resolve(host: str, family: int) -> Resolved:
        return Resolved(await _addresses(host, 6 if family == 6 else 4, asked.pinned), LOOK_UP_EVERY)

    return resolve


async def _addresses(host: str, family: Family, pinned: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if host in pinned:
        return tuple(one for one in pinned[host] if (":" in one) == (family == 6))
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, family=_FAMILIES[family], type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def _until(stopping: asyncio.Event, stop: Callable[[], None]) -> None:
    await stopping.wait()
    stop()


class _Seen(msgspec.Struct):
    requests: int = 0
    failed: int = 0
    statuses: dict[str, int] = msgspec.field(default_factory=dict)
    addresses: dict[str, int] = msgspec.field(default_factory=dict)
    took: Sketch = msgspec.field(default_factory=Sketch)

    def add(self, row: Row) -> None:
        self.requests += 1
        self.failed += row.failed
        if row.address:
            self.addresses[row.address] = self.addresses.get(row.address, 0) + 1
        if row.status:
            self.statuses[str(row.status)] = self.statuses.get(str(row.status), 0) + 1
            self.took.add(max(0.0, row.end - row.scheduled))


def _targets(urls: Sequence[str], ledger: Path) -> Iterator[Target]:
    """What the ledger says of each URL."""
    seen = [_Seen() for _ in urls]
    for row in read_ledger(ledger):
        seen[int(row.persona.partition("/")[0])].add(row)
    for url, one in zip(urls, seen, strict=True):
        yield Target(url, one.requests, one.failed, one.statuses, one.addresses, milliseconds(one.took))
