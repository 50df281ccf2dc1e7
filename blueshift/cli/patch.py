"""`blueshift patch`."""

from __future__ import annotations

from pathlib import Path

import click

from blueshift.cli.complete import runs
from blueshift.cli.options import cluster_options, run_async, yaml_output
from blueshift.cli.output import print_json


@click.command()
@click.argument("run", shell_complete=runs)
@cluster_options
@yaml_output
def patch(run: str, kubeconfig: Path | None, context: str | None, state_namespace: str, output: str) -> None:
    """Print what a run changed in the release's values, for the values file in your own git.

    Hardening and the upgrade are in Helm's record alone; the next `helm upgrade -f yours.yaml` would take
    them back. Each value comes with what it was and why. Secrets are not told.

    \b
        blueshift patch 1124-0302-k7xq > ingress-patch.yaml
        helm upgrade … -f yours.yaml -f ingress-patch.yaml
    """
    run_async(_patch(run, kubeconfig, context, state_namespace, output))


async def _patch(
    run: str, kubeconfig: Path | None, context: str | None, state_namespace: str, output: str
) -> None:
    from blueshift.app.patch import patch
    from blueshift.app.session import known_runs
    from blueshift.report.patch import patch_text

    async with known_runs(kubeconfig, context, state_namespace) as known:
        found = await patch(known, run)
    if output == "json":
        print_json(found)
    else:
        click.echo(patch_text(found), nl=False)
