"""Traffic follows DNS: records are swapped at the authority, A and AAAA of a name together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from blueshift.discovery.world import NameFact, World
from blueshift.dns.backend import DnsBackend
from blueshift.dns.records import Change, RecordSet
from blueshift.engine.protocol import Effect
from blueshift.shift.protocol import Landed, Target, desired
from blueshift.shift.swap import swaps

Agreement = Callable[[Sequence[RecordSet], float], Awaitable[Landed]]
"""Asks every authoritative server for these record sets, in rounds so many seconds apart."""


class DnsShifter:
    """Moves names by compare-and-swap on their exact old answer."""

    name: ClassVar[str] = "dns"

    def __init__(self, backend: DnsBackend, agreement: Agreement, notice: Callable[[str], None]) -> None:
        self._backend = backend
        self._agreement = agreement
        self._notice = notice

    def can(self, world: World) -> str | None:
        """See Shifter."""
        if not world.moving():
            return "no DNS name of this controller's hosts points at its addresses"
        hostnames = [service.hostname for service in world.services if service.hostname]
        if hostnames:
            return f"the load balancer is known by a name ({hostnames[0]}) and not by addresses"
        return None

    async def effects(
        self, names: Sequence[NameFact], source: Target, to: Target, ttl: int
    ) -> Sequence[Effect]:
        """See Shifter."""
        changes = [
            Change(before.name, before.type, before, after)
            for name in names
            for before, after in zip(desired(name, source, ttl), desired(name, to, ttl), strict=True)
        ]
        return await swaps(self._backend, f"point at the {to.side}", changes, self._notice, key=f"{to.side}:")

    async def landed(self, names: Sequence[NameFact], to: Target, ttl: int, every: float) -> Landed:
        """See Shifter."""
        return await self._agreement([record for name in names for record in desired(name, to, ttl)], every)
