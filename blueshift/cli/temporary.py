"""`blueshift temporary`: render."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.lazy import Lazy, LazyGroup
from blueshift.cli.options import cluster_options, config_option, group_option, run_async, yaml_output

if TYPE_CHECKING:
    from blueshift.app.temporary import TemporaryRelease
    from blueshift.cli.work import Wanted

COMMANDS = {
    "render": Lazy("blueshift.cli.temporary:render", "Print what would be installed, and why it differs.")
}


@click.group(cls=LazyGroup, table=COMMANDS)
def temporary() -> None:
    """The temporary release: the copy of the primary that serves while the primary is upgraded."""


@click.command()
@config_option
@group_option
@cluster_options
@yaml_output
def render(
    config: Path,
    group: str | None,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> None:
    """Print what would be installed, and why it differs from the primary.

    The temporary release is made from the chart and the values of the running primary, as Helm keeps them
    in the cluster. What only one release can have is taken away or switched off: names, addresses, the
    IngressClass, the webhook, writing into the status of Ingresses. All else stays, so that it serves the
    same Ingresses in the same way.

    First come the values that Helm is given, with a comment above each that Blueshift sets: what it was,
    and why. Values that are taken away, and those that this version of the chart does not have, are named
    at the top. Then come the rendered objects. The data of Secrets is masked. `plan` and `upgrade` make the
    release by the same code.

    Nothing is changed; neither DNS nor the chart repository of the running version is asked.

    \b
        blueshift temporary render
        blueshift temporary render -o json | jq '.overrides[] | .path + ": " + .reason'
        blueshift temporary render | less
    """
    from blueshift.cli.work import Wanted

    found = run_async(_rendered(Wanted(config, kubeconfig, context, state_namespace, group=group)))
    if output == "json":
        from blueshift.cli.output import print_json

        print_json(found)
        return
    from blueshift.report.temporary import temporary_text

    click.echo(temporary_text(found), nl=False)


async def _rendered(wanted: Wanted) -> TemporaryRelease:
    from blueshift.app.rbac import without_dns
    from blueshift.app.session import open_session
    from blueshift.app.temporary import temporary_release, without_target
    from blueshift.clock import SystemClock

    path = str(wanted.kubeconfig) if wanted.kubeconfig else None
    config = without_target(without_dns(wanted.settings()))
    async with open_session(config, SystemClock(), kubeconfig=path, context=wanted.context) as session:
        return await temporary_release(session)
