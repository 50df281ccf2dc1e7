"""How big a ledger gets: rows as a busy run writes them, through the writer that a run has."""

from __future__ import annotations

import heapq
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from blueshift.traffic.prober.ledger import LedgerWriter, Row

ROWS = 1_000_000
RATE = 2000.0
HOSTS, PERSONAS, STREAMS, ADDRESSES = 500, 20, 2000, 4
FAILED = 0.01
_KINDS = ("http1",) * 6 + ("http2",) * 3 + ("longpoll", "websocket")
_FAULTS = (
    ("connect", "refused"), ("connect", "timeout"), ("tls", "reset"), ("headers", "closed before the answer"),
    ("body", "closed within the answer"), ("check", "status 503"), ("session", "cut without a Close frame"),
)  # fmt: skip


class Written(NamedTuple):
    """What the rows took."""

    mb_per_10m: float
    """Of disk, for ten million."""
    us_per_row: float
    """Of the processor, making the row left out."""


def written(folder: Path, count: int = ROWS) -> Written:
    """Write them all: many hosts and personas, one in a hundred failed, ended in another order than begun."""
    path = folder / "rows"
    took = 0.0
    with LedgerWriter(path, "0badcafe", datetime(2026, 11, 29, tzinfo=UTC)) as ledger:
        for row in _ended(count):
            began = time.process_time_ns()
            ledger.add(row)
            took += time.process_time_ns() - began
    return Written(round(path.stat().st_size / count * 10, 1), round(took / count / 1e3, 1))


def _ended(count: int) -> Iterator[Row]:
    """Rows in the order of their ends, as they come to a ledger."""
    source = random.Random(13)  # a load, not a secret
    asked = [_asked(source, number) for number in range(STREAMS)]
    open_: list[tuple[float, int, Row]] = []
    for number in range(count):
        row = _row(source, number, asked)
        while open_ and open_[0][0] <= row.scheduled:
            yield heapq.heappop(open_)[2]
        heapq.heappush(open_, (row.end, number, row))
    yield from (heapq.heappop(open_)[2] for _ in range(len(open_)))


def _asked(source: random.Random, number: int) -> tuple[str, str, str, str, str]:
    host = source.randrange(HOSTS)
    persona = f"persona{source.randrange(PERSONAS)}"
    path = f"/shop/item/{number}"
    return source.choice(_KINDS), persona, f"app{host}.example.com", path, f"web{host}"


def _row(source: random.Random, number: int, asked: list[tuple[str, str, str, str, str]]) -> Row:
    scheduled = number / RATE
    begun = scheduled + source.expovariate(2000)
    sent = begun + source.expovariate(2000)
    first_byte = sent + source.lognormvariate(-4.5, 1.0)
    row = Row(
        number,
        *source.choice(asked),
        scheduled=scheduled,
        begun=begun,
        sent=sent,
        first_byte=first_byte,
        end=first_byte + source.expovariate(2000),
        status=200,
        address=f"192.0.2.{source.randrange(ADDRESSES)}",
        answered_by=source.choice(("v1", "v2")),
        reused=source.random() < 0.98,
    )
    if source.random() < FAILED:
        row.phase, row.reason = source.choice(_FAULTS)
        row.status = 503 if row.phase == "check" else 0
    return row
