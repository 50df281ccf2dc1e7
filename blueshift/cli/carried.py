"""What `resume`, `takeover`, `rollback` and `revert` do with `app`: all begin at a run in the cluster."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from blueshift.app import claims, configuration, plans, revert, runs
from blueshift.app.carry import speaker
from blueshift.app.inputs import Frozen
from blueshift.app.session import Session, connect, open_session
from blueshift.app.turn import Ask
from blueshift.cli.errors import ExitCode
from blueshift.cli.outcome import nothing_begun, refused, told
from blueshift.cli.output import confirmed, say
from blueshift.cli.work import Manner, begin, outside_window, unnamed
from blueshift.clock import SystemClock
from blueshift.engine.store import Runs
from blueshift.report import choose
from blueshift.report.plan import back_text


@dataclass(frozen=True)
class Named:
    """The options that say which run is meant and how it is reached, as they were given."""

    run: str
    kubeconfig: Path | None
    context: str | None
    state_namespace: str
    hooks: Path | None
    output: str | None
    park: bool = False


async def resume_run(named: Named, stopping: asyncio.Event) -> ExitCode:
    """Carry a run on from what the cluster holds of it."""
    async with session_of(named) as (session, frozen):
        return await _carried(named, session, frozen, stopping)


async def take_over_run(named: Named, stopping: asyncio.Event, *, reason: str, yes: bool) -> ExitCode:
    """Say who carries a run, ask, and carry it on instead."""
    async with session_of(named) as (session, frozen):
        claim = await claims.carrier(session.runs, (await runs.carriable(session, named.run)).journal)
        say(f"run {named.run} is carried by {claim.holder} since {claim.since}")
        if not yes and not confirmed(f"Take it from them on {session.cluster.server}?"):
            say("nothing was changed")
            return ExitCode.ERROR
        over = claims.TakeOver(claim.holder, reason)
        return await _carried(named, session, frozen, stopping, over=over)


async def rollback_run(named: Named, stopping: asyncio.Event, *, reason: str, yes: bool) -> ExitCode:
    """Show the way back, ask, and take a run back."""
    async with session_of(named) as (session, frozen):
        if not yes:
            click.echo(back_text(named.run, await runs.preview_back(session, frozen, named.run)))
            if not confirmed(f"Take run {named.run} back on {session.cluster.server}?"):
                say("nothing was changed")
                return ExitCode.ERROR
        by = await speaker(session.kube)
        return await _carried(named, session, frozen, stopping, ask=Ask("back", by.name, reason))


async def revert_run(named: Named, stopping: asyncio.Event, manner: Manner) -> ExitCode:
    """A new run, by the playbook of a finished one, to what that one found."""
    async with session_of(named) as (finished, frozen):
        if why := unnamed(manner, finished.config.release.name):
            return refused(why)
        playbook = plans.playbook_of(frozen)
        if outside_window(playbook):
            return ExitCode.SKIPPED
        with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
            say(f"looking at {finished.cluster.server} and DNS …")
            try:
                session, looked = await revert.look_back(finished, playbook, named.run, Path(scratch))
            except runs.Refused as why:
                return refused(why)
            target = looked.world.target
            say(f"back to {target.chart} {target.chart_version}, with the values of then")
            return await begin(session, looked, playbook, manner, stopping, reverts=named.run)


@asynccontextmanager
async def session_of(named: Named) -> AsyncIterator[tuple[Session, Frozen]]:
    """The session that a run froze: it needs no settings file. Its hooks' folder is this machine's."""
    clock = SystemClock()
    path = str(named.kubeconfig) if named.kubeconfig else None
    async with connect(clock, kubeconfig=path, context=named.context) as kube:
        frozen: Frozen = await runs.frozen_of(Runs(kube, clock, named.state_namespace), named.run)
    playbook = configuration.with_hooks(plans.playbook_of(frozen), named.hooks)
    frozen = msgspec.structs.replace(frozen, hooks=playbook.hooks)
    config = configuration.thaw(frozen.config, named.state_namespace)
    async with open_session(config, clock, kubeconfig=path, context=named.context) as session:
        yield session, frozen


async def _carried(
    named: Named,
    session: Session,
    frozen: Frozen,
    stopping: asyncio.Event,
    *,
    ask: Ask | None = None,
    over: claims.TakeOver | None = None,
) -> ExitCode:
    with choose(named.output, named.run) as emit:
        try:
            outcome = await runs.resume(
                session, frozen, named.run, emit, stopping, ask=ask, over=over, park=named.park
            )
        except runs.Stopped:
            return nothing_begun()
    return told(named.run, outcome)
