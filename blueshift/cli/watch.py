"""`blueshift watch`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.options import (
    cluster_options,
    config_option,
    group_option,
    lines_output,
    run_async,
    seconds_of,
)
from blueshift.cli.output import say
from blueshift.masks import masked
from blueshift.report.words import escaped

if TYPE_CHECKING:
    from blueshift.app.unseen import Note
    from blueshift.app.watching import Chosen, Watching
    from blueshift.cli.work import Wanted
    from blueshift.engine.state import SideName
    from blueshift.traffic.logs import Line

EVERY = 10.0
"""Seconds between two lines of what was counted."""
_STATUS = re.compile(r"([1-5])xx|(\d{3})(?:-(\d{3}))?")


@click.command()
@click.option(
    "--side",
    type=click.Choice(("primary", "temporary", "both")),
    default="both",
    show_default=True,
    help="Whose accesses.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="PATTERN",
    help="Only this host: *.example.com; or, where the log has no host, upstream: shop-web-80.",
)
@click.option("--status", "statuses", multiple=True, metavar="CODES", help="Only these: 5xx, 404 or 500-503.")
@click.option("--slow", default="0s", metavar="T", help="Only answers that took as long: 500ms, 2s.")
@click.option("--since", default="0s", metavar="T", help="Begin so long ago: 30s, 5m.")
@click.option("--own", is_flag=True, help="Blueshift's own probes too.")
@lines_output
@config_option
@group_option
@cluster_options
def watch(
    side: str,
    hosts: tuple[str, ...],
    statuses: tuple[str, ...],
    slow: str,
    since: str,
    own: bool,
    output: str,
    config: Path,
    group: str | None,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
) -> None:
    """Follow the access logs of both sides in one stream, whatever number of pods they have.

    Pods that come meanwhile are followed too; a stream that breaks is taken up where it was. Each line tells
    the side, the pod, the status, what was asked and by whom, and how long it took; every ten seconds comes
    what was counted on each side. It decides nothing and changes nothing; Ctrl-C ends it.

    What it cannot see it says, on standard error and with -o json as an object with a `note` too: a pod whose
    log may not be read, a stream that broke and what is missing of it, lines of another format, and options
    that the log's format cannot answer. The numbers say of how many pods they are.

    ingress-nginx's own format has no host: there --host shows the upstreams (namespace-service-port) that
    serve one by the Ingresses, or those of that name, and says where such an upstream serves others too.

    \b
        blueshift watch
        blueshift watch --status 5xx --status 499
        blueshift watch --side temporary --host 'shop.*' --slow 500ms
        blueshift watch --since 5m -o json | jq '.path // empty'
        blueshift watch --group internal
    """
    from blueshift.app.watching import SIDES, Chosen
    from blueshift.cli.work import Wanted

    sides = tuple(one for one in SIDES if side in (one, "both"))
    patterns = tuple(pattern.lower() for pattern in hosts)
    chosen = Chosen(sides, patterns, tuple(map(_range, statuses)), seconds_of(slow, "--slow"), own)
    stopping = asyncio.Event()
    wanted = Wanted(config, kubeconfig, context, state_namespace, group=group)
    run_async(_watch(wanted, chosen, seconds_of(since, "--since"), output, stopping), stopping)


async def _watch(wanted: Wanted, chosen: Chosen, since: float, output: str, stopping: asyncio.Event) -> None:
    from blueshift.app.session import open_session
    from blueshift.app.watching import Watching
    from blueshift.clock import SystemClock

    kubeconfig = str(wanted.kubeconfig) if wanted.kubeconfig else None
    clock = SystemClock()
    async with open_session(
        wanted.settings(), clock, kubeconfig=kubeconfig, context=wanted.context
    ) as session:
        tell, note = (_json, _json_note) if output == "json" else (_line, _note)
        watching = Watching(session, chosen, tell, note, since=since)
        counting = asyncio.create_task(_count(watching, clock.sleep))
        try:
            await watching.run(stopping)
        finally:
            counting.cancel()
    say(_counted(watching))


async def _count(watching: Watching, sleep: Callable[[float], Awaitable[None]]) -> None:
    while True:
        await sleep(EVERY)
        say(_counted(watching))


def _counted(watching: Watching) -> str:
    told = (
        f"{side} {one.requests} requests, {one.errors} errors"
        + (f" ({', '.join(doubts)})" if (doubts := one.doubts()) else "")
        for side, one in watching.counted.items()
    )
    return "counted: " + "; ".join(told)


def _note(note: Note) -> None:
    say(escaped(note.note))


def _json_note(note: Note) -> None:
    """Beside the accesses, for programs, and for the person who began it."""
    import msgspec

    _note(note)
    click.echo(msgspec.json.encode(note).decode())


def _line(side: SideName, pod: str, line: Line) -> None:
    from datetime import UTC, datetime

    at = f"{datetime.fromtimestamp(line.at, UTC):%H:%M:%S}" if line.at else "--:--:--"
    status = click.style(f"{line.status:03}", fg=_COLORS.get(line.status // 100), bold=line.status >= 500)
    name = click.style(f"{side:<9}", fg="cyan" if side == "primary" else "magenta")
    what = escaped(masked(f"{line.method} {line.host or line.upstream}{line.path}", {}))
    took = "-" if line.seconds is None else f"{line.seconds:.3f}s"
    click.echo(f"{at} {name} {pod[-5:]} {status} {what} {took} {escaped(line.client)}")


def _json(side: SideName, pod: str, line: Line) -> None:
    import msgspec

    click.echo(msgspec.json.encode({"side": side, "pod": pod, **line._asdict()}).decode())


_COLORS = {2: "green", 3: "blue", 4: "yellow", 5: "red"}


def _range(text: str) -> tuple[int, int]:
    found = _STATUS.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is none: 5xx, 404 or 500-503", param_hint="--status")
    if found[1]:
        return int(found[1]) * 100, int(found[1]) * 100 + 99
    return int(found[2]), int(found[3] or found[2])
