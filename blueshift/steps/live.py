"""What has changed among hosts and names since the snapshot: a cluster lives on while a run works.

Owners add Ingresses and records, and take them away. A name that came to the side which is to be drained is
moved by one more wave; one that is gone need not move.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from blueshift.cluster import paths
from blueshift.discovery.ingresses import classes_of, host_facts, served
from blueshift.discovery.names import Sides, classify, unknown
from blueshift.discovery.raw import Raw
from blueshift.discovery.settings import Settings
from blueshift.discovery.world import HostFact, NameFact
from blueshift.dns.records import Change
from blueshift.engine.protocol import Effect
from blueshift.engine.state import OTHER, SideName
from blueshift.errors import Retryable
from blueshift.shift.protocol import Landed, desired
from blueshift.shift.swap import swaps
from blueshift.steps.context import Tools
from blueshift.together import together

if TYPE_CHECKING:
    from blueshift.cluster.api import KubeApi

_NETWORKING = "networking.k8s.io/v1"
# Above every TTL (RFC 2181 §8): a record set keeps its own.
_ANY_TTL = 2**31
LATE = "late-"
"""How the keys of effects begin that move names which came late."""


class Appeared(msgspec.Struct, frozen=True):
    """What brings clients to a side, and did not at the snapshot."""

    movable: tuple[NameFact, ...] = ()
    stuck: tuple[str, ...] = ()
    """Sentences: what cannot be moved, or could not be looked up, and why."""


async def live_hosts(tools: Tools) -> tuple[HostFact, ...]:
    """Every host that the controller serves now, by its Ingresses."""
    workload = await tools.witness.workload("primary")
    if workload is None:
        raise Retryable("the primary's workload is not there, and it tells which Ingresses are served")
    settings = tools.profile.settings(workload, await tools.witness.config(workload))
    return host_facts(await live_ingresses(tools.kube, settings), tools.profile.aliases)


async def live_ingresses(kube: KubeApi, settings: Settings) -> tuple[Raw, ...]:
    """The Ingresses that a controller with these settings serves now."""
    classes, ingresses = await together(
        kube.list(paths.apis(_NETWORKING, "ingressclasses")),
        kube.list(paths.apis(_NETWORKING, "ingresses")),
    )
    return served(ingresses, classes_of(classes, settings.controller), settings)


async def appeared(tools: Tools, side: SideName, hosts: Collection[HostFact]) -> Appeared:
    """Names of `hosts` that point at a side and are none of those that the run moves.

    What was there at the snapshot and could not be moved was shown then, and is no surprise.
    """
    moving = tools.moving()
    known = {name.name for name in moving} | {name.name for name in tools.world.names if name.here}
    moved = {host for name in moving for host in name.hosts}
    trails = await tools.trails(sorted({host.host for host in hosts} - moved))
    names = [
        name
        for name in classify(trails, Sides(frozenset(tools.target(side).addresses), frozenset(), frozenset()))
        if name.here and name.name not in known
    ]
    before = {host.host for host in tools.world.hosts}
    return Appeared(
        tuple(name for name in names if name.state == "move"),
        (
            *(f"{name.name} points at the {side}: {name.why}" for name in names if name.state != "move"),
            *(f"{host}: {why}" for host, why in unknown(trails).items() if host not in before),
        ),
    )


def as_moved(tools: Tools, side: SideName, names: Sequence[NameFact]) -> tuple[NameFact, ...]:
    """Names that appeared at `side`, as the run keeps what it moves: by their records at the primary."""
    if side == "primary":
        return tuple(names)
    primary = tools.target("primary")
    return tuple(
        msgspec.structs.replace(
            name,
            records=tuple(
                msgspec.structs.replace(one, values=primary.ipv4 if one.type == "A" else primary.ipv6)
                for one in name.records
            ),
        )
        for name in names
    )


async def late_waves(tools: Tools, step: str, side: SideName) -> tuple[Effect, ...]:
    """The swaps of every wave that a drain of `side` took along, away from it."""
    effects: list[Effect] = []
    source, to = tools.target(side), tools.target(OTHER[side])
    waves = [wave for wave in tools.late().waves if wave.step == step]
    for number, wave in enumerate(waves, 1):
        changes = [
            Change(before.name, before.type, before, after)
            for name in await present(tools, wave.names)
            # Nobody has lowered their TTL before: it goes down with the move.
            for before, after in zip(
                desired(name, source, _ANY_TTL), desired(name, to, tools.ttl), strict=True
            )
        ]
        effects += await swaps(
            tools.dns,
            f"one more wave: point at the {to.side}",
            changes,
            lambda sentence: tools.notice(step, sentence),
            key=f"{LATE}{number}:{to.side}:",
        )
    return tuple(effects)


async def present(tools: Tools, names: Sequence[NameFact]) -> tuple[NameFact, ...]:
    """The names of which the authority still has a record; the others are said, once.

    Who took all records of a name away wants it gone: it need not move, and is not made anew.
    """
    there: set[str] = set()
    # One record set of each name tells nearly always; there may be thousands.
    for first in (True, False):
        questions = [
            (record.name, record.type)
            for name in names
            if name.name not in there
            for record in (name.records[:1] if first else name.records[1:])
        ]
        there |= {record.name for record in await tools.dns.read(questions) if record is not None}
    for name in names:
        if name.name not in there and name.name not in tools.told:
            tools.told.add(name.name)
            tools.notice("", f"{name.name} has no record any more: it need not move, and is not made anew")
    return tuple(name for name in names if name.name in there)


async def landed(tools: Tools, names: Sequence[NameFact], to: SideName, every: float) -> Landed:
    """Whether every authoritative server answers with `to` for every name that is still there."""
    target = tools.target(to)
    answer = await tools.shifter.landed(names, target, tools.ttl, every)
    if answer.done:
        return answer
    left = await present(tools, names)
    if not left:
        return Landed(True, "none of the names has a record any more")
    return answer if len(left) == len(names) else await tools.shifter.landed(left, target, tools.ttl, every)


async def pointing(tools: Tools, side: SideName, hosts: Collection[str]) -> tuple[str, ...]:
    """Names of `hosts` that the authority lets point at a side, looked up anew, with what they hold."""
    addresses = set(tools.target(side).addresses)
    found = {
        f"{trail.name} ({', '.join(sorted(met))})"
        for trail in await tools.trails(sorted(hosts))
        if (met := addresses & {value for record in trail.records for value in record.values})
    }
    return tuple(sorted(found))
