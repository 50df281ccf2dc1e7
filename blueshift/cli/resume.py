"""`blueshift resume`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from blueshift.cli.complete import open_runs
from blueshift.cli.errors import ExitCode
from blueshift.cli.options import cluster_options, hooks_option, park_option, run_async, run_output


@click.command()
@click.argument("run", shell_complete=open_runs)
@cluster_options
@hooks_option
@park_option
@run_output
def resume(
    run: str,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    hooks: Path | None,
    park: bool,
    output: str | None,
) -> ExitCode:
    """Carry on a run that was interrupted, killed, or holds.

    Everything that is needed is in the cluster: no settings file, no chart, no folder of the first start.
    What was done is looked at again and not done twice; waits go on from when they began. Only the DNS key
    must be where it was (a file, an environment variable or a Secret).

    \b
    Exit codes: 0 done; 4 rolled back (a run on its way back); 5 holding; 75 parked; 130 interrupted;
    1 an error.

    \b
        blueshift status
        blueshift resume 1124-0302-k7xq
    """
    from blueshift.cli.carried import Named, resume_run

    named = Named(run, kubeconfig, context, state_namespace, hooks, output, park)
    stopping = asyncio.Event()
    return run_async(resume_run(named, stopping), stopping)
