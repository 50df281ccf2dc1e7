"""Services that look at both sides while a run works, for the people who watch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import asdict

from blueshift import events
from blueshift.app.left import watched
from blueshift.dns.agreement import exactly, look
from blueshift.dns.authority import Directory, View
from blueshift.engine.state import SideName
from blueshift.shift.protocol import desired
from blueshift.steps.context import Tools
from blueshift.steps.facts import TemporaryReady
from blueshift.steps.rates import Rates
from blueshift.steps.witness import Look
from blueshift.traffic.sketch import Sketch
from blueshift.traffic.witnesses import Coverage

EVERY = 5.0
TOLD_EVERY = 30.0
"""Seconds from one word on how far a pod was watched to the next, where nothing new is to be said."""
# Names asked per look: enough to see a wave pass, few enough for 2,500 hosts.
MOST_NAMES = 60


async def watch_sides(tools: Tools, emit: events.Emit) -> None:
    """Emit pods and request rates of both sides, and how far each was watched, until cancelled.

    The followers' looks serve here too: an exposition may be 39 MB.
    """
    rates: dict[SideName, Rates] = {"primary": Rates(), "temporary": Rates()}
    looked: dict[SideName, tuple[Look, ...]] = {}
    figures: dict[SideName, tuple[float | None, float | None]] = {}
    words = Words()
    while True:
        for side, rate in rates.items():
            pods = await tools.witness.pods(side)
            if side == "temporary" and not pods.wanted:
                continue
            # Between two looks of the follower the figures of the last one stand.
            if (latest := tools.followers[side].latest) is not looked.get(side):
                looked[side], figures[side] = latest, rate.add(latest)
            requests, errors = figures[side]
            lately = tools.followers[side].lately()
            latency = lately.target.latency if lately else Sketch()
            emit(
                events.SideSeen(
                    at=tools.clock.utc(),
                    run=tools.run,
                    side=side,
                    ready=pods.ready,
                    wanted=pods.wanted,
                    requests_per_s=requests,
                    errors_per_s=errors,
                    statuses_per_s=lately.per_second() if lately else {},
                    p50_s=latency.quantile(0.5),
                    p95_s=latency.quantile(0.95),
                )
            )
            for coverage in words.news(side, tools.followers[side].coverage(), tools.clock.now()):
                emit(_told(tools, side, coverage))
        await tools.clock.sleep(EVERY)


class Words:
    """Which word on a witness is worth telling: now and then, and when a gap or blindness comes or goes."""

    def __init__(self) -> None:
        self._told: dict[tuple[SideName, str, str, float], tuple[float, object]] = {}

    def news(self, side: SideName, coverage: Sequence[Coverage], now: float) -> Iterator[Coverage]:
        """Those of one look of a side that say something new."""
        for one in coverage:
            key = (side, one.witness, one.pod, one.since)
            state = (len(one.gaps), one.gaps[-1:] and one.gaps[-1][1] == math.inf, one.blind)
            at, before = self._told.get(key, (-math.inf, None))
            if now - at >= TOLD_EVERY or state != before:
                self._told[key] = (now, state)
                yield one


def _told(tools: Tools, side: SideName, seen: Coverage) -> events.WitnessSeen:
    how_far = asdict(watched(side, seen))
    return events.WitnessSeen(at=tools.clock.utc(), run=tools.run, **how_far)


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
