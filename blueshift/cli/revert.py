"""`blueshift revert`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import click

from blueshift.cli.complete import succeeded_runs
from blueshift.cli.errors import ExitCode
from blueshift.cli.options import (
    cluster_options,
    hooks_option,
    on_failure_option,
    park_option,
    run_async,
    run_output,
    skip_confirmed_option,
    waivers_options,
)


@click.command()
@click.argument("run", shell_complete=succeeded_runs)
@click.option("--yes", is_flag=True, help="Do not ask: the plan is confirmed in advance.")
@waivers_options
@skip_confirmed_option
@on_failure_option
@cluster_options
@hooks_option
@park_option
@run_output
def revert(
    run: str,
    yes: bool,
    skip: tuple[str, ...],
    acknowledge: tuple[str, ...],
    skip_confirmed: str,
    on_failure: Literal["hold", "rollback"],
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    hooks: Path | None,
    park: bool,
    output: str | None,
) -> ExitCode:
    """Take a finished run back by a new one, to the chart and the values that it found.

    As safe under traffic as an upgrade, and the same in all: the playbook and settings of that run, its
    checks, the plan, the question. What it found is in its own copy, so that neither a chart repository nor
    Helm's old revision is needed. How pods end stays as the run has set it. Refused when somebody has changed
    the release since. A run that is not over is taken back by `blueshift rollback RUN`.

    \b
    Exit codes: as `upgrade`; 3 also when the release was changed since.

    \b
        blueshift history
        blueshift revert 1124-0302-k7xq
    """
    from blueshift.cli.carried import Named, revert_run
    from blueshift.cli.work import Manner
    from blueshift.preflight.waivers import given

    named = Named(run, kubeconfig, context, state_namespace, hooks, output, park)
    manner = Manner(yes, output, on_failure, park, given(skip, acknowledge), skip_confirmed)
    stopping = asyncio.Event()
    return run_async(revert_run(named, stopping, manner), stopping)
