"""Which side each name points at, as the authority has it: read, never remembered."""

from __future__ import annotations

from collections.abc import Mapping

from blueshift.dns.records import RecordSet
from blueshift.engine.state import SideName, State
from blueshift.errors import BlueshiftError
from blueshift.shift.protocol import desired
from blueshift.steps.context import Tools

Located = Mapping[str, SideName]
"""Name → the side that it points at."""


def at(state: State, names: Located) -> State:
    """`state` with its traffic as the names say."""
    sides = set(names.values())
    if not sides:
        return state
    return state.but(traffic="split" if len(sides) > 1 else sides.pop())


async def located(tools: Tools) -> dict[str, SideName]:
    """The side that the authority's records name, for every name that moves and is still there.

    Raises BlueshiftError for a record that names neither side, or for a name whose families differ.
    """
    names = tools.moving()
    if not tools.target("temporary").addresses:  # it was cut off before it had any: nothing could move
        return {name.name: "primary" for name in names}
    # The TTL is of no account here: values alone say where a name points.
    primary = [record for name in names for record in desired(name, tools.target("primary"), 0)]
    temporary = [record for name in names for record in desired(name, tools.target("temporary"), 0)]
    now = await tools.dns.read([(record.name, record.type) for record in primary])
    sides: dict[str, SideName] = {}
    held = {record.name for record in now if record is not None}
    for here, there, found in zip(primary, temporary, now, strict=True):
        if here.name not in held:
            continue  # all its records were taken away: its owner wants it gone
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
