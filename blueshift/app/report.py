"""All that is known of a run: its journal, what was seen of both sides, and a prober's ledger."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from blueshift import __version__
from blueshift.engine import recorder
from blueshift.engine.evidence import Evidence
from blueshift.engine.journal import Journal
from blueshift.engine.store import Runs
from blueshift.traffic.prober.count import ON_TIME, SENT_SHARE
from blueshift.traffic.prober.ledger import Row, read_ledger, started_of

SHOWN_FAILURES = 1000
"""Failed requests that are listed one by one, and hosts at which any failed."""


class Failure(msgspec.Struct, frozen=True):
    """One failed request of the ledger."""

    at: datetime
    """When it was due."""
    host: str
    path: str
    address: str
    phase: str
    reason: str
    step: str
    """Which the run was in when it failed; empty before and after the run."""
    kind: str = ""
    """What was asked for: `http1`, `http2`, `websocket`, `longpoll`."""
    seconds: float = 0.0
    """From when it was due until it failed: a session may be cut many steps later."""


class Failing(msgspec.Struct, frozen=True):
    """One second in which requests were due that failed."""

    at: datetime
    failed: int


class Probed(msgspec.Struct, frozen=True):
    """What a prober saw, by its ledger."""

    requests: int
    failed: int
    first: datetime
    last: datetime
    failures: tuple[Failure, ...]
    """The first ones, in the order in which they were due."""
    failing: tuple[Failing, ...] = ()
    """All of them, by the second."""
    phases: dict[str, int] = {}
    """Phase → how many failed in it."""
    hosts: dict[str, int] = {}
    """Host → how many failed at it; those with the most, and these first."""
    sent: int = 0
    """Requests that the prober took up within a second of when they were due."""
    void: str = ""
    """Why the figures prove nothing: none or too few were sent on time, so its machine was measured."""


class Report(msgspec.Struct, frozen=True):
    """One run. Programs read it: fields come to it, and none goes or changes."""

    made: datetime
    version: str
    """Of Blueshift, which made the report."""
    journal: Journal
    evidence: Evidence | None
    """None where nothing was kept, such as of runs of older versions."""
    asked: Probed | None


async def report(runs: Runs, run: str, ledger: Path | None) -> Report:
    """Gather it. Raises BlueshiftError for a run that is not there and a file that is no ledger."""
    journal = (await runs.open(run)).journal
    kept = await recorder.read(runs, run)
    return Report(runs.clock.utc(), __version__, journal, kept, asked(ledger, journal) if ledger else None)


def asked(ledger: Path, journal: Journal) -> Probed:
    """Count a ledger's rows, and say of each failure in which step of the run it came."""
    began = started_of(ledger)
    requests = sent = 0
    latest = 0.0
    failures: list[Row] = []
    seconds: Counter[int] = Counter()
    phases: Counter[str] = Counter()
    hosts: Counter[str] = Counter()
    for row in read_ledger(ledger):
        requests += 1
        sent += 0 <= row.begun <= row.scheduled + ON_TIME
        latest = max(latest, row.end, row.scheduled)
        if row.failed:
            seconds[int(row.scheduled)] += 1
            phases[row.phase] += 1
            hosts[row.host] += 1
            failures.append(row)
            if len(failures) > 2 * SHOWN_FAILURES:  # rows stand in the order in which they ended
                failures = _first(failures)

    def told(row: Row) -> Failure:
        due, failed = (began + timedelta(seconds=at) for at in (row.scheduled, row.end))
        where, what = (row.host, row.path, row.address), (row.phase, row.reason)
        took = max(0.0, round(row.end - row.scheduled, 3))
        return Failure(due, *where, *what, step_at(journal, max(due, failed)), row.kind, took)

    return Probed(
        requests=requests,
        failed=seconds.total(),
        first=began,
        last=began + timedelta(seconds=latest),
        failures=tuple(map(told, _first(failures))),
        failing=tuple(Failing(began + timedelta(seconds=at), seconds[at]) for at in sorted(seconds)),
        phases=dict(phases.most_common()),
        hosts=dict(hosts.most_common(SHOWN_FAILURES)),
        sent=sent,
        void=_void(sent, requests),
    )


def _void(sent: int, requests: int) -> str:
    if not requests:
        return "no request was sent"
    if sent < SENT_SHARE * requests:
        return f"{sent} of {requests} requests were sent on time: the prober's own machine was measured"
    return ""


def _first(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.scheduled, row.id))[:SHOWN_FAILURES]


def step_at(journal: Journal, at: datetime) -> str:
    """The step that was begun last before an instant and had not settled by then."""
    there = [
        (entry.started, name)
        for name, entry in journal.steps.items()
        if entry.started and entry.started <= at and (entry.settled is None or at <= entry.settled)
    ]
    return max(there)[1] if there else ""
