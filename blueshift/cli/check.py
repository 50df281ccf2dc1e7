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
from blueshift.cli.options import cluster_options, config_option, facts_output, run_async
from blueshift.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from blueshift.cli.work import Wanted
    from blueshift.preflight.protocol import Finding


@click.command()
@config_option
@cluster_options
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    shell_complete=checks,
    help="Run this check alone; may be repeated.",
)
@click.option(
    "--skip",
    multiple=True,
    metavar="ID",
    shell_complete=checks,
    help="Leave this check out; may be repeated.",
)
@click.option("--list", "listed", is_flag=True, help="Show the checks and run none.")
@click.option(
    "--world",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Check a saved World (`plan --save-world`): no cluster is asked.",
)
@facts_output
def check(
    config: Path,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    listed: bool,
    world: Path | None,
    output: str,
) -> ExitCode:
    """Run every preflight check and show all results at once; change nothing.

    Looks at the release, the cluster and DNS as an upgrade would, and says what was seen and what to do
    about it. DNS is sent signed updates that write what stands already, to see that the key may. What could
    not be looked at is never a pass.

    \b
    Exit codes: 0 an upgrade may start; 3 a check failed.

    \b
        blueshift check
        blueshift check --list
        blueshift check --only dns-update-rights -o json
    """
    if listed:
        return _list(output)
    if world is not None:
        from blueshift.discovery.world import load
        from blueshift.preflight.run import run_all

        return _told(run_all(load(world), only=only, skip=skip), output)
    from blueshift.cli.work import Wanted

    return run_async(_check(Wanted(config, kubeconfig, context, state_namespace), only, skip, output))


def _list(output: str) -> ExitCode:
    from blueshift.preflight.run import listing

    checks = list(listing())
    if output == "json":
        facts = ({"id": one.id, "severity": one.severity, "summary": one.summary} for one in checks)
        print_json(tuple(facts))
    else:
        rows = [(one.id, one.severity, one.summary) for one in checks]
        print_table(("check", "severity", "makes sure that"), rows)
    return ExitCode.DONE


async def _check(wanted: Wanted, only: Sequence[str], skip: Sequence[str], output: str) -> ExitCode:
    from blueshift.cli.work import looked_at
    from blueshift.preflight.run import known, run_all

    known((*only, *skip))
    async with looked_at(wanted) as (_session, looked, _playbook):
        return _told(run_all(looked.world, only=only, skip=skip), output)


def _told(findings: Sequence[Finding], output: str) -> ExitCode:
    from blueshift.preflight.protocol import failed
    from blueshift.report.findings import findings_text

    bad = failed(findings)
    if output == "json":
        print_json(tuple(findings))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        click.echo(findings_text(findings, width=width))
        say("an upgrade would be refused" if bad else "an upgrade may start; next: blueshift plan")
    return ExitCode.REFUSED if bad else ExitCode.DONE
