"""`blueshift webhook`."""

from __future__ import annotations

from pathlib import Path

import click

from blueshift.cli.complete import open_runs
from blueshift.cli.errors import ExitCode
from blueshift.cli.options import cluster_options, run_async
from blueshift.cli.output import confirmed, say


@click.command()
@click.argument("run", shell_complete=open_runs)
@click.argument("policy", type=click.Choice(["ignore"]))
@click.option("--yes", is_flag=True, help="Do not ask: the change is confirmed in advance.")
@cluster_options
def webhook(
    run: str,
    policy: str,
    yes: bool,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
) -> ExitCode:
    """Let Ingresses be written, unchecked, while a run holds and its primary is broken.

    A broken primary's validating webhook keeps everybody in the cluster from writing Ingresses. The hold says
    so. This sets the webhook's failurePolicy to Ignore; the run sets it back to Fail as soon as the primary
    has proved itself again, forward or on the way back. Both are in the journal. A webhook that answers, or
    that is not of the release being upgraded, is refused.

    \b
        blueshift webhook 1124-0302-k7xq ignore
    """
    return run_async(_ignore(run, yes, kubeconfig, context, state_namespace))


async def _ignore(
    run: str, yes: bool, kubeconfig: Path | None, context: str | None, state_namespace: str
) -> ExitCode:
    from blueshift.app.session import known_runs
    from blueshift.app.webhook import ignore

    async with known_runs(kubeconfig, context, state_namespace) as known:

        def agreed(what: str) -> bool:
            return yes or confirmed(f"Set {what} on {known.kube.server}?")

        done = await ignore(known, run, lambda event: None, agreed)
    if done is None:
        say("nothing was changed")
        return ExitCode.ERROR
    say(f"{done}; the run sets it back when the primary has proved itself")
    return ExitCode.DONE
