"""The way back by hand: exact helm, nsupdate and kubectl commands, for every plan and every hold.

Order matters and is the same as in the engine's own way back: the primary is put right while traffic is
away from it, names go back, resolvers forget, and only then is the temporary removed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from blueshift.discovery.world import World
from blueshift.dns.records import RecordSet
from blueshift.engine.protocol import Way
from blueshift.engine.state import Traffic
from blueshift.errors import BlueshiftError
from blueshift.helm.records import latest
from blueshift.shift.protocol import Target, desired
from blueshift.steps.context import Tools
from blueshift.steps.facts import TemporaryReady, TtlLowered
from blueshift.steps.located import at, located
from blueshift.steps.places import Places


class Standing(msgspec.Struct, frozen=True):
    """What the way back by hand depends on."""

    changed: bool
    """The primary is at another revision than before the run."""
    traffic: Traffic
    temporary: Target | None
    """Where the temporary can be reached; None where there is none."""
    idle: bool
    """The temporary is proven to serve nobody."""
    ttl: int
    """Seconds: the TTL in force."""


async def ways_back(tools: Tools) -> Sequence[Way]:
    """The commands that take a run back from where live releases, names, and the journal say that it is."""
    world, state = tools.world, tools.record.state
    primary = await latest(tools.kube, world.release.namespace, world.release.name)
    temporary = await latest(tools.kube, world.temporary_namespace, world.temporary_release)
    standing = Standing(
        changed=primary is None or primary.revision != world.release.revision,
        traffic=await _traffic(tools),
        temporary=_target(tools) if temporary is not None else None,
        idle="temporary" in state.drained,
        ttl=_low_ttl(tools),
    )
    return way_back(msgspec.structs.replace(world, names=tools.moving()), tools.places, standing)


def way_back(world: World, places: Places, standing: Standing) -> tuple[Way, ...]:
    """The commands in their order: the same as in the engine's own way back (`blueshift rollback`)."""
    release, namespace = world.release.name, world.release.namespace
    workload, wait = f"{world.workload.kind.lower()}/{world.workload.name}", "--wait --timeout 10m"
    away, idle = standing.temporary, standing.idle
    # As the playbook's drain does: clients and resolvers remember far longer than one TTL.
    patience = f"at least {max(10 * standing.ttl, 900) // 60} minutes without requests"
    ways: list[tuple[str, str]] = []
    after = ""
    if standing.changed and standing.traffic != "temporary" and away and away.addresses:
        there = [record for name in world.moving() for record in desired(name, away, standing.ttl)]
        ways.append(("point every name at the temporary", _records(world, places, there)))
        after, idle = f", after {patience} at the primary", False
    if standing.changed:
        ways += [
            (
                f"put the primary back to revision {world.release.revision}{after}",
                f"{places.helm} rollback {release} {world.release.revision} -n {namespace} {wait}",
            ),
            (
                "see that it is ready before any name goes back",
                f"{places.kubectl} rollout status {workload} -n {namespace} --timeout=10m",
            ),
        ]
    before = [record for name in world.moving() for record in name.records]
    ways.append(("point every name at the primary, with the TTL it had", _records(world, places, before)))
    if away is not None:
        ways.append(
            (
                "remove the temporary release" + ("" if idle else f" after {patience}"),
                f"{places.helm} uninstall {world.temporary_release} -n {world.temporary_namespace}",
            )
        )
        if world.temporary_namespace != namespace:
            command = f"{places.kubectl} delete namespace {world.temporary_namespace}"
            ways.append(("and its namespace", command))
    return tuple(Way(what, command) for what, command in ways)


async def _traffic(tools: Tools) -> Traffic:
    """As the names say; as the journal says where they say neither, or cannot be asked."""
    state = tools.record.state
    if tools.record.learnt(TemporaryReady) is None:
        return state.traffic
    try:
        return at(state, await located(tools)).traffic
    except BlueshiftError:
        return state.traffic


def _target(tools: Tools) -> Target:
    try:
        return tools.target("temporary")
    except BlueshiftError:
        return Target("temporary")


def _records(world: World, places: Places, records: Sequence[RecordSet]) -> str:
    """The command, or, where a person changes records, what they are to be."""
    if world.dns.backend == "manual":
        return "\n".join(f"# {record}" for record in records)
    zones = {name.name: name.zone for name in world.moving()}
    return f"{places.nsupdate} <<'EOF'\n{nsupdate_script(zones, records, places)}\nEOF"


def nsupdate_script(zones: Mapping[str, str], records: Sequence[RecordSet], places: Places) -> str:
    """Input of nsupdate: one message per zone that makes every record set what is given; `zones` by name.

    It has no prerequisites: it must work from the middle of a wave, where some names have moved and some not.
    """
    lines = [places.server] if places.server else []
    for zone in sorted(set(zones.values())):
        lines.append(f"zone {zone}")
        lines += [line for record in records if zones[record.name] == zone for line in _replace(record)]
        lines.append("send")
    return "\n".join(lines)


def _replace(record: RecordSet) -> list[str]:
    adds = [f"update add {record.name}. {record.ttl} {record.type} {value}" for value in record.values]
    return [f"update delete {record.name}. {record.type}", *adds]


def _low_ttl(tools: Tools) -> int:
    lowered = tools.record.learnt(TtlLowered)
    return lowered.ttl if lowered else 60
