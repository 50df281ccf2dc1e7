"""Ask URLs at a fixed rate, whatever becomes of the answers: the prober as a tool of its own."""

from __future__ import annotations

import asyncio
import gc
import math
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path

import msgspec

from blueshift.app.asked import Asked, plan_of, resolver
from blueshift.app.overhead import Meter, Overhead
from blueshift.app.remarks import remarks_on
from blueshift.clock import Clock
from blueshift.errors import BlueshiftError
from blueshift.traffic.prober.client import tls_of
from blueshift.traffic.prober.count import Counter
from blueshift.traffic.prober.ledger import LedgerWriter, Row, read_ledger, started_of
from blueshift.traffic.prober.run import Run
from blueshift.traffic.prober.summary import Summary
from blueshift.traffic.sketch import Milliseconds, Sketch, milliseconds


class Target(msgspec.Struct, frozen=True):
    """One URL."""

    url: str
    requests: int
    failed: int
    statuses: dict[str, int]
    addresses: dict[str, int]
    """Requests by the address that was asked."""
    ms: Milliseconds | None
    """From when a request was due to the end of its answer, right or wrong; of a WebSocket, to the answer
    with which its session began. None without any."""
    stale_closed: int
    """Kept connections that the server had closed when a request was to go over them: no failure."""


class Probed(msgspec.Struct, frozen=True):
    """What it came to. Programs read it: fields come to it, and none goes or changes."""

    targets: tuple[Target, ...]
    summary: Summary
    began: datetime
    """The instant, in UTC, from which the moments of `summary` count."""
    own: Overhead
    unwritten: str = ""
    """Why the ledger could not be written, at which the sending ended; the figures are those up to then."""
    remarks: tuple[str, ...] = ()
    """What is no failure and worth knowing, and what an option would change."""

    @property
    def sound(self) -> bool:
        """Nothing failed, the rate was held, and every request has its row."""
        return not (self.summary.failed or self.summary.void or self.unwritten)


Report = Callable[[float, Counter], None]


async def probe(asked: Asked, ledger: Path, clock: Clock, report: Report, stopping: asyncio.Event) -> Probed:
    """Send until the time is over or `stopping` is set; every request is a row of `ledger`.

    Raises BlueshiftError for what is no URL, a host without an address, and a file that cannot be written.
    """
    plan = await plan_of(asked)
    name = secrets.token_hex(4)
    tls = tls_of(plan)
    # Nothing that exists now goes away before the end; looking through it would only delay requests.
    gc.collect()
    with _opened(ledger, name, clock) as writer:
        run = Run(plan, tls, name, resolver(asked), clock, writer, report=report)
        watching = asyncio.create_task(_until(stopping, run.stop))
        gc.freeze()
        meter = Meter(clock)
        try:
            counter = await run.go()
        finally:
            watching.cancel()
    own = meter.read(counter.requests + counter.long.requests)
    rows = chain(read_ledger(ledger), writer.unwritten())
    unwritten = run.fault.message if run.fault else ""
    return found(asked, rows, counter, run.seconds, started_of(ledger), own, unwritten)


def found(
    asked: Asked,
    rows: Iterable[Row],
    counter: Counter,
    seconds: float,
    began: datetime,
    own: Overhead,
    unwritten: str = "",
) -> Probed:
    """What rows and counter of `seconds` of sending come to.

    There are no backends to compare with. A slow answer of somebody's service is a fact and no doubt, and so
    are connections that it ends when they are idle, as every server does after a time of its own.
    """
    summary = counter.summary(seconds, (), (), longest_gap=math.inf, most_stale=math.inf)
    targets = tuple(_targets(asked.urls, rows))
    remarks = remarks_on(asked, targets, summary)
    return Probed(targets, summary, began, own, unwritten, remarks)


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


async def _until(stopping: asyncio.Event, stop: Callable[[], None]) -> None:
    await stopping.wait()
    stop()


class _Seen(msgspec.Struct):
    requests: int = 0
    failed: int = 0
    stale_closed: int = 0
    statuses: dict[str, int] = msgspec.field(default_factory=dict)
    addresses: dict[str, int] = msgspec.field(default_factory=dict)
    took: Sketch = msgspec.field(default_factory=Sketch)

    def add(self, row: Row) -> None:
        self.requests += 1
        self.failed += row.failed
        self.stale_closed += row.stale_closed
        if row.address:
            self.addresses[row.address] = self.addresses.get(row.address, 0) + 1
        if row.status:
            self.statuses[str(row.status)] = self.statuses.get(str(row.status), 0) + 1
            answered = row.first_byte if row.kind == "websocket" else row.end
            self.took.add(max(0.0, answered - row.scheduled))


def _targets(urls: Sequence[str], rows: Iterable[Row]) -> Iterator[Target]:
    """What the rows say of each URL. A request that this machine never came to is none of the URL's."""
    seen = [_Seen() for _ in urls]
    for row in rows:
        if row.begun >= 0:
            seen[int(row.persona.partition("/")[0])].add(row)
    for url, one in zip(urls, seen, strict=True):
        yield Target(
            url,
            one.requests,
            one.failed,
            one.statuses,
            one.addresses,
            milliseconds(one.took),
            one.stale_closed,
        )
