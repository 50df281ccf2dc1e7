"""`blueshift approve`."""

from __future__ import annotations

from pathlib import Path

import click

from blueshift.cli.complete import gates, open_runs
from blueshift.cli.options import cluster_options, facts_output, run_async
from blueshift.cli.words import say_to


@click.command()
@click.argument("run", shell_complete=open_runs)
@click.argument("gate", shell_complete=gates)
@click.option("--reason", default="", help="Kept in the journal beside your name.")
@click.option("--no-wait", is_flag=True, help="Return at once; else when the run has taken it up.")
@cluster_options
@facts_output
def approve(
    run: str,
    gate: str,
    reason: str,
    no_wait: bool,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> None:
    """Open the gate at which a run waits.

    The approval is bound to the run, its step and this very standstill: it never opens a later gate. The run
    may be working on another machine, or be resumed later.

    \b
        blueshift approve 1124-0302-k7xq purge --reason "looked at the dashboards"
    """
    run_async(say_to("approve", run, reason, not no_wait, kubeconfig, context, state_namespace, output, gate))
