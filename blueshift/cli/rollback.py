"""`blueshift rollback`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from blueshift.cli.complete import open_runs
from blueshift.cli.errors import ExitCode
from blueshift.cli.options import cluster_options, hooks_option, park_option, run_async, run_output


@click.command()
@click.argument("run", shell_complete=open_runs)
@click.option("--reason", default="", help="Kept in the journal beside your name.")
@click.option("--yes", is_flag=True, help="Do not ask: the way back is confirmed in advance.")
@cluster_options
@hooks_option
@park_option
@run_output
def rollback(
    run: str,
    reason: str,
    yes: bool,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    hooks: Path | None,
    park: bool,
    output: str | None,
) -> ExitCode:
    """Take a run back to where it began, from this shell.

    The way is compiled from the live cluster and DNS, shown, and journalled as a track of its own: if the
    primary was changed, traffic goes to the temporary first, the primary is put right and proves itself, and
    only then do names go back. Nothing is removed before it is proven idle. It may be killed and resumed like
    any run. A run that another process carries is refused: `blueshift abort RUN` asks that process.

    \b
    Exit codes: 4 rolled back; 5 holding: traffic is safe and a person must choose; 130 interrupted.

    \b
        blueshift rollback 1124-0302-k7xq
    """
    from blueshift.cli.carried import Named, rollback_run

    named = Named(run, kubeconfig, context, state_namespace, hooks, output, park)
    stopping = asyncio.Event()
    return run_async(rollback_run(named, stopping, reason=reason, yes=yes), stopping)
