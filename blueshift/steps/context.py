"""What every step is given: its id and the tools of the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from blueshift import events
from blueshift.clock import Clock
from blueshift.controllers.profile import Profile
from blueshift.discovery.names import Trail
from blueshift.discovery.world import NameFact, World
from blueshift.dns.backend import DnsBackend
from blueshift.engine.protocol import Record
from blueshift.engine.state import SideName
from blueshift.engine.store import Runs
from blueshift.shift.dns import Agreement
from blueshift.shift.protocol import Shifter, Target
from blueshift.steps.facts import Late, TemporaryReady, TtlLowered
from blueshift.steps.places import Places
from blueshift.steps.revisions import Revision, Revisions, temporary_facts

if TYPE_CHECKING:  # client libraries that a plan does not need
    from blueshift.cluster.api import KubeApi
    from blueshift.helm.client import Helm
    from blueshift.steps.follower import Follower
    from blueshift.steps.witness import Witness


@dataclass(frozen=True)
class Tools:
    """The services of one run, built by `app`."""

    run: str
    runs: Runs
    kube: KubeApi
    helm: Helm
    dns: DnsBackend
    profile: Profile
    shifter: Shifter
    agreement: Agreement
    witness: Witness
    followers: Mapping[SideName, Follower]
    revisions: Revisions
    clock: Clock
    world: World
    """The run's snapshot: frozen when the run was opened."""
    record: Record
    places: Places
    trails: Callable[[Sequence[str]], Awaitable[tuple[Trail, ...]]]
    """Follow hosts to their records, where those are written."""
    notice: Callable[[str, str], None]
    """Tell people a sentence from a step: (step id, sentence)."""
    seen: events.Relay
    """Tells those who draw and keep it what a step saw of the world."""
    skipped: tuple[str, ...] = ()
    """Ids of the checks that the run was opened without: frozen as well."""
    told: set[str] = field(default_factory=set)
    """Names of which people were told by this process that they are gone."""

    def late(self) -> Late:
        """The waves that were not planned."""
        return self.record.learnt(Late) or Late()

    def moving(self) -> tuple[NameFact, ...]:
        """The names that the run moves: those of the snapshot, then those that it took along later."""
        planned = self.world.moving()
        known = {name.name for name in planned}
        later = {name.name: name for wave in self.late().waves for name in wave.names}
        return (*planned, *(name for name in later.values() if name.name not in known))

    def proxied(self) -> frozenset[str]:
        """Hosts whose names pointed at a proxy or CDN when the run was opened."""
        return frozenset(host for name in self.world.names if name.state == "proxied" for host in name.hosts)

    def target(self, side: SideName) -> Target:
        """Where traffic of a side goes."""
        if side == "primary":
            service = self.world.service()
            return Target("primary", service.ipv4, service.ipv6)
        ready = self.record.fact(TemporaryReady)
        return Target("temporary", ready.ipv4, ready.ipv6)

    def release(self, side: SideName) -> tuple[str, str]:
        """(name, namespace) of a side's Helm release."""
        if side == "primary":
            return self.world.release.name, self.world.release.namespace
        return self.world.temporary_release, self.world.temporary_namespace

    def temporary(self, *, ready: int | None = None) -> Revision:
        """The temporary's revision, with as many pods as the primary had, or as `ready` says."""
        world = self.world
        return self.revisions.temporary(
            temporary_facts(
                self.run,
                (world.temporary_release, world.temporary_namespace),
                (world.release.name, world.release.namespace),
                self.revisions.running,
                world.service(),
                ready=world.workload.ready if ready is None else ready,
                watches=world.controller.watches,
            )
        )

    @property
    def ttl(self) -> int:
        """Seconds: no moving name has a higher TTL now. Where the run lowered none, they are as they were."""
        if lowered := self.record.learnt(TtlLowered):
            return lowered.ttl
        return max((record.ttl for name in self.moving() for record in name.records), default=0)


@dataclass(frozen=True)
class Here:
    """A step's own place in its run."""

    id: str
    tools: Tools

    def waited(self, key: str) -> float | None:
        """Seconds since a wait of this step began."""
        return self.tools.record.waited(self.id, key)

    def notice(self, sentence: str) -> None:
        """Tell people something that changes no decision."""
        self.tools.notice(self.id, sentence)

    def utc(self) -> datetime:
        """The corrected instant."""
        return self.tools.clock.utc()


def brief(names: Sequence[str], most: int = 3) -> str:
    """The first few of many names."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def pods_again(waited: float | None) -> float:
    """Seconds from one look at pods that come or go to the next, when so long was waited for them.

    Between 0.25 and 2 s: the end is noticed soon, and a rollout of many minutes costs few requests.
    """
    return min(2.0, max(0.25, (waited or 0.0) / 40))
