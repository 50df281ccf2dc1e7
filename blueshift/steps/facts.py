"""What steps learn and later steps read, by type, from the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from blueshift.discovery.world import NameFact
from blueshift.engine.state import SideName
from blueshift.traffic.judge import Observed, Verdict
from blueshift.traffic.sides import NOBODY, Answered
from blueshift.traffic.sketch import packed, unpacked

MOST_ROWS = 300
MOST_SKETCHES = 20
"""Of hosts that the journal has room for: some 50 bytes each, and some kilobytes with a sketch."""


class Snapshot(msgspec.Struct, frozen=True):
    """The primary before anything was changed; its release record is kept in `…-release`."""

    revision: int
    ready: int


class TtlLowered(msgspec.Struct, frozen=True):
    """The TTL that every moving name has while the run lasts, in seconds."""

    ttl: int


class TemporaryReady(msgspec.Struct, frozen=True):
    """The temporary release as it was installed."""

    release: str
    namespace: str
    namespace_uid: str
    """Empty when the namespace was there before the run: then it is not ours to delete."""
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    skip_routes: tuple[str, ...] = ()
    """What the playbook does not want asked, here and after each revision of the primary."""


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One host or upstream before any name moved; written small, as there may be hundreds."""

    target: str
    requests: int
    errors: int
    latency: tuple[int, ...] = ()
    """See `sketch.packed`; of the busiest alone."""
    turned: int | None = None
    """See `judge.Observed`; none in older journals."""

    def observed(self) -> Observed:
        """As it is judged."""
        # Without `turned` it is of an older version, which took the lengths of sessions for latencies.
        latency = unpacked(self.latency) if self.latency and self.turned is not None else None
        return Observed(self.requests, self.errors, latency, self.turned)


class Baseline(msgspec.Struct, frozen=True):
    """What the primary served before any name moved: what later verdicts compare with."""

    requests: int
    """By its counters."""
    errors: int
    """Answers of 500 and more."""
    seconds: float
    counted: tuple[Row, ...] = ()
    """The busiest hosts by the counters, with our own probes."""
    log: Row | None = None
    """All known targets by the access log; none where it tells nothing, as in older journals."""
    logged: tuple[Row, ...] = ()
    """The busiest targets by the access log."""

    @property
    def rate(self) -> float:
        """Requests per second; 0 when nothing was counted."""
        return self.requests / self.seconds if self.seconds else 0.0

    def by_counters(self) -> Answered:
        """As it is judged."""
        return Answered(Observed(self.requests, self.errors), _targets(self.counted))

    def by_log(self) -> Answered:
        """As it is judged."""
        return Answered(self.log.observed(), _targets(self.logged)) if self.log else NOBODY


def rows(targets: Mapping[str, Observed]) -> tuple[Row, ...]:
    """The busiest of them, the busiest first."""
    busiest = sorted(targets.items(), key=lambda item: (-item[1].requests, item[0]))[:MOST_ROWS]
    return tuple(row(name, one, latency=number < MOST_SKETCHES) for number, (name, one) in enumerate(busiest))


def row(name: str, one: Observed, *, latency: bool = True) -> Row:
    """One of them."""
    timed = latency and one.latency is not None and one.latency.count
    sketch = packed(one.latency) if timed and one.latency else ()
    return Row(name, one.requests, one.errors, sketch, one.turned)


def _targets(known: tuple[Row, ...]) -> dict[str, Observed]:
    return {one.target: one.observed() for one in known}


class WaveVerdict(msgspec.Struct, frozen=True):
    """What the logs of a side showed while one wave was watched; nothing hangs on it."""

    step: str
    verdict: Verdict


class WaveVerdicts(msgspec.Struct, frozen=True):
    """Of each wave, the latest last."""

    waves: tuple[WaveVerdict, ...] = ()


class Swapped(msgspec.Struct, frozen=True):
    """The latest shift: when *all* authoritative servers showed its last wave, and the TTL in force then."""

    to: SideName
    at: datetime
    ttl: int


class LateWave(msgspec.Struct, frozen=True):
    """Names that came to a side while it was drained, and that its drain took along."""

    step: str
    names: tuple[NameFact, ...]
    """With their records as they are at the primary."""


class Late(msgspec.Struct, frozen=True):
    """Every wave that was not planned, over the whole run."""

    waves: tuple[LateWave, ...] = ()


class FloorPrimary(msgspec.Struct, frozen=True):
    """What the primary's floor was raised to, and what stood before the run first raised it."""

    replicas: int
    before: int | None
    """The autoscaler's minimum; none had it no autoscaler."""
    replicas_before: int | None = None
    """The workload's own replicas."""


class Quiesced(msgspec.Struct, frozen=True):
    """The primary's revision whose connections end early."""

    revision: int


class Hardened(msgspec.Struct, frozen=True):
    """The primary's revision with graceful shutdown."""

    revision: int


class Upgraded(msgspec.Struct, frozen=True):
    """The primary's revision at the target."""

    revision: int
