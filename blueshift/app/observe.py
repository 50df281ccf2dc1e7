"""The state of a run as the world shows it now: asked before every step."""

from __future__ import annotations

from blueshift.engine.state import State
from blueshift.helm.records import latest
from blueshift.steps.context import Tools
from blueshift.steps.facts import TemporaryReady
from blueshift.steps.located import at, located


async def observe(tools: Tools, state: State) -> State:
    """`state` with traffic and the temporary as they are. Raises BlueshiftError for a foreign answer."""
    world = tools.world
    temporary = await latest(tools.kube, world.temporary_namespace, world.temporary_release)
    there = temporary is not None and temporary.status == "deployed"
    if state.temporary == "ready" and not there:
        state = state.but(temporary="absent").without_side("verified", "temporary")
    if tools.record.learnt(TemporaryReady) is None:
        return state  # nothing has moved before there was a place to move to
    # Names that a drain has just taken along are still on their way: that is its business.
    late = {
        name.name for wave in tools.late().waves if not tools.record.settled(wave.step) for name in wave.names
    }
    return at(state, {name: side for name, side in (await located(tools)).items() if name not in late})
