"""`blueshift lab exec`."""

from __future__ import annotations

import click

from blueshift.cli.lab_options import become_root, name_option
from blueshift.lab import entering
from blueshift.lab.paths import lab_named


@click.command("exec", context_settings={"ignore_unknown_options": True})
@name_option
@click.option("--clients", is_flag=True, help="From the clients' namespace: pods see a client's own address.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(name: str, clients: bool, command: tuple[str, ...]) -> None:
    """Run COMMAND inside the lab's network, with its resolver and its kubeconfig.

    Keeps terminal, signals, folder, environment and exit code. The lab's kubectl and helm come first on
    PATH, and KUBECONFIG is set.

    \b
        blueshift lab exec -- kubectl get pods -A
        blueshift lab exec -- blueshift check
        blueshift lab exec --clients -- curl -v http://app01.lab.test/
    """
    become_root()
    entering.become(lab_named(name), command, clients=clients)
