"""`blueshift approve`."""

from __future__ import annotations

from pathlib import Path

import click

from blueshift.cli.options import cluster_options, run_async
from blueshift.cli.output import say


@click.command()
@click.argument("run")
@click.argument("gate")
@click.option("--reason", default="", help="Kept in the journal beside your name.")
@cluster_options
def approve(
    run: str, gate: str, reason: str, kubeconfig: Path | None, context: str | None, state_namespace: str
) -> None:
    """Open the gate at which a run waits.

    The approval is bound to the run, its step and this very standstill: it never opens a later gate. The run
    may be working on another machine, or be resumed later.

    \b
        blueshift approve 1124-0302-k7xq purge --reason "looked at the dashboards"
    """
    run_async(_approve(run, gate, reason, kubeconfig, context, state_namespace))


async def _approve(
    run: str, gate: str, reason: str, kubeconfig: Path | None, context: str | None, state_namespace: str
) -> None:
    from blueshift.app import runs
    from blueshift.app.session import connect
    from blueshift.clock import SystemClock
    from blueshift.engine.store import Runs

    clock = SystemClock()
    path = str(kubeconfig) if kubeconfig else None
    async with connect(clock, kubeconfig=path, context=context) as kube:
        given = await runs.approve(Runs(kube, clock, state_namespace), run, gate, reason)
    say(f"{given.gate} of run {run} is open, by {given.by}; the run takes it up within seconds")
