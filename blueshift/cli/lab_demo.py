"""`blueshift lab demo`."""

from __future__ import annotations

from pathlib import Path

import click

from blueshift.cli.errors import ExitCode
from blueshift.cli.lab_options import Speaker, balancer_options, become_root
from blueshift.cli.options import Rate, run_async
from blueshift.lab.loadbalancer import Habits

_BREAKS = ("target-image", "primary-unready", "parity", "dns-key")
_CLIENTS = ("long-cached", "pinned", "in-cluster", "scanner")


@click.command()
@click.option("--name", default="demo", show_default=True, metavar="NAME", help="Name of the demo's own lab.")
@click.option(
    "--break", "broken_by", type=click.Choice(_BREAKS), help="Break something in the world, and see it hold."
)
@click.option(
    "--rate",
    type=Rate(min=10, max=1000),
    default=300.0,
    show_default=True,
    metavar="N",
    help="Requests per second.",
)
@click.option(
    "--long",
    is_flag=True,
    help="Also hold three WebSocket sessions of five minutes; the drain waits for them.",
)
@click.option(
    "--client",
    "others",
    type=click.Choice(_CLIENTS),
    multiple=True,
    help="Add clients that do not follow DNS, or scanners; may be given several times.",
)
@balancer_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("build/demo.json"),
    show_default=True,
    help="Where the figures go.",
)
@click.option("--keep", is_flag=True, help="Leave the lab up at the end, to look around in it.")
def demo(
    name: str,
    broken_by: str | None,
    rate: float,
    long: bool,
    others: tuple[str, ...],
    balancer: Habits,
    out: Path,
    keep: bool,
) -> int:
    """Upgrade a controller of forty hosts under constant traffic, and count every request.

    Starts a lab of its own, installs ingress-nginx and an application behind forty Ingresses in it, sends
    requests over HTTP/1.1, HTTP/2, WebSockets and long polls, and runs the real `blueshift upgrade` with
    the waits shortened. Afterwards everything is looked up from outside and the lab is taken down. About
    8 minutes; the first time 20 more, to build the cluster's programs.

    \b
    Breaks: target-image (the new pods never start), primary-unready (the upgraded controller runs and
    answers 503), parity (the temporary release lacks a route), dns-key (a wrong key).

    \b
    Clients: long-cached (keeps what DNS answered for a minute), pinned (for ever) and in-cluster (asks the
    controller's Service) are drained late or never, and the run says who they are: with the last two it
    holds. scanner asks every address for hosts that are nobody's: nothing waits for it.

    \b
    Exit codes: as `blueshift upgrade` (0 done, 3 refused, 5 holding), or 1 if any request failed or the
    count proves nothing.

    \b
        blueshift lab demo
        blueshift lab demo --break target-image --keep
        blueshift lab demo --lb-deregister-lag 15s
        blueshift lab demo --client long-cached --client scanner
    """
    from blueshift.lab.cache import locked
    from blueshift.lab.demo import clients
    from blueshift.lab.demo.world import prepare

    clients.possible(others, balancer)
    speaker = Speaker()
    # Before sudo: the cache belongs to the person who will use it again.
    tools, images = run_async(prepare(speaker.say, speaker.progress))
    become_root()
    # Two at once on one machine would make each other's count void.
    with locked("demo", speaker.say):
        return run_async(
            _demo(name, tools, images, broken_by, rate, long, others, balancer, out, keep, speaker)
        )


async def _demo(
    name: str,
    tools: Path,
    images: tuple[Path, ...],
    broken_by: str | None,
    rate: float,
    long: bool,
    others: tuple[str, ...],
    balancer: Habits,
    out: Path,
    keep: bool,
    speaker: Speaker,
) -> int:
    from blueshift.clock import SystemClock
    from blueshift.errors import BlueshiftError
    from blueshift.lab import lifecycle
    from blueshift.lab.demo import result as results
    from blueshift.lab.demo import run, world
    from blueshift.lab.paths import lab_named

    lab, clock = lab_named(name), SystemClock()
    if lifecycle.status(lab).state != "down":
        raise BlueshiftError(
            f"there is a lab {name} already, and the demo makes its own",
            hint=f"blueshift lab down --name {name}, or another name: blueshift lab demo --name NAME",
        )
    began = clock.now()
    try:
        speaker.say(f"lab {name}: cluster, images, controller, application, names")
        made = await world.make(lab, tools, images, speaker.say, clock, balancer=balancer)
        speaker.say(f"lab {name}: every site answers, after {clock.now() - began:.0f} s")
        result, code = await run.rehearse(
            made, rate=rate, long=long, broken_by=broken_by, say=speaker.say, clock=clock, others=others
        )
        results.write(result, out)
        speaker.say(f"\n{results.told(result)}\nfigures    {out}")
    finally:
        if not keep:
            await lifecycle.down(lab, clock)
    if keep:
        speaker.say(f"the lab stays: blueshift lab exec --name {name} -- blueshift status")
        speaker.say(f"and at the end: blueshift lab down --name {name}")
    speaker.say(f"in all {clock.now() - began:.0f} s")
    return code if result.sound else ExitCode.ERROR
