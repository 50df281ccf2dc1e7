"""What steps learn and later steps read, by type, from the journal."""

from __future__ import annotations

from datetime import datetime

import msgspec

from blueshift.discovery.world import NameFact
from blueshift.engine.state import SideName


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


class Baseline(msgspec.Struct, frozen=True):
    """What the primary served before any name moved: what later verdicts compare with."""

    requests: int
    errors: int
    """Answers of 500 and more."""
    seconds: float

    @property
    def rate(self) -> float:
        """Requests per second; 0 when nothing was counted."""
        return self.requests / self.seconds if self.seconds else 0.0


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


class Hardened(msgspec.Struct, frozen=True):
    """The primary's revision with graceful shutdown."""

    revision: int


class Upgraded(msgspec.Struct, frozen=True):
    """The primary's revision at the target."""

    revision: int
