"""`blueshift takeover`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from blueshift.cli.complete import open_runs
from blueshift.cli.errors import ExitCode
from blueshift.cli.options import cluster_options, hooks_option, run_async, run_output


@click.command()
@click.argument("run", shell_complete=open_runs)
@click.option("--reason", default="", help="Kept in the journal beside your name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@cluster_options
@hooks_option
@run_output
def takeover(
    run: str,
    reason: str,
    yes: bool,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    hooks: Path | None,
    output: str | None,
) -> ExitCode:
    """Carry on a run that another process carries, and take it from that process.

    For a process that hangs, or that sits on a machine which nobody can reach: `resume` refuses while its
    lease is renewed. The journal goes to the next epoch in one compare-and-swap, with who took it, from whom
    and why; from then on the other process can write nothing and so does nothing more, also when it was only
    asleep. It ends with 1 and says who took the run. An effect that it had begun is looked for, and waited
    for while it may still be at work.

    \b
    Exit codes: as `resume`; 1 also when nobody carries the run: then `resume` does.

    \b
        blueshift takeover 1124-0302-k7xq --reason "laptop was stolen"
    """
    from blueshift.cli.carried import Named, take_over_run

    named = Named(run, kubeconfig, context, state_namespace, hooks, output)
    stopping = asyncio.Event()
    return run_async(take_over_run(named, stopping, reason=reason, yes=yes), stopping)
