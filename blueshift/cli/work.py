"""What `upgrade`, `plan`, `check` and `resume` do with `app`: open, show, ask, map outcomes to exit codes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from blueshift.app import claims, configuration, offline, plans, runs, windows
from blueshift.app.carry import speaker
from blueshift.app.inputs import Frozen
from blueshift.app.look import Looked, look
from blueshift.app.session import Session, connect, open_session
from blueshift.app.tools import places
from blueshift.app.turn import Ask
from blueshift.cli.errors import ExitCode
from blueshift.cli.output import confirmed, say
from blueshift.clock import SystemClock
from blueshift.engine.journal import OnFailure
from blueshift.engine.loop import Outcome
from blueshift.engine.store import Runs
from blueshift.playbook.config import Config
from blueshift.playbook.schema import Playbook
from blueshift.preflight.protocol import failed
from blueshift.preflight.run import run_all
from blueshift.report import choose
from blueshift.report.findings import findings_text, notes_text
from blueshift.report.plan import back_text, plan_text


@dataclass(frozen=True)
class Wanted:
    """The options that say what to do, as they were given."""

    config: Path
    kubeconfig: Path | None
    context: str | None
    state_namespace: str
    playbook: str | None = None
    sets: tuple[str, ...] = ()
    to_version: str | None = None
    chart: str | None = None
    hooks: Path | None = None

    def settings(self) -> Config:
        """The settings file with the options laid over it."""
        return self.over(configuration.from_file(self.config))

    def over(self, config: Config) -> Config:
        """Settings with the options laid over them."""
        chart = config.chart
        if self.chart is not None:
            chart = configuration.chart_of(self.chart, self.to_version)
        elif self.to_version is not None:
            chart = configuration.with_version(chart, self.to_version)
        cluster = config.cluster
        if self.state_namespace != configuration.STATE_NAMESPACE:  # given: an option wins over the file
            cluster = msgspec.structs.replace(cluster, state_namespace=self.state_namespace)
        return msgspec.structs.replace(config, chart=chart, cluster=cluster)


@asynccontextmanager
async def looked_at(
    wanted: Wanted, *, alone: bool = False
) -> AsyncIterator[tuple[Session, Looked, Playbook]]:
    """Open the session and look once.

    `alone`: not while a run of the release is not over. Its temporary and the names that it moved would
    fail checks with remedies that would break it.
    """
    config = wanted.settings()
    playbook = configuration.playbook(config, name=wanted.playbook, sets=wanted.sets, hooks=wanted.hooks)
    kubeconfig = str(wanted.kubeconfig) if wanted.kubeconfig else None
    async with open_session(config, SystemClock(), kubeconfig=kubeconfig, context=wanted.context) as session:
        if alone:
            await claims.nobody_else(session.runs, config.release.name, config.release.namespace)
        with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
            say(f"looking at {session.cluster.server} and DNS …")
            yield session, await look(session, playbook, Path(scratch)), playbook


async def upgrade_release(
    wanted: Wanted,
    plan_file: Path | None,
    yes: bool,
    output: str | None,
    on_failure: OnFailure,
    stopping: asyncio.Event,
    park: bool,
) -> ExitCode:
    """The whole command."""
    planned = plans.load(plan_file) if plan_file else None
    wished = (
        plans.playbook_of(planned)
        if planned
        else configuration.playbook(wanted.settings(), name=wanted.playbook, sets=wanted.sets)
    )
    if why := windows.closed(wished, SystemClock().utc()):
        say(f"skipped: {why}; nothing was changed")
        return ExitCode.SKIPPED
    async with looked_at(wanted, alone=True) as (session, looked, playbook):
        if planned:
            playbook = configuration.with_hooks(plans.playbook_of(planned), wanted.hooks)
            if stale := runs.changed(planned.world, looked.world):
                click.echo(f"error: the plan is stale: {stale}", err=True)
                click.echo("hint: plan again: `blueshift plan -o FILE`", err=True)
                return ExitCode.REFUSED
        findings = run_all(looked.world)
        if bad := failed(findings):
            click.echo(findings_text(findings), err=True)
            click.echo(f"error: {len(bad)} checks failed; nothing was changed", err=True)
            return ExitCode.REFUSED
        if offline.nothing_to_do(looked.world):
            say("skipped: hardening and target would change no object of the release; nothing was changed")
            return ExitCode.SKIPPED
        run = runs.new_id(session)
        if not yes:
            click.echo(plan_text(plans.plan(looked.world, playbook, places(session), run)))
        say(notes_text(findings))
        if stopping.is_set():
            return _nothing_begun()
        if not yes:
            cluster = session.cluster
            question = f"Run this on {cluster.server} (kube-system UID {cluster.uid})?"
            if not confirmed(question):
                say("nothing was changed")
                return ExitCode.ERROR
        say(f"run {run} begins; `blueshift status {run}` shows it from anywhere")
        with choose(output, run) as emit:
            try:
                outcome = await runs.start(
                    session, looked, playbook, run, emit, stopping, on_failure=on_failure, park=park
                )
            except runs.Refused as refused:
                click.echo(f"error: {refused}", err=True)
                click.echo(f"hint: {refused.hint}", err=True)
                return ExitCode.REFUSED
            except runs.Stopped:
                return _nothing_begun()
        return told(run, outcome)


def _nothing_begun() -> ExitCode:
    say("interrupted: nothing was changed")
    return ExitCode.INTERRUPTED


@asynccontextmanager
async def session_of(
    run: str,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    hooks: Path | None = None,
) -> AsyncIterator[tuple[Session, Frozen]]:
    """The session that a run froze: it needs no settings file. `hooks` is this machine's folder of them."""
    clock = SystemClock()
    path = str(kubeconfig) if kubeconfig else None
    async with connect(clock, kubeconfig=path, context=context) as kube:
        frozen: Frozen = await runs.frozen_of(Runs(kube, clock, state_namespace), run)
    playbook = configuration.with_hooks(plans.playbook_of(frozen), hooks)
    frozen = msgspec.structs.replace(frozen, hooks=playbook.hooks)
    config = configuration.thaw(frozen.config, state_namespace)
    async with open_session(config, clock, kubeconfig=path, context=context) as session:
        yield session, frozen


