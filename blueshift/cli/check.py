"""`blueshift check`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.complete import checks
from blueshift.cli.errors import ExitCode
from blueshift.cli.options import (
    cluster_options,
    config_option,
    group_option,
    output_of,
    run_async,
    waivers_options,
)
from blueshift.cli.output import print_json, print_table, say
from blueshift.errors import BlueshiftError

if TYPE_CHECKING:
    from blueshift.cli.work import Wanted
    from blueshift.preflight.protocol import Finding
    from blueshift.preflight.waivers import Waivers


@click.command()
@config_option
@group_option
@cluster_options
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    shell_complete=checks,
    help="Run this check alone; may be repeated.",
)
@waivers_options
@click.option("--list", "listed", is_flag=True, help="Show the checks and run none.")
@click.option(
    "--world",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Check a saved World (`plan --save-world`): no cluster is asked.",
)
@output_of("table", "json", "junit")
@click.pass_context
def check(
    ctx: click.Context,
    config: Path,
    group: str | None,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    acknowledge: tuple[str, ...],
    listed: bool,
    world: Path | None,
    output: str,
) -> ExitCode:
    """Run every preflight check and show all results at once; change nothing.

    Looks at the release, the cluster and DNS as an upgrade would, and says what was seen and what to do
    about it. DNS is sent signed updates that write what stands already, to see that the key may. What could
    not be looked at is never a pass. What is skipped or acknowledged is listed as such, as an upgrade with
    the same options does.

    \b
    Exit codes: 0 an upgrade may start; 3 a check failed.

    \b
        blueshift check
        blueshift check --list
        blueshift check --only dns-update-rights -o json
        blueshift check -o junit > preflight.xml
    """
    if listed:
        return _list(output)
    from blueshift.preflight.run import known
    from blueshift.preflight.waivers import given

    known(only)
    waivers = given(skip, acknowledge)
    if world is not None:
        named = ctx.get_parameter_source("config") is not click.core.ParameterSource.DEFAULT
        return _saved(world, config, named, only, waivers, output)
    from blueshift.cli.work import Wanted

    wanted = Wanted(config, kubeconfig, context, state_namespace, group=group)
    return run_async(_check(wanted, only, waivers, output))


def _list(output: str) -> ExitCode:
    from blueshift.preflight.run import listing

    checks = list(listing())
    if output == "junit":
        raise BlueshiftError(
            "a list has no results: nothing is run", hint="`blueshift check --list -o json` is for programs"
        )
    if output == "json":
        keys = ("id", "severity", "area", "summary", "link")
        print_json(tuple({key: getattr(one, key) for key in keys} for one in checks))
    else:
        rows = [(one.id, one.severity, one.summary) for one in checks]
        print_table(("check", "severity", "makes sure that"), rows)
    return ExitCode.DONE


def _saved(
    file: Path, config: Path, named: bool, only: Sequence[str], waivers: Waivers, output: str
) -> ExitCode:
    from blueshift.app.offline import beside
    from blueshift.discovery.world import load
    from blueshift.preflight.waivers import judged

    world = load(file)
    settings = beside(world, config, required=named)
    settled = settings.checks.acknowledged if settings else ()
    return _told(judged(world, waivers, settled, only=only), waivers, output)


async def _check(wanted: Wanted, only: Sequence[str], waivers: Waivers, output: str) -> ExitCode:
    from blueshift.cli.work import looked_at
    from blueshift.preflight.waivers import judged

    async with looked_at(wanted) as (session, looked, _playbook):
        settled = session.config.checks.acknowledged
        return _told(judged(looked.world, waivers, settled, only=only), waivers, output)


def _told(findings: Sequence[Finding], waivers: Waivers, output: str) -> ExitCode:
    from blueshift.preflight.protocol import failed
    from blueshift.report.findings import findings_text

    bad = failed(findings)
    if output == "json":
        print_json(tuple(findings))
    elif output == "junit":
        from blueshift.report.junit import junit_text

        click.echo(junit_text(findings), nl=False)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        click.echo(findings_text(findings, width=width))
        after = f" with {' '.join(f'--skip {one}' for one in waivers.errors)}" if waivers.errors else ""
        say("an upgrade would be refused" if bad else f"an upgrade may start; next: blueshift plan{after}")
    return ExitCode.REFUSED if bad else ExitCode.DONE
