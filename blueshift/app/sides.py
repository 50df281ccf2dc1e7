"""Services that look at both sides while a run works, for the people who watch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from blueshift import events
from blueshift.dns.agreement import exactly, look
from blueshift.dns.authority import Directory, View
from blueshift.engine.state import SideName
from blueshift.shift.protocol import desired
from blueshift.steps.context import Tools
from blueshift.steps.facts import TemporaryReady
from blueshift.steps.rates import Rates
from blueshift.steps.witness import Look

EVERY = 5.0
# Names asked per look: enough to see a wave pass, few enough for 2,500 hosts.
MOST_NAMES = 60


async def watch_sides(tools: Tools, emit: events.Emit) -> None:
    """Emit pods and request rates of both sides until cancelled.

    The followers' looks serve here too: an exposition may be 39 MB.
    """
    rates: dict[SideName, Rates] = {"primary": Rates(), "temporary": Rates()}
    looked: dict[SideName, tuple[Look, ...]] = {}
    figures: dict[SideName, tuple[float | None, float | None]] = {}
    while True:
        for side, rate in rates.items():
            pods = await tools.witness.pods(side)
            if side == "temporary" and not pods.wanted:
                continue
            # Between two looks of the follower the figures of the last one stand.
            if (latest := tools.followers[side].latest) is not looked.get(side):
                looked[side], figures[side] = latest, rate.add(latest)
            requests, errors = figures[side]
            emit(
                events.SideSeen(
                    at=tools.clock.utc(),
                    run=tools.run,
                    side=side,
                    ready=pods.ready,
                    wanted=pods.wanted,
                    requests_per_s=requests,
                    errors_per_s=errors,
                )
            )
        await tools.clock.sleep(EVERY)


async def watch_answers(tools: Tools, directory: Directory, emit: events.Emit) -> None:
    """Emit how many names each authoritative server answers with each side until cancelled."""
    names = tools.world.moving()[:MOST_NAMES]
    wanted = exactly([record for name in names for record in name.records])
    while True:
        for view in await look(wanted, directory):
            emit(_counted(tools, view))
        await tools.clock.sleep(EVERY)


def _counted(tools: Tools, view: View) -> events.AnswersSeen:
    counts: Counter[str] = Counter()
    whose = owners(tools)
    if view.unknown or view.skipped:
        counts["unknown"] = 1
    for reply in view.replies:
        if reply.status == "unknown":
            counts["unknown"] += 1
        else:
            counts[whose(reply.records.values if reply.records else ())] += 1
    return answered(tools, view.server.address, counts)


def answered(
    tools: Tools, server: str, counts: Mapping[str, int], *, recursive: bool = False
) -> events.AnswersSeen:
    """The look at one server now, from its counts by owner."""
    return events.AnswersSeen(
        at=tools.clock.utc(),
        run=tools.run,
        server=server,
        primary=counts["primary"],
        temporary=counts["temporary"],
        other=counts["other"],
        unknown=counts["unknown"],
        recursive=recursive,
    )


def owners(tools: Tools) -> Callable[[Iterable[str]], str]:
    """Which side the addresses of an answer are those of now; `other` for any else, and for none."""
    ready = tools.record.learnt(TemporaryReady) is not None
    temporary = set(tools.target("temporary").addresses) if ready else set()
    primary = {
        value
        for name in tools.world.moving()
        for record in desired(name, tools.target("primary"), 0)
        for value in record.values
    }

    def whose(addresses: Iterable[str]) -> str:
        values = set(addresses)
        if not values:
            return "other"
        if values <= temporary:
            return "temporary"
        return "primary" if values <= primary else "other"

    return whose
