"""The way back by hand: exact helm, nsupdate and kubectl commands, for every plan and every hold.

Order matters and is the same as in the engine's own way back: the primary is put right while traffic is
away from it, names go back, resolvers forget, and only then is the temporary removed.
"""

from __future__ import annotations

from collections.abc import Sequence

from blueshift.discovery.world import NameFact, World
from blueshift.dns.records import RecordSet
from blueshift.engine.protocol import Way
from blueshift.errors import BlueshiftError
from blueshift.helm.records import latest
from blueshift.steps.context import Tools
from blueshift.steps.facts import TtlLowered
from blueshift.steps.places import Places


async def ways_back(tools: Tools) -> Sequence[Way]:
    """The commands that take a run back from where the *live* releases and the journal say it stands."""
    world = tools.world
    primary = await latest(tools.kube, world.release.namespace, world.release.name)
    temporary = await latest(tools.kube, world.temporary_namespace, world.temporary_release)
    return way_back(
        world,
        tools.places,
        changed=primary is None or primary.revision != world.release.revision,
        moved=tools.record.state.traffic != "primary",
        installed=temporary is not None,
        ttl=_low_ttl(tools),
    )


def way_back(
    world: World, places: Places, *, changed: bool, moved: bool, installed: bool, ttl: int
) -> tuple[Way, ...]:
    """The commands, given whether the primary was changed, names have moved, the temporary is there.

    `ttl` is the one in force, in seconds.
    """
    release, namespace = world.release.name, world.release.namespace
    workload, wait = f"{world.workload.kind.lower()}/{world.workload.name}", "--wait --timeout 10m"
    ways: list[tuple[str, str]] = []
    if changed:
        ways += [
            (
                f"put the primary back to revision {world.release.revision}",
                f"{places.helm} rollback {release} {world.release.revision} -n {namespace} {wait}",
            ),
            (
                "see that it is ready before any name goes back",
                f"{places.kubectl} rollout status {workload} -n {namespace} --timeout=10m",
            ),
        ]
    ways.append(("point every name at the primary, with the TTL it had", _records_back(world, places)))
    if installed:
        # As the playbook's drain does: clients and resolvers remember far longer than one TTL.
        after = f" after at least {max(10 * ttl, 900) // 60} minutes without requests" if moved else ""
        ways += [
            (
                f"remove the temporary release{after}",
                f"{places.helm} uninstall {world.temporary_release} -n {world.temporary_namespace}",
            ),
            (
                "and its namespace",
                f"{places.kubectl} delete namespace {world.temporary_namespace}",
            ),
        ]
    return tuple(Way(what, command) for what, command in ways)


def _records_back(world: World, places: Places) -> str:
    """The command, or, where a person changes records, what they are to be."""
    if world.dns.backend == "manual":
        return "\n".join(f"# {record}" for name in world.moving() for record in name.records)
    return f"{places.nsupdate} <<'EOF'\n{nsupdate_script(world.moving(), places)}\nEOF"


def nsupdate_script(names: Sequence[NameFact], places: Places) -> str:
    """Input of nsupdate: one message per zone that puts every record back to what it was.

    It has no prerequisites: it must work from the middle of a wave, where some names have moved and some not.
    """
    lines = [places.server] if places.server else []
    for zone in sorted({name.zone for name in names}):
        lines.append(f"zone {zone}")
        for name in names:
            if name.zone == zone:
                lines += [line for record in name.records for line in _replace(record)]
        lines.append("send")
    return "\n".join(lines)


def _replace(record: RecordSet) -> list[str]:
    adds = [f"update add {record.name}. {record.ttl} {record.type} {value}" for value in record.values]
    return [f"update delete {record.name}. {record.type}", *adds]


def _low_ttl(tools: Tools) -> int:
    try:
        return tools.record.fact(TtlLowered).ttl
    except BlueshiftError:
        return 60
