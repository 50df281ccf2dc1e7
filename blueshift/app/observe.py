"""The state of a run as the world shows it now: asked before every step."""

from __future__ import annotations

from blueshift.dns.records import RecordSet
from blueshift.engine.state import State, Traffic
from blueshift.errors import BlueshiftError
from blueshift.helm.records import latest
from blueshift.shift.protocol import desired
from blueshift.steps.context import Tools
from blueshift.steps.facts import TemporaryReady, TtlLowered


async def observe(tools: Tools, state: State) -> State:
    """`state` with traffic and the temporary as they are. Raises BlueshiftError for a foreign answer."""
    world = tools.world
    temporary = await latest(tools.kube, world.temporary_namespace, world.temporary_release)
    there = temporary is not None and temporary.status == "deployed"
    if state.temporary == "ready" and not there:
        state = state.but(temporary="absent").without_side("verified", "temporary")
    try:
        tools.record.fact(TemporaryReady)
        ttl = tools.record.fact(TtlLowered).ttl
    except BlueshiftError:
        return state  # nothing has moved before there was a place to move to
    return state.but(traffic=await _traffic(tools, ttl))


async def _traffic(tools: Tools, ttl: int) -> Traffic:
    """Which side the authority's records name. Raises BlueshiftError when they name neither."""
    names = tools.world.moving()
    primary = [record for name in names for record in desired(name, tools.target("primary"), ttl)]
    temporary = [record for name in names for record in desired(name, tools.target("temporary"), ttl)]
    now = await tools.dns.read([(record.name, record.type) for record in primary])
    at_primary = at_temporary = 0
    for here, there, found in zip(primary, temporary, now, strict=True):
        if found is not None and found.values == here.values:
            at_primary += 1
        elif found is not None and found.values == there.values:
            at_temporary += 1
        else:
            raise BlueshiftError(
                f"{here.name} {here.type} was changed by somebody else: it is {_shown(found)}, "
                f"and should be {' '.join(here.values)} (primary) or {' '.join(there.values)} (temporary)",
                hint="put the record back to one of the two, then resume the run",
            )
    if not at_temporary:
        return "primary"
    return "split" if at_primary else "temporary"


def _shown(found: RecordSet | None) -> str:
    return " ".join(found.values) if found else "gone"
