"""`blueshift history`."""

from __future__ import annotations

from pathlib import Path

import click

from blueshift.cli.options import cluster_options, facts_output, run_async
from blueshift.cli.output import print_json, print_table

COLUMNS = ("run", "release", "chart", "opened (UTC)", "by", "status", "took")


@click.command()
@click.option("--release", metavar="[NS/]NAME", help="Only the runs of this Helm release.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the N newest.")
@cluster_options
@facts_output
def history(
    release: str | None,
    last: int | None,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> None:
    """List what runs there were, the newest first: what was upgraded, when, by whom, and how it ended.

    Runs stay in the cluster until somebody removes them: all objects of one carry the label
    blueshift.dev/run=RUN.

    \b
        blueshift history
        blueshift history --release ingress/ingress-nginx --last 5 -o json
    """
    run_async(_history(release, last, kubeconfig, context, state_namespace, output))


async def _history(
    release: str | None,
    last: int | None,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> None:
    from blueshift.app.history import past
    from blueshift.app.session import known_runs
    from blueshift.report.words import length

    async with known_runs(kubeconfig, context, state_namespace) as known:
        journals = await known.all()
    found = past(journals, release=release)[:last]
    if output == "json":
        print_json(found)
        return
    rows = [
        (
            one.run,
            f"{one.namespace}/{one.release}",
            one.change,
            f"{one.opened:%F %R}",
            one.by,
            one.status,
            "" if one.seconds is None else length(one.seconds),
        )
        for one in found
    ]
    of = f" of {release}" if release else ""
    print_table(COLUMNS, rows, empty=f"no run{of} is known in the namespace {state_namespace}")
