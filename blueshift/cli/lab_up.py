"""`blueshift lab up` and `blueshift lab down`."""

from __future__ import annotations

import asyncio

import click

from blueshift.cli.lab_options import Speaker, balancer_options, become_root, name_option
from blueshift.clock import SystemClock
from blueshift.lab import build, doctor, lifecycle
from blueshift.lab.loadbalancer import Habits
from blueshift.lab.paths import lab_named


@click.command()
@name_option
@balancer_options
def up(name: str, balancer: Habits) -> None:
    """Start a lab and wait until its node is Ready.

    Builds what is not in the cache first. A lab that is up is left as it is; what a crash or a reboot left
    of it is cleared away before.

    \b
        blueshift lab up
        blueshift lab exec -- kubectl get nodes
        blueshift lab up --name slow --lb-delay 20s --lb-deregister-lag 15s
    """
    speaker, clock = Speaker(), SystemClock()
    lab = lab_named(name)
    doctor.require_packages()
    # Before sudo: the cache belongs to the person who will use it again.
    tools = asyncio.run(build.cluster_tools(speaker.say, speaker.progress))
    become_root()
    began = clock.now()
    before = lifecycle.status(lab).state
    asyncio.run(lifecycle.up(lab, tools=tools, balancer=balancer, say=speaker.say))
    if before != "up":
        speaker.say(f"lab {name} is up after {clock.now() - began:.1f} s")
        speaker.say(f"next: blueshift lab exec --name {name} -- kubectl get nodes")


@click.command()
@name_option
def down(name: str) -> None:
    """Stop a lab and remove every trace of it: processes, mounts, namespaces, addresses, its folder.

    Also after a crash or a reboot. The cache of built programs stays.
    """
    lab = lab_named(name)
    become_root()
    existed = asyncio.run(lifecycle.down(lab))
    click.echo(f"lab {name} is down" if existed else f"there is no lab {name}", err=True)
