"""Let Ingresses be written while a run holds, by a person's word; see `steps.webhook`."""

from __future__ import annotations

from collections.abc import Callable

from blueshift import events
from blueshift.app.claims import claimed, same_cluster
from blueshift.app.runs import frozen_of
from blueshift.engine.journal import Approval, Journal, Standstill
from blueshift.engine.loop import beside
from blueshift.engine.protocol import Beside
from blueshift.engine.state import State
from blueshift.engine.store import Runs
from blueshift.engine.waiting import Services
from blueshift.errors import BlueshiftError
from blueshift.steps.webhook import PLACE, ignoring


async def ignore(runs: Runs, run: str, emit: events.Emit, agreed: Callable[[str], bool]) -> str | None:
    """Switch the primary's webhook to Ignore, if `agreed` to the sentence that says so; the sentence.

    None where it was not agreed: nothing is changed then. Raises BlueshiftError for a run that does not hold
    or is carried by somebody, and where there is nothing to switch.
    """
    frozen = await frozen_of(runs, run)
    world = frozen.world
    _holds((await runs.open(run)).journal)
    same_cluster(run, world.cluster.uid, (await runs.kube.identity()).uid)
    lease = await claimed(runs, world.release.name, world.release.namespace, run)
    try:
        writer = await runs.open(run)
        _holds(writer.journal)
        switch = await ignoring(runs.kube, world, writer.journal)
        if not agreed(switch.intent.what):
            return None
        lease.check()
        await beside(writer, Beside(PLACE, (switch,)), Services(runs.clock, emit, _stands, _nobody))
        return switch.intent.what
    finally:
        await lease.release(finished=False)


def _holds(journal: Journal) -> None:
    if journal.status != "holding":
        raise BlueshiftError(
            f"run {journal.run} does not hold: it is {journal.status}",
            hint=f"`blueshift status {journal.run}` shows where it is",
        )


async def _stands(state: State) -> State:
    return state


async def _nobody(_: Standstill) -> Approval | None:
    return None
