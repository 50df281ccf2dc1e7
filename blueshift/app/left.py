"""What is told of who is left at a side, and what a run's journal knows of it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from blueshift.engine.evidence import Watched
from blueshift.engine.journal import Journal
from blueshift.engine.state import OTHER, SideName
from blueshift.playbook.schema import Playbook
from blueshift.steps.drain import DrainSettings, with_late
from blueshift.steps.facts import Baseline, Late, Swapped
from blueshift.steps.live import LATE
from blueshift.traffic.drain import DrainRules, Remains
from blueshift.traffic.witnesses import Coverage


class Client(msgspec.Struct, frozen=True):
    """Somebody who came within the window, or has connections that stay."""

    client: str
    """Address; empty where no witness names it."""
    target: str
    """Host, or `namespace-service-port` where the log has no host; the pod, of connections."""
    requests: int
    last: datetime
    why: str
    connections: int = 0
    """That are open now and stay."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """One side, once."""

    side: SideName
    release: str
    """`namespace/name`."""
    at: datetime
    judged: Literal["drained", "remaining", "unknown", "absent"]
    reason: str
    run: str = ""
    moved: datetime | None = None
    """When traffic left it, by the run's journal."""
    window_s: float = 0.0
    clients: tuple[Client, ...] = ()
    """Those of known hosts, the busiest first; then those who have connections."""
    connections: dict[str, int | None] = {}
    """By pod, open ones of others than us; None where nginx's status could not be read."""
    noise: int = 0
    """Requests since traffic left it that matched no server of the configuration."""
    hidden: bool = False
    """Whether client addresses are those of nodes or a balancer."""
    coverage: tuple[Watched, ...] = ()
    unseen: tuple[str, ...] = ()
    """What nobody sees, or what could not be looked up, as sentences."""
    schema: int = 1

    @property
    def done(self) -> bool:
        """Whether nobody is left, and that is known."""
        return self.judged in ("drained", "absent")


class Told(msgspec.Struct, frozen=True):
    """What a run says of a side that traffic left; without a run nothing is known of that."""

    rules: DrainRules
    run: str = ""
    moved: datetime | None = None
    ttl: float = 0.0
    baseline: float = 0.0


def told(journal: Journal, playbook: Playbook, side: SideName, window: float | None) -> Told:
    """What a run's journal says of a side, judged by its own drain of it."""
    entry = next(
        (
            one
            for one in playbook.steps
            if isinstance(one.settings, DrainSettings) and one.settings.side == side
        ),
        None,
    )
    rules = (entry.settings if entry else DrainSettings(side=side)).rules
    rules = replace(rules, window=window or rules.window)
    swapped = journal.learnt(Swapped)
    if swapped is None or swapped.to == side:
        return Told(replace(rules, least=0, factor=0, accept=0), journal.run)
    # A drain that took names along counts from the last of these.
    own = [name for name in journal.steps if entry and name.endswith(f"/{entry.id}")]
    moved = [
        effect.done
        for name in own
        for key, effect in journal.steps[name].effects.items()
        if effect.done and key.startswith(LATE)  # hooks of a step are effects too
    ]
    late = (journal.learnt(Late) or Late()).waves
    swapped = with_late(swapped, moved, [name for wave in late if wave.step in own for name in wave.names])
    before = journal.learnt(Baseline)
    return Told(
        rules,
        journal.run,
        swapped.at,
        swapped.ttl,
        before.rate if before else 0.0,
    )


def sides_left(journal: Journal | None) -> tuple[SideName, ...]:
    """The side that traffic has left last, or both."""
    swapped = journal.learnt(Swapped) if journal else None
    return (OTHER[swapped.to],) if swapped else ("primary", "temporary")


def client(one: Remains, now: float) -> Client:
    """Somebody who remains, `now` being seconds since the epoch."""
    last = datetime.fromtimestamp(now - one.age, UTC)
    return Client(one.client, one.target, one.requests, last, one.why, one.connections)


def watched(side: SideName, one: Coverage) -> Watched:
    """How far a witness has watched, with instants."""

    def instant(at: float) -> datetime:
        return datetime.fromtimestamp(at, UTC)

    return Watched(
        side=side,
        witness=one.witness,
        pod=one.pod,
        since=instant(one.since),
        until=instant(one.until),
        gaps=tuple((instant(begin), None if math.isinf(end) else instant(end)) for begin, end in one.gaps),
        blind=one.blind,
    )
