"""What `upgrade`, `plan` and `check` do with `app`: open, look, show, ask, begin; `revert` begins as well."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
import msgspec

from blueshift.app import claims, configuration, offline, plans, runs, target, windows
from blueshift.app.kinds import accepting_remaining
from blueshift.app.look import Looked, look
from blueshift.app.session import Session, open_session
from blueshift.app.tools import places
from blueshift.cli.errors import ExitCode
from blueshift.cli.outcome import nothing_begun, refused, told
from blueshift.cli.output import confirmed, say, typed
from blueshift.clock import SystemClock
from blueshift.discovery.world import World, contract
from blueshift.engine.journal import OnFailure
from blueshift.playbook.config import Config, Release
from blueshift.playbook.schema import Playbook
from blueshift.preflight.protocol import failed
from blueshift.preflight.waivers import NONE, Waivers, judged
from blueshift.report import choose
from blueshift.report.findings import findings_text, notes_text
from blueshift.report.plan import plan_text


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
    group: str | None = None
    accepting: bool = False
    """Whether drains go on with a named rest."""

    def settings(self) -> Config:
        """The settings file with the options laid over it."""
        return self.over(configuration.from_file(self.config, self.group))

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

    def loaded(self) -> tuple[Config, Playbook]:
        """The settings, and the playbook that they or the options name."""
        return self._with_playbook(self.settings())

    def beside(self, world: World) -> tuple[Config, Playbook]:
        """The same, with the settings of a World's release: a plan file says which of the groups it is."""
        release = Release(world.release.name, world.release.namespace)
        return self._with_playbook(self.over(configuration.written(self.config).beside(release)))

    def _with_playbook(self, config: Config) -> tuple[Config, Playbook]:
        found = configuration.playbook(config, name=self.playbook, sets=self.sets, hooks=self.hooks)
        return config, accepting_remaining(found) if self.accepting else found


@dataclass(frozen=True)
class Manner:
    """The options that say how a run is begun, as they were given."""

    yes: bool
    output: str | None
    on_failure: OnFailure
    park: bool
    waivers: Waivers = NONE
    skip_confirmed: str = ""
    """The release's name, given in advance."""

    @property
    def unconfirmed(self) -> bool:
        """Whether it skips what could stop an upgrade, and the release was not named for that."""
        return bool(self.waivers.errors) and not self.skip_confirmed


@asynccontextmanager
async def looked_at(
    wanted: Wanted, loaded: tuple[Config, Playbook] | None = None, *, alone: bool = False
) -> AsyncIterator[tuple[Session, Looked, Playbook]]:
    """Open the session and look once, by what was `loaded` already or is now.

    `alone`: not while a run of the release is not over. Its temporary and the names that it moved would
    fail checks with remedies that would break it.
    """
    config, playbook = loaded or wanted.loaded()
    with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
        await asyncio.to_thread(target.readable, config, Path(scratch))
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
    manner: Manner,
    stopping: asyncio.Event,
) -> ExitCode:
    """The whole command."""
    planned = plans.load(plan_file) if plan_file else None
    if planned:
        loaded = wanted.beside(planned.world)
        wished, release = plans.playbook_of(planned), planned.world.release.name
        manner = replace(manner, waivers=planned.waivers.with_those_of(manner.waivers))
    else:
        loaded = wanted.loaded()
        wished, release = loaded[1], loaded[0].release.name
    if why := unnamed(manner, release):
        return refused(why)
    if outside_window(wished):
        return ExitCode.SKIPPED
    async with looked_at(wanted, loaded, alone=True) as (session, looked, playbook):
        if planned:
            playbook = configuration.with_hooks(plans.playbook_of(planned), wanted.hooks)
            if stale := runs.changed(planned.world, contract(looked.world)):
                again = "plan again: `blueshift plan -o FILE`"
                return refused(runs.Refused(f"the plan is stale: {stale}", hint=again))
        return await begin(session, looked, playbook, manner, stopping)


def outside_window(playbook: Playbook) -> bool:
    """Whether the playbook may not begin now; then it is said."""
    why = windows.closed(playbook, SystemClock().utc())
    if why:
        say(f"skipped: {why}; nothing was changed")
    return bool(why)


def unnamed(manner: Manner, release: str) -> runs.Refused | None:
    """Why checks that could stop an upgrade are not skipped: the release was not named for that."""
    skipped, said = ", ".join(manner.waivers.errors), manner.skip_confirmed
    if not skipped or said == release:
        return None
    hint = f"`--skip-confirmed {release}` names it in advance"
    if said:
        return runs.Refused(
            f"--skip-confirmed names {said}, and the release is {release}; nothing was changed", hint=hint
        )
    if manner.yes or not sys.stdin.isatty():
        return runs.Refused(
            f"--skip {skipped} needs the name of the release, and nobody is asked here; nothing was changed",
            hint=hint,
        )
    return None


async def begin(
    session: Session,
    looked: Looked,
    playbook: Playbook,
    manner: Manner,
    stopping: asyncio.Event,
    *,
    reverts: str = "",
) -> ExitCode:
    """Check, show, ask, and run; `reverts` is the finished run that is taken back."""
    skipped = manner.waivers.skip
    findings = judged(looked.world, manner.waivers, session.config.checks.acknowledged)
    if bad := failed(findings):
        click.echo(findings_text(findings), err=True)
        click.echo(f"error: {len(bad)} checks failed; nothing was changed", err=True)
        return ExitCode.REFUSED
    if offline.nothing_to_do(looked.world):
        say("skipped: hardening and target would change no object of the release; nothing was changed")
        return ExitCode.SKIPPED
    run = runs.new_id(session)
    if not manner.yes:
        now = session.clock.utc()
        plan = plans.plan(looked.world, playbook, places(session), now, run, skipped=skipped)
        click.echo(plan_text(plan))
    say(notes_text(findings))
    if stopping.is_set():
        return nothing_begun()
    if not manner.yes and (code := _asked(session, manner, looked.world.release.name)):
        return code
    say(f"run {run} begins; `blueshift status {run}` shows it from anywhere")
    with choose(manner.output, run) as emit:
        try:
            outcome = await runs.start(
                session,
                looked,
                playbook,
                run,
                emit,
                stopping,
                on_failure=manner.on_failure,
                park=manner.park,
                reverts=reverts,
                waivers=manner.waivers,
            )
        except runs.Refused as why:
            return refused(why)
        except runs.Stopped:
            return nothing_begun()
    return told(run, outcome)


def _asked(session: Session, manner: Manner, release: str) -> ExitCode:
    """Ask a person; DONE for a yes. A no to what skips checks that could stop it is a refusal of these."""
    cluster, skipped = session.cluster, ", ".join(manner.waivers.skip)
    without = f" without {skipped}" if skipped else ""
    question = f"Run this{without} on {cluster.server} (kube-system UID {cluster.uid})?"
    if not manner.unconfirmed:
        if confirmed(question):
            return ExitCode.DONE
        say("nothing was changed")
        return ExitCode.ERROR
    name = typed(f"{question} If so, type the name of the release")
    if name == release:
        return ExitCode.DONE
    said = f"{name} is not the name of the release" if name else "the name of the release was not typed"
    return refused(runs.Refused(f"{said}; nothing was changed"))
