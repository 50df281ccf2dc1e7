"""What a way of moving traffic must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

import msgspec

from blueshift.discovery.world import NameFact, World
from blueshift.dns.records import RecordSet
from blueshift.engine.protocol import Effect
from blueshift.engine.state import SideName


class Target(msgspec.Struct, frozen=True):
    """A side as traffic reaches it."""

    side: SideName
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """All its addresses."""
        return self.ipv4 + self.ipv6


class Landed(msgspec.Struct, frozen=True):
    """What the authority says of a move: read, never assumed."""

    done: bool
    sentence: str
    unknown: tuple[str, ...] = ()
    """Servers that did not answer."""


class Shifter(Protocol):
    """Moves names between two sides."""

    name: ClassVar[str]

    def can(self, world: World) -> str | None:
        """Why it cannot move this World's names, or None."""

    async def effects(
        self, names: Sequence[NameFact], source: Target, to: Target, ttl: int
    ) -> Sequence[Effect]:
        """The swaps that bring `names` from `source` to `to`, through the one fenced loop."""

    async def landed(self, names: Sequence[NameFact], to: Target, ttl: int, every: float) -> Landed:
        """Whether every authoritative server answers with `to` for every name, `every` seconds apart."""


def desired(name: NameFact, to: Target, ttl: int) -> tuple[RecordSet, ...]:
    """The record sets of `name` when it points at `to`, of the same types as it has today.

    Their TTL is `ttl`, or what it was where that is lower: a run never raises one.

    Going to the primary restores the values that stood before the run, which may be more than its
    Service's addresses.
    """
    return tuple(
        RecordSet(name.name, record.type, min(ttl, record.ttl), _values(record, to))
        for record in name.records
    )


def _values(before: RecordSet, to: Target) -> tuple[str, ...]:
    if to.side == "primary":
        return before.values
    return to.ipv4 if before.type == "A" else to.ipv6
