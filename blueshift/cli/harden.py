"""`blueshift harden`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.errors import ExitCode
from blueshift.cli.options import cluster_options, config_option, facts_output, group_option, run_async
from blueshift.cli.output import print_json, say

if TYPE_CHECKING:
    from blueshift.app.harden import Hardening
    from blueshift.cli.work import Wanted


@click.command()
@config_option
@group_option
@cluster_options
@click.option("--plan", is_flag=True, hidden=True, expose_value=False, help="Kept: there is nothing else.")
@facts_output
def harden(
    config: Path,
    group: str | None,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> ExitCode:
    """Show how the primary's pods would be made to end without losing a request.

    From the values that run: each one that hardening would set, with what it was and why; which objects of
    the release that changes; and what the checks say of the pods' end. A preStop hook of known words is
    replaced, one with other work in it stays; that its programs are in the image is tried in a running pod.

    Nothing is changed here. `blueshift upgrade` hardens before it upgrades; the playbook `harden` does it
    alone, with traffic away.

    \b
        blueshift harden
        blueshift harden -o json
        blueshift upgrade --playbook harden
    """
    from blueshift.cli.work import Wanted

    found = run_async(
        _looked(Wanted(config, kubeconfig, context, state_namespace, playbook="harden", group=group))
    )
    if output == "json":
        print_json(found)
    else:
        from blueshift.report.harden import harden_text

        click.echo(harden_text(found))
    say("nothing was changed; next: blueshift upgrade --playbook harden")
    return ExitCode.DONE


async def _looked(wanted: Wanted) -> Hardening:
    from blueshift.app.harden import hardening
    from blueshift.cli.work import looked_at

    async with looked_at(wanted) as (_session, looked, _playbook):
        return hardening(looked.world)
