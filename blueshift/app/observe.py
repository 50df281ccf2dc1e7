"""The state of a run as the world shows it now: asked before every step."""

from __future__ import annotations

from collections.abc import Mapping

from blueshift.dns.records import RecordSet
from blueshift.engine.state import SideName, State
from blueshift.errors import BlueshiftError
from blueshift.helm.records import latest
from blueshift.shift.protocol import desired
from blueshift.steps.context import Tools
from blueshift.steps.facts import TemporaryReady

Located = Mapping[str, SideName]
"""Name → the side that it points at."""


async def observe(tools: Tools, state: State) -> State:
    """`state` with traffic and the temporary as they are. Raises BlueshiftError for a foreign answer."""
    world = tools.world
    temporary = await latest(tools.kube, world.temporary_namespace, world.temporary_release)
    there = temporary is not None and temporary.status == "deployed"
    if state.temporary == "ready" and not there:
        state = state.but(temporary="absent").without_side("verified", "temporary")
    try:
        tools.record.fact(TemporaryReady)
    except BlueshiftError:
        return state  # nothing has moved before there was a place to move to
    return at(state, await located(tools))


def at(state: State, names: Located) -> State:
    """`state` with its traffic as the names say."""
    sides = set(names.values())
    if not sides:
        return state
    return state.but(traffic="split" if len(sides) > 1 else sides.pop())


async def located(tools: Tools) -> dict[str, SideName]:
    """The side that the authority's records name, for every name that moves.

    Raises BlueshiftError for a record that names neither side, or for a name whose families differ.
    """
    names = tools.world.moving()
    if not tools.target("temporary").addresses:  # it was cut off before it had any: nothing could move
        return {name.name: "primary" for name in names}
    # The TTL is of no account here: values alone say where a name points.
    primary = [record for name in names for record in desired(name, tools.target("primary"), 0)]
    temporary = [record for name in names for record in desired(name, tools.target("temporary"), 0)]
    now = await tools.dns.read([(record.name, record.type) for record in primary])
    sides: dict[str, SideName] = {}
    for here, there, found in zip(primary, temporary, now, strict=True):
        side: SideName | None = None
        if found is not None and found.values == here.values:
            side = "primary"
        elif found is not None and found.values == there.values:
            side = "temporary"
        if side is None or sides.setdefault(here.name, side) != side:
            raise BlueshiftError(
                f"{here.name} {here.type} was changed by somebody else: it is {_shown(found)}, "
                f"and should be {' '.join(here.values)} (primary) or {' '.join(there.values)} (temporary)",
                hint="put the record back to one of the two, then resume the run",
            )
    return sides


def _shown(found: RecordSet | None) -> str:
    return " ".join(found.values) if found else "gone"
