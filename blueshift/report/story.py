"""A run as the rows that every form of its report shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from blueshift.app.report import Report
from blueshift.engine.evidence import Evidence, SidePoint
from blueshift.engine.journal import Journal
from blueshift.engine.protocol import fact_name
from blueshift.report import sums
from blueshift.report.words import flat, instant, length
from blueshift.traffic.judge import Verdict


class StepRow(NamedTuple):
    """One step that was begun."""

    name: str
    began: datetime
    ended: datetime | None
    """None while it is not settled."""
    took: str
    saw: str
    did: tuple[str, ...]
    """Its effects."""
    commands: tuple[str, ...]
    waits: tuple[str, ...]
    stood: tuple[str, ...]
    """Where it held, or waited for a person."""


def steps(journal: Journal) -> tuple[StepRow, ...]:
    """In the order in which they were begun."""
    begun = [(name, entry) for name, entry in journal.steps.items() if entry.started]
    begun.sort(key=lambda item: item[1].started or journal.created)
    rows = []
    for name, entry in begun:
        assert entry.started is not None
        effects = entry.effects.values()
        rows.append(
            StepRow(
                name,
                entry.started,
                entry.settled,
                length((entry.settled - entry.started).total_seconds()) if entry.settled else "",
                flat(entry.said),
                tuple(
                    effect.intent.what + ("" if effect.done else " (not known to be done)")
                    for effect in effects
                ),
                tuple(effect.intent.command for effect in effects if effect.intent.command),
                tuple(flat(wait.reason) for wait in entry.waits.values()),
                tuple(
                    (f"waited at the gate {one.gate}: " if one.gate else "held: ") + flat(one.reason)
                    for one in journal.stood
                    if one.step == name
                ),
            )
        )
    return tuple(rows)


def facts(journal: Journal) -> Iterator[tuple[str, str]]:
    """What is told of the run as a whole, name and value."""
    yield "release", f"{journal.namespace}/{journal.release}"
    if journal.chart:
        yield "chart", journal.chart.change
        if journal.chart.app_change:
            yield "controller", journal.chart.app_change
    yield "cluster", journal.cluster
    if with_ := journal.software:
        yield "Kubernetes", with_.kubernetes
        yield "opened with", f"blueshift {with_.blueshift}, helm {with_.helm}"
    yield "playbook", f"{journal.playbook}, plan {journal.plan}"
    yield "opened", instant(journal.created)
    if ended := max((entry.settled for entry in journal.steps.values() if entry.settled), default=None):
        yield "last step settled", instant(ended)
        yield "took", length((ended - journal.created).total_seconds())
    for one in journal.carried:
        over = f", taken from {one.over}" if one.over else ""
        yield "carried", f"by {one.by} from {instant(one.at)}{over}"
    for waived in journal.waived:
        yield waived.how, f"{waived.check} by {waived.by}; it saw: {flat(waived.saw)}"
    for given in journal.approvals:
        why = f": {flat(given.reason)}" if given.reason else ""
        yield "approved", f"{given.gate} by {given.by} at {instant(given.at)}{why}"
    if journal.turn:
        yield "turned", f"{journal.turn.to} by {journal.turn.by} at {instant(journal.turn.at)}"
    if journal.reverts:
        yield "reverts", journal.reverts


def verdict(journal: Journal) -> Verdict | None:
    """The soak's, if it came to one."""
    found = journal.facts.get(fact_name(Verdict))
    return None if found is None else msgspec.convert(found, Verdict)


def never(journal: Journal) -> tuple[str, ...]:
    """Steps of the track that were not begun."""
    return tuple(name for name in journal.track if journal.step(name).started is None)


def unknown(report: Report) -> Iterator[str]:
    """What the report cannot tell, and why: it is no sign that nothing was there."""
    if report.evidence is None:
        yield "No evidence was kept of this run beside its journal: rates and answers over time are missing."
    else:
        yield from _unseen(report.evidence)
    if report.asked is None:
        yield "No prober's ledger was given (`--ledger`): what clients saw is not in it."
    if verdict(report.journal) is None:
        yield "The run came to no verdict: its soak did not end."


def _unseen(seen: Evidence) -> Iterator[str]:
    if _gaps(seen.sides.get("primary", ())):
        yield "At times the primary's requests were not counted: metrics were off, or a look failed."
    if not sums.kinds(seen):
        yield "No access log told the status of any answer."
    if not any(one.p95_s is not None for points in seen.sides.values() for one in points):
        yield "No access log told how long answers took."
    if not seen.drains:
        yield "No look at a drain was kept: either no side was drained, or nobody looked."
    for one in sums.witnesses(seen):
        whose = f"The {one.side}'s {one.witness} witness"
        for blind in one.blindness():
            yield f"{whose} is {blind}."
        if one.gaps:
            gaps = "1 gap" if len(one.gaps) == 1 else f"{len(one.gaps)} gaps"
            yield f"{whose} missed {length(one.missed.total_seconds())}, in {gaps}."
    if not seen.watched:
        yield "How far each witness watched was not kept."


def _gaps(points: Sequence[SidePoint]) -> bool:
    """Whether a rate is missing after there was one: the first needs two looks."""
    known = [number for number, point in enumerate(points) if point.requests_per_s is not None]
    return not known or any(point.missed or point.requests_per_s is None for point in points[known[0] + 1 :])
