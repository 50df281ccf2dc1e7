"""`blueshift show`."""

from __future__ import annotations

from pathlib import Path

import click

from blueshift.cli.complete import runs
from blueshift.cli.options import cluster_options, facts_output, run_async
from blueshift.cli.output import print_json


@click.command()
@click.argument("run", shell_complete=runs)
@cluster_options
@facts_output
def show(run: str, kubeconfig: Path | None, context: str | None, state_namespace: str, output: str) -> None:
    """Tell what a run saw and did: who, when, by which plan, and every step with its effects and findings.

    \b
        blueshift show 1124-0302-k7xq
        blueshift show 1124-0302-k7xq -o json
    """
    run_async(_show(run, kubeconfig, context, state_namespace, output))


async def _show(
    run: str, kubeconfig: Path | None, context: str | None, state_namespace: str, output: str
) -> None:
    from blueshift.app.session import known_runs
    from blueshift.report.show import show_text

    async with known_runs(kubeconfig, context, state_namespace) as known:
        journal = (await known.open(run)).journal
    if output == "json":
        print_json(journal)
    else:
        click.echo(show_text(journal))
