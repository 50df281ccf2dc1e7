"""`blueshift groups`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.options import cluster_options, config_option, facts_output, run_async
from blueshift.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from blueshift.app.groups import Overview, Shown
    from blueshift.playbook.groups import Written

COLUMNS = ("group", "class", "release", "controller", "hosts", "addresses", "traffic")


@click.command()
@config_option
@cluster_options
@facts_output
@click.pass_context
def groups(
    ctx: click.Context,
    config: Path,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> None:
    """Show the traffic groups of a cluster: class, release, hosts, addresses, and where they leak.

    A group is what one ingress controller serves, by a class of its own. It has the name that the settings
    give it under `groups`, else that of its class; without a settings file the latter. Its traffic is read
    from the metrics of its pods, as a rate over their life, and is a share where all groups tell theirs.

    Warns where isolation leaks: a class, an annotation or an Ingress without a class that several groups
    serve, and an address of two. The check class-groups says the same before an upgrade.

    Nothing is changed, and DNS is not asked. `blueshift upgrade --group GROUP` upgrades one.

    \b
        blueshift groups
        blueshift groups -o json | jq -r '.groups[] | .name + " " + .release'
    """
    from blueshift.app.configuration import written
    from blueshift.app.groups import lines
    from blueshift.playbook.files import there

    named = ctx.get_parameter_source("config") is not click.core.ParameterSource.DEFAULT
    file = written(config) if named or there(config) else None
    found = run_async(_seen(file, kubeconfig, context))
    if output == "json":
        print_json(found)
        return
    _table(found)
    if more := lines(found.groups, file.groups if file else ()):
        say(f"\nto upgrade them by name, write into the settings, with what differs between them:\n\n{more}")


async def _seen(file: Written | None, kubeconfig: Path | None, context: str | None) -> Overview:
    from blueshift.app.groups import overview
    from blueshift.app.session import connect
    from blueshift.clock import SystemClock

    clock = SystemClock()
    own = file.cluster if file else None
    path = str(kubeconfig) if kubeconfig else own.kubeconfig if own else None
    async with connect(clock, kubeconfig=path, context=context or (own.context if own else None)) as kube:
        say(f"looking at {kube.server} …")
        return await overview(kube, clock, file.releases if file else {})


def _table(found: Overview) -> None:
    from blueshift.report.findings import notes_text

    print_table(COLUMNS, [_row(one) for one in found.groups], empty="there is no ingress controller here")
    if found.findings:
        click.echo(f"\n{notes_text(found.findings)}")


def _row(one: Shown) -> tuple[str, ...]:
    from blueshift.preflight.protocol import brief

    return (
        one.name + (f" (temporary of run {one.run})" if one.run else ""),
        ", ".join(one.classes) or (f"annotation {one.annotation}" if one.annotation else ""),
        one.release or f"none: {one.workloads[0]}",
        f"{one.profile} {one.version}",
        f"{len(one.hosts)}: {brief(one.hosts, 2)}" if one.hosts else "0",
        ", ".join(one.addresses),
        _traffic(one),
    )


def _traffic(one: Shown) -> str:
    if one.requests_per_second is None:
        return f"not known: {one.unmeasured}"
    rate = f"{one.requests_per_second:.1f}/s"
    return rate if one.share is None else f"{one.share:.0%} ({rate})"
