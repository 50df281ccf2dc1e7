"""A run as the rows that every form of its report shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from blueshift.app.report import SHOWN_FAILURES, Probed, Report
from blueshift.engine.evidence import Evidence, SidePoint
from blueshift.engine.journal import OVER, Journal
from blueshift.engine.protocol import Way, fact_name
from blueshift.report import sums
from blueshift.report.words import cut, flat, instant, length
from blueshift.traffic.judge import Outcome, Verdict

MEANING: dict[Outcome, str] = {
    "pass": "The primary does as well as before the run, within what is allowed",
    "marginal": "Nothing is known to be bad, and nothing is proven",
    "fail": "The primary does worse than is allowed, and by more than chance explains",
    "nodata": "Too little came to judge by, and that is no pass",
}
"""What each verdict says of the primary."""

_BESIDE = timedelta(seconds=60)
"""So much later than a run a prober may begin, or end earlier, without a word."""


class StepRow(NamedTuple):
    """One step that was begun, or stood still before it was taken back."""

    name: str
    began: datetime
    ended: datetime | None
    """None while it is not settled, and its track was not left."""
    took: str
    saw: str
    did: tuple[str, ...]
    """Its effects."""
    commands: tuple[str, ...]
    waits: tuple[str, ...]
    stood: tuple[str, ...]
    """Where it held, or waited for a person."""


def steps(journal: Journal) -> tuple[StepRow, ...]:
    """In the order in which they were begun; of one that was taken back its standstills alone are known."""
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
                entry.settled or _left(journal, name, entry.started),
                length((entry.settled - entry.started).total_seconds()) if entry.settled else "",
                flat(entry.said),
                tuple(
                    effect.intent.what + ("" if effect.done else " (not known to be done)")
                    for effect in effects
                ),
                tuple(effect.intent.command for effect in effects if effect.intent.command),
                tuple(flat(wait.reason) for wait in entry.waits.values()),
                _stood(journal, name),
            )
        )
    gone = {one.step: one.since for one in reversed(journal.stood) if one.step not in journal.steps}
    rows += [
        StepRow(name, since, since, "taken back", "", (), (), (), _stood(journal, name))
        for name, since in gone.items()
    ]
    return tuple(sorted(rows, key=lambda row: row.began))


def _stood(journal: Journal, name: str) -> tuple[str, ...]:
    return tuple(
        (f"waited at the gate {one.gate}: " if one.gate else "held: ") + flat(one.reason)
        for one in journal.stood
        if one.step == name
    )


def _left(journal: Journal, name: str, began: datetime) -> datetime | None:
    """When the run left a step that did not settle, as it turned to another track."""
    if name in journal.track or journal.turn is None:
        return None
    later = (entry.started for entry in journal.steps.values() if entry.started and entry.started > began)
    return min((*later, max(began, journal.turn.at)))


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
    if ended := last_settled(journal):
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
        why = f": {flat(journal.turn.reason)}" if journal.turn.reason else ""
        yield "turned", f"{journal.turn.to} by {journal.turn.by} at {instant(journal.turn.at)}{why}"
    if journal.reverts:
        yield "reverts", journal.reverts


def last_settled(journal: Journal) -> datetime | None:
    """When the latest of its steps settled; None before the first has."""
    return max((entry.settled for entry in journal.steps.values() if entry.settled), default=None)


def verdict(journal: Journal) -> Verdict | None:
    """The latest of its soak, also where it held the run or asked a person; None before there was one."""
    found = journal.facts.get(fact_name(Verdict))
    return None if found is None else msgspec.convert(found, Verdict)


def worst_hosts(asked: Probed, most: int = 10) -> str:
    """Where requests of the prober failed, the worst first; empty where none did, or nothing tells."""
    if not asked.hosts:
        return ""
    told = ", ".join(f"{cut(host, 80)} {count:,}" for host, count in [*asked.hosts.items()][:most])
    rest = asked.failed - sum([*asked.hosts.values()][:most])
    hosts = "1 host" if len(asked.hosts) == 1 else f"{len(asked.hosts):,} hosts"
    if len(asked.hosts) >= SHOWN_FAILURES:  # no more are kept
        hosts += " or more"
    return f"At {hosts}: {told}" + (f", and {rest:,} at others" if rest else "")


def ways(journal: Journal) -> tuple[Way, ...]:
    """How a person goes on with a run, or takes it back; none where it is over."""
    if journal.status in OVER:
        return ()
    still, run = journal.standstill, journal.run
    resume = f"blueshift resume {run}"
    back = (Way("take the run back", f"blueshift rollback {run}"),) if journal.on != "back" else ()
    if journal.status == "working" and back:
        back = (Way("take the run back", f"blueshift abort {run}"),)
    if still is None:
        sure = "" if journal.status != "working" else ", if its process is gone"
        return (Way(f"carry it on{sure}", resume), *back)
    if not still.gate:
        return (Way("try again, when the cause is mended", resume), *back, *still.ways)
    onward: tuple[Way, ...] = (Way("go on", f"blueshift approve {run} {still.gate}"),)
    if journal.status != "working":
        onward = (*onward, Way("and then carry it on", resume))
    return (*onward, *back, *still.ways)


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
    else:
        yield from _unasked(report, report.asked)
    if verdict(report.journal) is None:
        yield "The run came to no verdict: it was not at the end of a soak."


def _unasked(report: Report, asked: Probed) -> Iterator[str]:
    """Of which part of the run the ledger tells nothing."""
    begin, end = report.journal.created, last_settled(report.journal) or report.made
    if not asked.requests:
        yield "The prober's ledger has no request: what clients saw is not known."
    elif asked.last < begin or asked.first > end:
        when = f"from {instant(asked.first)} to {instant(asked.last)}"
        yield f"The prober's ledger is of another time, {when}: what clients saw of this run is not in it."
    else:
        if asked.first - begin > _BESIDE:
            yield f"The prober began at {instant(asked.first)}: what clients saw before is not known."
        if end - asked.last > _BESIDE:
            yield f"The prober ended at {instant(asked.last)}: what clients saw after is not known."


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
