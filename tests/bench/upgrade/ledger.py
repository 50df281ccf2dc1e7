"""What one run cost, counted from the rows of its raw ledger."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from blueshift.traffic.prober.ledger import Row

LONG = "websocket_long"
"""Sessions of minutes, which no controller outlives by itself: counted apart (issue 4)."""


class Count(msgspec.Struct, frozen=True):
    """The figures of one ledger."""

    requests: int = 0
    """That were sent and ended, sessions of minutes not among them."""
    failed: int = 0
    """Of these: without the right answer, for whatever reason."""
    wrong: int = 0
    """Of the failed: answered, but not as before: by another status, route, header, body or certificate."""
    stale_closed: int = 0
    """Pooled connections that a client found closed before it sent; it took another, and no user sees it."""
    cut_long: int = 0
    """Sessions of minutes that ended by nobody's wish: cut without a Close frame, or never opened."""
    long: int = 0
    """All sessions of minutes."""
    wrong_seconds: int = 0
    """Seconds of the run in which at least one wrong answer came."""
    by_kind: dict[str, dict[str, int]] = {}
    """Kind → phase → failed requests."""
    before: int = 0
    """Of the failed: those that ended before the tool was started. Must be 0."""


def counted(rows: Iterable[Row], began: float) -> Count:
    """Count them; `began` is when the tool was started, in seconds after the ledger's own start."""
    requests = failed = wrong = stale = cut = long = before = 0
    seconds: set[int] = set()
    by_kind: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.begun < 0:
            continue  # never sent: the generator's own fault, which voids the run
        if row.kind == LONG:
            long += 1
            cut += row.failed
            continue
        requests += 1
        stale += row.stale_closed
        if not row.failed:
            continue
        failed += 1
        before += row.end < began
        phases = by_kind.setdefault(row.kind, {})
        phases[row.phase] = phases.get(row.phase, 0) + 1
        if _wrong(row):
            wrong += 1
            seconds.add(int(row.end))
    return Count(
        requests=requests,
        failed=failed,
        wrong=wrong,
        stale_closed=stale,
        cut_long=cut,
        long=long,
        wrong_seconds=len(seconds),
        by_kind={kind: dict(sorted(phases.items())) for kind, phases in sorted(by_kind.items())},
        before=before,
    )


def _wrong(row: Row) -> bool:
    """Also where there is no answer, because a host that was dropped shows the controller's certificate."""
    return row.phase == "check" or (row.phase == "tls" and row.reason.startswith("certificate"))
