"""Open a run, resume one, list them: the library API that commands call."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blueshift import __version__, events
from blueshift.app import inputs, offline
from blueshift.app.carry import carry, speaker
from blueshift.app.claims import TakeOver, claimed, lease_of, nobody_else, same_cluster
from blueshift.app.kinds import compile_entries, compile_track
from blueshift.app.look import Looked, look_again
from blueshift.app.plans import with_hooks
from blueshift.app.session import Session
from blueshift.app.tools import build
from blueshift.app.turn import Ask, survey, track_name, turned_steps
from blueshift.cluster import paths
from blueshift.controllers.registry import load as load_profile
from blueshift.discovery.world import World, contract, contract_hash
from blueshift.engine.entries import Resumed
from blueshift.engine.journal import OVER, Carried, Journal, OnFailure, Software, Versions, Waived
from blueshift.engine.loop import Outcome
from blueshift.engine.protocol import Step, StepPlan
from blueshift.engine.state import State
from blueshift.engine.store import Runs, Writer
from blueshift.engine.view import View
from blueshift.errors import BlueshiftError
from blueshift.helm.charts import read_chart
from blueshift.helm.records import decode_secret, secret_name, write_chart
from blueshift.playbook.schema import Playbook
from blueshift.preflight.waivers import NONE, Waivers, waived
from blueshift.steps.context import Tools
from blueshift.steps.revisions import Revisions


class Refused(BlueshiftError):
    """The preflight failed, or the plan is stale: nothing was changed (exit 3)."""


class Stopped(BlueshiftError):
    """A signal came before anything was changed (exit 130)."""


def new_id(session: Session) -> str:
    """A run id: the minute and four letters, short enough to type."""
    alphabet = "bcdfghjkmnpqrstvwxz23456789"
    tail = "".join(secrets.choice(alphabet) for _ in range(4))
    return f"{session.clock.utc():%m%d-%H%M}-{tail}"


async def start(
    session: Session,
    looked: Looked,
    playbook: Playbook,
    run: str,
    emit: events.Emit,
    stopping: asyncio.Event,
    *,
    on_failure: OnFailure = "hold",
    park: bool = False,
    reverts: str = "",
    waivers: Waivers = NONE,
) -> Outcome:
    """Open a run on a confirmed plan and carry it; `reverts` is the finished run that it takes back.

    Raises Refused when the world has changed since, BlueshiftError while another run of the release is not
    over, Stopped when `stopping` is set before the run exists.
    """
    release = looked.world.release
    await nobody_else(session.runs, release.name, release.namespace)
    lease = await claimed(session.runs, release.name, release.namespace, run)
    try:
        # Between the question above and the lease another operator may have opened a run.
        await nobody_else(session.runs, release.name, release.namespace)
        if stale := changed(looked.world, await look_again(session)):
            raise Refused(f"the plan is stale: {stale}", hint="plan again: `blueshift plan`")
        _not_stopped(stopping)
        writer = await _create(session, looked, playbook, run, lease.holder, on_failure, reverts, waivers)
        view = View(writer, session.clock)
        tools = build(
            session,
            run,
            looked.world,
            looked.profile,
            looked.revisions,
            view,
            emit,
            skipped=waivers.skip,
        )
        steps = compile_track(playbook, tools)
        return await carry(session, writer, tools, steps, playbook, lease, emit, stopping, park=park)
    except BaseException:
        await lease.release(finished=False)
        raise


async def frozen_of(runs: Runs, run: str) -> inputs.Frozen:
    """What a run froze: by it a resume needs no blueshift.yaml. Raises BlueshiftError for an unknown run."""
    await runs.open(run)
    return inputs.read(await runs.inputs(run))


async def resume(
    session: Session,
    frozen: inputs.Frozen,
    run: str,
    emit: events.Emit,
    stopping: asyncio.Event,
    *,
    ask: Ask | None = None,
    over: TakeOver | None = None,
    park: bool = False,
) -> Outcome:
    """Carry a run on from its journal, by way of `ask` if there is one, and taken from `over` if it is given.

    Raises BlueshiftError for a run that is over, is not of this cluster, or is on the track asked for, Held
    for one that a living process carries (`over` is given and is another one), and Stopped when `stopping` is
    set before it turns or is taken.
    """
    writer = await carriable(session, run)
    journal = writer.journal
    if ask is not None and journal.on == ask.to:
        raise BlueshiftError(
            f"run {run} is on its way {ask.to} already", hint=f"`blueshift resume {run}` carries it on"
        )
    if over is None:
        lease = await claimed(session.runs, journal.release, journal.namespace, run)
    else:
        _not_stopped(stopping)
        lease = lease_of(session.runs, journal.release, journal.namespace)
        await lease.seize(run, over.holder)
        # It may have written until this moment; from our first entry on it cannot.
        writer = await carriable(session, run)
    try:
        with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
            if ask is not None:
                _not_stopped(stopping)
            await writer.write(Resumed(lease.holder, over.reason if over else ""))
            tools, steps, playbook = await _rebuilt(session, frozen, writer, Path(scratch), emit)
            return await carry(
                session, writer, tools, steps, playbook, lease, emit, stopping, ask=ask, park=park
            )
    except BaseException:
        await lease.release(finished=False)
        raise


async def carriable(session: Session, run: str) -> Writer:
    """The journal of a run that can be carried on here. Raises BlueshiftError as `resume` does."""
    writer = await session.runs.open(run)
    journal = writer.journal
    same_cluster(run, journal.cluster, session.cluster.uid)
    if journal.status in OVER:
        raise BlueshiftError(
            f"run {run} is over: it has {journal.status.replace('-', ' ')}",
            hint=f"`blueshift show {run}` tells how it went"
            + (f", `blueshift revert {run}` takes it back" if journal.status == "succeeded" else ""),
        )
    return writer


async def preview_back(session: Session, frozen: inputs.Frozen, run: str) -> tuple[tuple[str, StepPlan], ...]:
    """The way back as it would be compiled now: step ids and plans. Changes nothing.

    Raises BlueshiftError where there is none, or where it cannot be told.
    """
    writer = await session.runs.open(run)
    with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
        tools, steps, playbook = await _rebuilt(session, frozen, writer, Path(scratch), lambda event: None)
        found = await survey(writer.journal, tools, steps, playbook, "back")
        back = compile_entries(track_name("back", writer.journal.turns + 1), found.entries, tools)
        return tuple(with_hooks(back, playbook.hooks))


async def _rebuilt(
    session: Session, frozen: inputs.Frozen, writer: Writer, scratch: Path, emit: events.Emit
) -> tuple[Tools, tuple[Step, ...], Playbook]:
    """Tools, the steps of the track that a run is on, and its playbook, from what the cluster holds of it."""
    journal = writer.journal
    tools = build(
        session,
        journal.run,
        frozen.world,
        load_profile(frozen.profile),
        await _thaw(session, frozen, journal.run, scratch),
        View(writer, session.clock),
        emit,
        skipped=frozen.waivers.skip,
    )
    playbook = inputs.thaw_steps(frozen)
    if journal.turn is not None:
        return tools, turned_steps(journal, journal.turn, tools), playbook
    return tools, compile_track(playbook, tools), playbook


def _not_stopped(stopping: asyncio.Event) -> None:
    if stopping.is_set():
        raise Stopped("interrupted: nothing was changed")


def changed(planned: World, now: Mapping[str, Any]) -> str:
    """What the plan stands or falls with and is no longer as it was; empty when all of it is.

    `now` are the fields of its contract, or those of them that were looked at again.
    """
    before = contract(planned)
    told = [f"{field}: {before[field]} → {after}" for field, after in now.items() if before[field] != after]
    return "; ".join(told)[:500]


async def _create(
    session: Session,
    looked: Looked,
    playbook: Playbook,
    run: str,
    by: str,
    on_failure: OnFailure,
    reverts: str,
    waivers: Waivers,
) -> Writer:
    world = looked.world
    frozen = offline.freeze(world, session.config, playbook, waivers)
    journal = Journal(
        run=run,
        release=world.release.name,
        namespace=world.release.namespace,
        cluster=world.cluster.uid,
        plan=contract_hash(world),
        playbook=playbook.name,
        created=session.clock.utc(),
        track=looked.track(session, playbook),
        chart=_versions(world, playbook),
        software=Software(__version__, str(session.helm.version), world.cluster.version),
        reverts=reverts,
        waived=await _waived(session, world, waivers),
        holder=by,
        carried=(Carried(1, by, session.clock.utc()),),
        state=State(),
        on_failure=on_failure,
    )
    revisions = looked.revisions
    data = inputs.write(frozen, revisions.target_chart.path, revisions.target_values)
    return await session.runs.create(journal, data)


async def _waived(session: Session, world: World, waivers: Waivers) -> tuple[Waived, ...]:
    """What is skipped and acknowledged, under the name that the cluster has for this user."""
    settled = session.config.checks.acknowledged
    if waivers == NONE and not settled:
        return ()
    return waived(world, waivers, settled, (await speaker(session.kube)).name)


def _versions(world: World, playbook: Playbook) -> Versions:
    """A playbook that upgrades nothing has a target all the same: that of the settings."""
    was = world.release
    if any(entry.kind == "upgrade" for entry in playbook.steps):
        becomes = world.target
        return Versions(was.chart_version, becomes.chart_version, was.app_version, becomes.app_version)
    return Versions(was.chart_version, was.chart_version, was.app_version, was.app_version)


async def _thaw(session: Session, frozen: inputs.Frozen, run: str, scratch: Path) -> Revisions:
    """The run's revisions, from its own copies of charts and values."""
    kept = await session.runs.kept(run, "release")
    release = frozen.world.release
    if kept is None:  # killed before the snapshot settled: Helm's own record is still the running one
        path = paths.core("secrets", release.namespace, secret_name(release.name, release.revision))
        kept = (await session.kube.get(path))["data"]
    record = decode_secret({"data": kept})
    chart, values = inputs.read_target(await session.runs.inputs(run), scratch / "target")
    return Revisions(
        load_profile(frozen.profile),
        running=read_chart(write_chart(record, scratch / "running")),
        running_values=record.values,
        target=read_chart(chart),
        target_values=values,
    )