async def resume_run(
    run: str,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str | None,
    stopping: asyncio.Event,
    hooks: Path | None,
    park: bool,
) -> ExitCode:
    """Carry a run on from what the cluster holds of it."""
    async with session_of(run, kubeconfig, context, state_namespace, hooks) as (session, frozen):
        with choose(output, run) as emit:
            outcome = await runs.resume(session, frozen, run, emit, stopping, park=park)
        return told(run, outcome)


async def take_over_run(
    run: str,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str | None,
    stopping: asyncio.Event,
    hooks: Path | None,
    *,
    reason: str,
    yes: bool,
) -> ExitCode:
    """Say who carries a run, ask, and carry it on instead."""
    async with session_of(run, kubeconfig, context, state_namespace, hooks) as (session, frozen):
        claim = await claims.carrier(session.runs, (await runs.carriable(session, run)).journal)
        say(f"run {run} is carried by {claim.holder} since {claim.since}")
        if not yes and not confirmed(f"Take it from them on {session.cluster.server}?"):
            say("nothing was changed")
            return ExitCode.ERROR
        over = claims.TakeOver(claim.holder, reason)
        with choose(output, run) as emit:
            try:
                outcome = await runs.resume(session, frozen, run, emit, stopping, over=over)
            except runs.Stopped:
                return _nothing_begun()
        return told(run, outcome)


async def rollback_run(
    run: str,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str | None,
    stopping: asyncio.Event,
    hooks: Path | None,
    *,
    reason: str,
    yes: bool,
    park: bool,
) -> ExitCode:
    """Show the way back, ask, and take a run back."""
    async with session_of(run, kubeconfig, context, state_namespace, hooks) as (session, frozen):
        if not yes:
            click.echo(back_text(run, await runs.preview_back(session, frozen, run)))
            if not confirmed(f"Take run {run} back on {session.cluster.server}?"):
                say("nothing was changed")
                return ExitCode.ERROR
        by = await speaker(session.kube)
        ask = Ask("back", by.name, reason)
        with choose(output, run) as emit:
            try:
                outcome = await runs.resume(session, frozen, run, emit, stopping, ask=ask, park=park)
            except runs.Stopped:
                return _nothing_begun()
        return told(run, outcome)


def told(run: str, outcome: Outcome) -> ExitCode:
    """Say how it ended and what comes next; the exit code."""
    if outcome.status == "succeeded":
        say(f"run {run} succeeded")
        return ExitCode.DONE
    if outcome.status == "rolled-back":
        say(f"run {run} was rolled back: {outcome.said}")
        return ExitCode.ROLLED_BACK
    if outcome.status == "parked":
        when = f"at {outcome.until:%Y-%m-%d %H:%M:%S} UTC" if outcome.until else "when its gate is open"
        say(f"run {run} is {outcome.said}")
        say(f"  come back {when}:\n    blueshift resume {run} --park")
        return ExitCode.SKIPPED
    if outcome.status == "interrupted":
        say(f"run {run} was interrupted in {outcome.step}; carry on: blueshift resume {run}")
        return ExitCode.INTERRUPTED
    say(f"run {run} holds in {outcome.step}: {outcome.said}")
    say(f"  try again, when the cause is mended:\n    blueshift resume {run}")
    if not outcome.step.startswith("back"):
        say(f"  take the run back:\n    blueshift rollback {run}")
    for way in outcome.ways:
        say(f"  {way.what}" + (f":\n    {way.command}" if way.command else ""))
    return ExitCode.HOLDING
