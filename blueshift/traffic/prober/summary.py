"""The figures of a run as they are written at its end."""

from __future__ import annotations

import msgspec


class KindCount(msgspec.Struct):
    """One kind of traffic."""

    requests: int = 0
    failed: int = 0


class Failure(msgspec.Struct, frozen=True):
    """One failed request, for people."""

    at: float
    """Seconds after the start at which it was due."""
    ended: float
    kind: str
    phase: str
    reason: str
    host: str
    path: str
    address: str
    answered_by: str
    id: str


class Summary(msgspec.Struct, frozen=True):
    """The run in figures. Sessions of minutes stand in `long` only."""

    scheduled: int
    sent: int
    """On time."""
    requests: int
    """That ended, well or not."""
    failed: int
    stale_closed: int
    repeated: int
    unmatched: int
    """Ids that the ledger and the backends do not both have exactly once."""
    late_p99_ms: float
    max_gap_s: float
    """The longest time in which a host that was asked gave no answer."""
    void: bool
    void_reasons: tuple[str, ...]
    by_kind: dict[str, KindCount]
    long: KindCount
    backend_count: int
    """Requests that the backends have, those of `long` not counted."""
    long_backend_count: int
    answered_by: dict[str, int]
    by_phase: dict[str, int]
    failures: tuple[Failure, ...]
    """The first ones."""
    seconds: float
    """Of sending."""
