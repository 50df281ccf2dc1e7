"""`blueshift status`."""

from __future__ import annotations

from pathlib import Path

import click

from blueshift.cli.complete import runs
from blueshift.cli.options import cluster_options, facts_output, run_async
from blueshift.cli.output import print_json, print_table


@click.command()
@click.argument("run", shell_complete=runs, required=False)
@cluster_options
@facts_output
def status(
    run: str | None, kubeconfig: Path | None, context: str | None, state_namespace: str, output: str
) -> None:
    """Show the runs of a cluster, or where one stands, why, and how to go on.

    \b
        blueshift status
        blueshift status 1124-0302-k7xq -o json
    """
    run_async(_status(run, kubeconfig, context, state_namespace, output))


async def _status(
    run: str | None, kubeconfig: Path | None, context: str | None, state_namespace: str, output: str
) -> None:
    from blueshift.app.session import known_runs
    from blueshift.report.status import status_text
    from blueshift.report.words import escaped, flat

    async with known_runs(kubeconfig, context, state_namespace) as runs:
        if run is not None:
            journal = (await runs.open(run)).journal
            if output == "json":
                print_json(journal)
            else:
                click.echo(status_text(journal, runs.clock.utc()))
            return
        journals = await runs.all()
    if output == "json":
        print_json(tuple(journals))
        return
    rows = [
        (
            journal.run,
            f"{journal.namespace}/{journal.release}",
            journal.status,
            f"{journal.created:%F %R}",
            escaped(flat(journal.said)),
        )
        for journal in journals
    ]
    print_table(("run", "release", "status", "since (UTC)", "said"), rows, empty="no run is known here")
