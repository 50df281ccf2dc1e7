"""A finished run is taken back by a new one, whose target is what that run found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from blueshift.app.claims import nobody_else, same_cluster
from blueshift.app.look import Looked, look
from blueshift.app.runs import Refused
from blueshift.app.session import Session
from blueshift.engine.journal import OVER, Journal
from blueshift.engine.protocol import fact_name
from blueshift.errors import BlueshiftError
from blueshift.helm.records import decode_secret, latest, write_chart
from blueshift.playbook.config import Chart, Config, Values
from blueshift.playbook.schema import Playbook
from blueshift.steps.facts import Upgraded


async def look_back(session: Session, playbook: Playbook, run: str, scratch: Path) -> tuple[Session, Looked]:
    """Look once, with what `run` found as the target; charts are written into `scratch`, which must outlive
    the result. The session is the run's own, and comes back with that target. Changes nothing.

    Raises BlueshiftError for a run that has not succeeded, has upgraded nothing or is not of this cluster,
    and while another run of the release is not over; Refused when the release is not as the run left it.
    """
    journal = (await session.runs.open(run)).journal
    same_cluster(run, journal.cluster, session.cluster.uid)
    left = _left(journal)
    await nobody_else(session.runs, journal.release, journal.namespace)
    running = await latest(session.kube, journal.namespace, journal.release)
    _as_left(journal, left, running.revision if running else None)
    session = replace(session, config=await _config(session, run, scratch / "before"))
    looked = await look(session, playbook, scratch)
    # Looking takes its time, and what is confirmed next is the World.
    _as_left(journal, left, looked.world.release.revision)
    return session, looked


def _left(journal: Journal) -> int:
    """The revision that a finished run left the release at."""
    run = journal.run
    if journal.status == "rolled-back":
        raise BlueshiftError(
            f"run {run} was rolled back: there is nothing to revert",
            hint=f"`blueshift show {run}` tells how it went",
        )
    if journal.status not in OVER:
        raise BlueshiftError(
            f"run {run} is not over: it is {journal.status}, and only what has succeeded is reverted",
            hint=f"`blueshift rollback {run}` takes it back where it stands",
        )
    if fact_name(Upgraded) not in journal.facts:
        raise BlueshiftError(
            f"run {run} has upgraded nothing: its playbook {journal.playbook} has no such step",
            hint="`blueshift history` lists the runs and what became of the chart",
        )
    return journal.fact(Upgraded).revision


def _as_left(journal: Journal, left: int, found: int | None) -> None:
    """What somebody did since is not undone by the way."""
    if found == left:
        return
    release = f"{journal.namespace}/{journal.release}"
    now = "gone" if found is None else f"at revision {found}"
    raise Refused(
        f"{release} is {now}, and run {journal.run} left it at revision {left}: "
        "what was done since would be lost; nothing was changed",
        hint=f"`helm history {journal.release} -n {journal.namespace}` and `blueshift history` show what was "
        "done since; `blueshift upgrade --chart REF` goes to a chart that you name",
    )


async def _config(session: Session, run: str, folder: Path) -> Config:
    """The session's settings, with chart and values of the release record that the run kept."""
    kept = await session.runs.kept(run, "release")
    if kept is None:
        raise BlueshiftError(
            f"the copy of the old release that run {run} kept is gone",
            hint="`blueshift upgrade --chart REF` goes to a chart that you name",
        )
    before = decode_secret({"data": kept})
    return msgspec.structs.replace(
        session.config,
        chart=Chart(path=str(write_chart(before, folder))),
        values=Values(base="chart", inline=before.values),
    )
