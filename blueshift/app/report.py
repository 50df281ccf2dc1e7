"""All that is known of a run: its journal, what was seen of both sides, and a prober's ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from blueshift import __version__
from blueshift.engine import recorder
from blueshift.engine.evidence import Evidence
from blueshift.engine.journal import Journal
from blueshift.engine.store import Runs
from blueshift.traffic.prober.ledger import read_ledger, started_of

SHOWN_FAILURES = 200


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
    """Which the run was in then; empty before and after it."""


class Asked(msgspec.Struct, frozen=True):
    """What a prober saw, by its ledger."""

    requests: int
    failed: int
    first: datetime
    last: datetime
    failures: tuple[Failure, ...]
    """The first ones."""


class Report(msgspec.Struct, frozen=True):
    """One run. Programs read it: fields come to it, and none goes or changes."""

    made: datetime
    version: str
    """Of Blueshift, which made the report."""
    journal: Journal
    evidence: Evidence | None
    """None where nothing was kept, such as of runs of older versions."""
    asked: Asked | None


async def report(runs: Runs, run: str, ledger: Path | None) -> Report:
    """Gather it. Raises BlueshiftError for a run that is not there and a file that is no ledger."""
    journal = (await runs.open(run)).journal
    kept = await recorder.read(runs, run)
    return Report(runs.clock.utc(), __version__, journal, kept, asked(ledger, journal) if ledger else None)


def asked(ledger: Path, journal: Journal) -> Asked:
    """Count a ledger's rows, and say of each failure in which step of the run it was due."""
    began = started_of(ledger)
    requests = failed = 0
    latest = 0.0
    failures: list[Failure] = []
    for row in read_ledger(ledger):
        requests += 1
        latest = max(latest, row.end, row.scheduled)
        if row.failed:
            failed += 1
            at = began + timedelta(seconds=row.scheduled)
            if len(failures) < SHOWN_FAILURES:
                step = step_at(journal, at)
                failures.append(Failure(at, row.host, row.path, row.address, row.phase, row.reason, step))
    return Asked(requests, failed, began, began + timedelta(seconds=latest), tuple(failures))


def step_at(journal: Journal, at: datetime) -> str:
    """The step that was begun last before an instant and had not settled by then."""
    there = [
        (entry.started, name)
        for name, entry in journal.steps.items()
        if entry.started and entry.started <= at and (entry.settled is None or at <= entry.settled)
    ]
    return max(there)[1] if there else ""
