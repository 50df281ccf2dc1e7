"""Open a run, resume one, list them, approve a gate: the library API that commands call."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from pathlib import Path

from blueshift import events
from blueshift.app import configuration, inputs
from blueshift.app.carry import carry, holder, user
from blueshift.app.kinds import compile_track
from blueshift.app.look import Looked, look
from blueshift.app.session import Session
from blueshift.app.tools import build
from blueshift.cluster import paths
from blueshift.controllers.registry import load as load_profile
from blueshift.discovery.world import World, contract, contract_hash
from blueshift.engine import control
from blueshift.engine.journal import Approval, Journal, Resumed
from blueshift.engine.lease import Lease
from blueshift.engine.loop import Outcome
from blueshift.engine.state import State
from blueshift.engine.store import Runs, Writer
from blueshift.engine.view import View
from blueshift.errors import BlueshiftError
from blueshift.helm.charts import read_chart
from blueshift.helm.records import decode_secret, secret_name, write_chart
from blueshift.playbook.schema import Playbook
from blueshift.steps.revisions import Revisions


class Refused(BlueshiftError):
    """The preflight failed, or the plan is stale: nothing was changed (exit 3)."""


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
) -> Outcome:
    """Open a run on a confirmed plan and carry it. Raises Refused when the world has changed since."""
    release = looked.world.release
    await _nobody_else(session, release.name, release.namespace)
    lease = Lease(session.kube, session.clock, release.namespace, release.name, holder())
    await lease.acquire(run)
    try:
        with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
            fresh = await look(session, playbook, Path(scratch))
            if stale := changed(looked.world, fresh.world):
                raise Refused(f"the plan is stale: {stale}", hint="plan again: `blueshift plan`")
            writer = await _create(session, looked, playbook, run, lease.holder)
            tools = build(
                session,
                run,
                looked.world,
                looked.profile,
                looked.revisions,
                View(writer, session.clock),
                emit,
            )
            steps = compile_track(playbook, tools)
            return await carry(session, writer, tools, steps, lease, emit, stopping)
    except BaseException:
        await lease.release(finished=False)
        raise


async def frozen_of(runs: Runs, run: str) -> inputs.Frozen:
    """What a run froze: by it a resume needs no blueshift.yaml. Raises BlueshiftError for an unknown run."""
    await runs.open(run)
    return inputs.read(await runs.inputs(run))


async def resume(
    session: Session, frozen: inputs.Frozen, run: str, emit: events.Emit, stopping: asyncio.Event
) -> Outcome:
    """Carry a run on from its journal. Raises BlueshiftError for one that ended or is not of this cluster."""
    writer = await session.runs.open(run)
    journal = writer.journal
    if journal.cluster != session.cluster.uid:
        raise BlueshiftError(
            f"run {run} belongs to the cluster {journal.cluster}, and this one is {session.cluster.uid}",
            hint="name the right one by --kubeconfig or --context",
        )
    if journal.status == "succeeded":
        raise BlueshiftError(f"run {run} has succeeded: there is nothing to resume")
    lease = Lease(session.kube, session.clock, journal.namespace, journal.release, holder())
    await lease.acquire(run)
    try:
        with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
            revisions = await _thaw(session, frozen, run, Path(scratch))
            await writer.write(Resumed(lease.holder))
            tools = build(
                session,
                run,
                frozen.world,
                load_profile(frozen.profile),
                revisions,
                View(writer, session.clock),
                emit,
            )
            steps = compile_track(inputs.thaw_steps(frozen), tools)
            return await carry(session, writer, tools, steps, lease, emit, stopping)
    except BaseException:
        await lease.release(finished=False)
        raise


async def approve(runs: Runs, run: str, gate: str, reason: str = "") -> Approval:
    """Open the gate at which a run waits."""
    writer = await runs.open(run)
    namespace = f"{runs.namespace}-control"
    return await control.approve(
        runs.kube, namespace, writer.journal, gate, by=user(), at=runs.clock.utc(), reason=reason
    )


async def unfinished(runs: Runs, release: str, namespace: str) -> list[Journal]:
    """Runs of a release that have not succeeded."""
    return [
        journal
        for journal in await runs.all()
        if (journal.release, journal.namespace) == (release, namespace) and journal.status != "succeeded"
    ]


async def _nobody_else(session: Session, release: str, namespace: str) -> None:
    for journal in await unfinished(session.runs, release, namespace):
        why = f" ({journal.said})" if journal.said else ""
        raise BlueshiftError(
            f"run {journal.run} of {release} is not over: it is {journal.status}, "
            f"held by {journal.holder or 'nobody'} since {journal.created:%Y-%m-%d %H:%M} UTC{why}",
            hint=f"`blueshift status {journal.run}` shows it, `blueshift resume {journal.run}` carries it on",
        )


def changed(planned: World, now: World) -> str:
    """What the plan stands or falls with and is no longer as it was; empty when all of it is."""
    before, after = contract(planned), contract(now)
    told = [f"{field}: {before[field]} → {after[field]}" for field in before if before[field] != after[field]]
    return "; ".join(told)[:500]


async def _create(session: Session, looked: Looked, playbook: Playbook, run: str, by: str) -> Writer:
    world = looked.world
    frozen = inputs.Frozen(
        world,
        playbook.name,
        inputs.freeze_steps(playbook),
        configuration.freeze(session.config, looked.profile.name),
        looked.profile.name,
    )
    journal = Journal(
        run=run,
        release=world.release.name,
        namespace=world.release.namespace,
        cluster=world.cluster.uid,
        plan=contract_hash(world),
        playbook=playbook.name,
        created=session.clock.utc(),
        track=looked.track(session, playbook),
        holder=by,
        state=State(),
    )
    revisions = looked.revisions
    data = inputs.write(frozen, revisions.target_chart.path, revisions.target_values)
    return await session.runs.create(journal, data)


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
