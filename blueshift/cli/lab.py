"""`blueshift lab`: the table of its commands."""

from __future__ import annotations

import click

from blueshift.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "doctor": Lazy(
        "blueshift.cli.lab_doctor:doctor", "What this machine lacks for a lab, and how to get it."
    ),
    "build": Lazy("blueshift.cli.lab_build:build", "Build the programs and images, once (some 8 minutes)."),
    "up": Lazy("blueshift.cli.lab_up:up", "Start a cluster and wait until it is ready (some 5 seconds)."),
    "status": Lazy("blueshift.cli.lab_status:status", "What runs, and where to find it."),
    "kubeconfig": Lazy("blueshift.cli.lab_status:kubeconfig", "Where the kubeconfig is."),
    "exec": Lazy("blueshift.cli.lab_exec:execute", "Run a command inside the lab's network."),
    "demo": Lazy("blueshift.cli.lab_demo:demo", "A whole upgrade under constant traffic, counted."),
    "down": Lazy("blueshift.cli.lab_up:down", "Remove every trace of a lab."),
}


@click.group(
    cls=LazyGroup, table=COMMANDS, epilog="Start with `blueshift lab doctor`, then `blueshift lab up`."
)
def lab() -> None:
    """A real Kubernetes cluster on this machine, to try, rehearse and learn on.

    One node with the real control plane, kubelet and containerd, in a network namespace without a way out:
    nothing in it reaches your network, and nothing outside reaches it. `lab exec` takes you in. Linux and
    root only (sudo is asked for); no Docker, and no internet beyond the package registries.

    Several labs live side by side by --name.
    """
