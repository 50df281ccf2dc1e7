"""`blueshift plan`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.errors import ExitCode
from blueshift.cli.options import (
    cluster_options,
    config_option,
    groups_option,
    hooks_option,
    playbook_option,
    run_async,
    sets_option,
    waivers_options,
)
from blueshift.cli.output import say
from blueshift.errors import BlueshiftError

if TYPE_CHECKING:
    from blueshift.app.inputs import Frozen
    from blueshift.app.plans import Plan
    from blueshift.cli.work import Wanted
    from blueshift.playbook.config import Config
    from blueshift.playbook.schema import Playbook
    from blueshift.preflight.waivers import Waivers

# What other commands call formats: nobody means a file of that name.
_NO_FORMATS = ("yaml", "yml", "text", "plain", "wide", "name")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@config_option
@groups_option
@cluster_options
@playbook_option
@sets_option
@click.option("--to-version", metavar="V", help="Chart version of the target, instead of the settings'.")
@click.option(
    "--chart", metavar="REF", help="Chart of the target: a folder, .tgz, oci://… or https://REPO/NAME."
)
@hooks_option
@waivers_options
@click.option("--world", type=_FILE, metavar="FILE", help="Plan on a saved World: no cluster is asked.")
@click.option("--save-world", type=_FILE, metavar="FILE", help="Also keep what was seen, for --world.")
@click.option("--full", is_flag=True, help="Whole diffs, however long.")
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit 2 if an upgrade would change the release, 0 if not."
)
@click.option(
    "-o",
    "--output",
    default="table",
    show_default=True,
    metavar="table|json|FILE",
    help="For people, for programs, or into a file for `upgrade --plan FILE`.",
)
@click.pass_context
def plan(
    ctx: click.Context,
    config: Path,
    groups: tuple[str, ...],
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    playbook: str | None,
    sets: tuple[str, ...],
    to_version: str | None,
    chart: str | None,
    hooks: Path | None,
    skip: tuple[str, ...],
    acknowledge: tuple[str, ...],
    world: Path | None,
    save_world: Path | None,
    full: bool,
    detailed_exitcode: bool,
    output: str,
) -> ExitCode:
    """Show what an upgrade would do: every step, its waits, and the way back.

    Each step is shown with its changes as diffs, what it waits for and how long, and the exact helm, kubectl
    and nsupdate commands that lead back. Nothing is changed; DNS is sent signed updates that write what
    stands already.

    A plan in a file is a contract: `upgrade --plan FILE` does exactly that, and refuses when release,
    addresses or records are no longer as they were. What is skipped or acknowledged here is so there as
    well; a check that could stop it is skipped there by naming the release, and not before.

    \b
    Exit codes: 0 shown; 2 with --detailed-exitcode, changes are pending; 3 a check failed: an upgrade
    would be refused.

    \b
        blueshift plan
        blueshift plan -o plan.json && blueshift upgrade --plan plan.json
        blueshift plan --save-world world.json
        blueshift plan --world world.json --set soak.lasts=10m
        blueshift plan --group internal
    """
    if output in _NO_FORMATS:
        raise BlueshiftError(
            f"a plan has no format {output}",
            hint="`-o json` prints it for programs, `-o plan.json` saves it; "
            f"for a file of that name: `-o ./{output}`",
        )
    from blueshift.preflight.waivers import given as waived

    waivers = waived(skip, acknowledge)
    show = Show(output, full, detailed_exitcode)
    if world is None:
        from blueshift.cli.work import Wanted

        wanted = Wanted(
            config, kubeconfig, context, state_namespace, playbook, sets, to_version, chart, hooks
        )
        return _of_groups(wanted, groups, save_world, show, waivers)
    if groups:
        raise BlueshiftError(
            "a saved World is of one release: --world and --group exclude each other",
            hint="leave out --group: whose World it is is in it",
        )
    if chart or to_version or save_world:
        raise BlueshiftError(
            "--chart, --to-version and --save-world need a cluster, and --world asks none",
            hint="leave out --world, or plan for the target that the World was saved with",
        )
    given = ctx.get_parameter_source("config") is not click.core.ParameterSource.DEFAULT
    return _saved(world, config, given, playbook, sets, hooks, kubeconfig, context, show, waivers)


class Show:
    """How the plan is to be shown."""

    def __init__(self, output: str, full: bool, detailed: bool) -> None:
        self.output = output
        self.full = full
        self.detailed = detailed

    def plan(self, plan: Plan, frozen: Callable[[], Frozen], *, pending: bool) -> ExitCode:
        """Print it, and write it to the file that was named."""
        from blueshift.app import plans

        file = None if self.output in ("table", "json") else Path(self.output)
        if file is not None:
            _written(file, lambda: plans.save(frozen(), file))
        self.only(plan)
        if file is not None:
            say(f"saved to {file}; run exactly this: blueshift upgrade --plan {file}")
        return ExitCode.CHANGES_PENDING if self.detailed and pending else ExitCode.DONE

    def only(self, plan: Plan) -> None:
        """Print it, and write no file."""
        from blueshift.report.plan import MOST_LINES, plan_text

        if self.output == "json":
            from blueshift.cli.output import print_json

            print_json(plan)
            return

        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        click.echo(plan_text(plan, colour=colour, most_lines=None if self.full else MOST_LINES))


def _of_groups(
    wanted: Wanted, groups: tuple[str, ...], save_world: Path | None, show: Show, waivers: Waivers
) -> ExitCode:
    """The plan of one release, or those of a walk in its order; a refusal counts most."""
    from blueshift.cli.walk import groups_of, loaded_of

    walked = groups_of(wanted, groups)
    if len(walked) < 2:
        wanted = replace(wanted, group=walked[0] if walked else None)
        return run_async(_live(wanted, save_world, show, waivers))
    if show.output != "table" or save_world is not None:
        raise BlueshiftError(
            f"there is a plan for each of {len(walked)} groups: {', '.join(walked)}",
            hint=f"JSON and files are of one: `--group {walked[0]}`",
        )
    codes = []
    for at, (one, loaded) in enumerate(loaded_of(wanted, walked), 1):
        say(f"group {one.group} ({at} of {len(walked)})")
        codes.append(run_async(_live(one, None, show, waivers, loaded)))
    return next((code for code in codes if code == ExitCode.REFUSED), max(codes))


async def _live(
    wanted: Wanted,
    save_world: Path | None,
    show: Show,
    waivers: Waivers,
    loaded: tuple[Config, Playbook] | None = None,
) -> ExitCode:
    from blueshift.app import offline, plans
    from blueshift.app.tools import places
    from blueshift.cli.work import looked_at
    from blueshift.discovery import world as worlds
    from blueshift.preflight.protocol import failed
    from blueshift.preflight.waivers import judged
    from blueshift.report.findings import findings_text, notes_text

    async with looked_at(wanted, loaded) as (session, looked, playbook):
        world = looked.world
        if save_world is not None:
            _written(save_world, lambda: worlds.save(world, save_world))
        now = session.clock.utc()
        plan = plans.plan(world, playbook, places(session), now, skipped=waivers.skip)
        findings = judged(world, waivers, session.config.checks.acknowledged)
        if bad := failed(findings):
            show.only(plan)
            click.echo(findings_text(bad), err=True)
            click.echo(f"error: {len(bad)} of the checks failed: an upgrade would be refused", err=True)
            click.echo("hint: `blueshift check` shows all checks; nothing was changed", err=True)
            return ExitCode.REFUSED
        pending = not offline.nothing_to_do(world)
        code = show.plan(
            plan, lambda: offline.freeze(world, session.config, playbook, waivers), pending=pending
        )
        say(notes_text(findings))
        return code


def _saved(
    world: Path,
    config: Path,
    given: bool,
    playbook: str | None,
    sets: tuple[str, ...],
    hooks: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    show: Show,
    waivers: Waivers,
) -> ExitCode:
    from blueshift.app import offline
    from blueshift.clock import SystemClock

    saved = offline.read(
        world, config, required=given, playbook=playbook, sets=sets, hooks=hooks, waivers=waivers
    )
    plan = offline.plan(
        saved, SystemClock().utc(), kubeconfig=str(kubeconfig) if kubeconfig else None, context=context
    )
    return show.plan(plan, lambda: offline.frozen(saved), pending=not offline.nothing_to_do(saved.world))


def _written(file: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        raise BlueshiftError(
            f"cannot be written: {error.strerror}", place=str(file), hint="name another file"
        ) from None
