"""`blueshift probe`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from blueshift.cli.errors import ExitCode
from blueshift.cli.options import Rate, facts_output, run_async, seconds_of
from blueshift.cli.output import print_json, say
from blueshift.errors import BlueshiftError

if TYPE_CHECKING:
    from blueshift.traffic.prober.count import Counter

_NO_ROOM = "make room there, or let $TMPDIR name another folder"
_SIZE = "a request takes about 14 bytes"
FAMILIES: dict[str, tuple[Literal[4, 6], ...]] = {"4": (4,), "6": (6,), "both": (4, 6)}


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option(
    "--rate",
    type=Rate(0, 20_000, min_open=True),
    default=10.0,
    show_default=True,
    metavar="R",
    help="Requests per second over all URLs.",
)
@click.option("--for", "time", default="10s", show_default=True, metavar="T", help="How long: 90s, 5m, 1h.")
@click.option(
    "--http",
    type=click.Choice(("1", "2")),
    default="1",
    show_default=True,
    help="HTTP/1.1, or HTTP/2 (over http:// by prior knowledge).",
)
@click.option(
    "--family",
    type=click.Choice(tuple(FAMILIES)),
    default="both",
    show_default=True,
    help="Address families to ask.",
)
@click.option(
    "--status",
    type=click.IntRange(100, 599),
    default=200,
    show_default=True,
    metavar="CODE",
    help="The right one; redirects are not followed.",
)
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="HOST=ADDRESS",
    help="Ask this address for the host, whatever DNS says; may be repeated.",
)
@click.option(
    "--ca",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="PEM file to trust, instead of what the machine trusts.",
)
@click.option("--insecure", is_flag=True, help="Do not verify certificates.")
@click.option(
    "--timeout",
    default="10s",
    show_default=True,
    metavar="T",
    help="A request has failed after so long without the whole answer: 500ms, 10s. A connection with its TLS "
    "has as long, and 5s at most.",
)
@click.option(
    "--wait",
    default="0",
    metavar="T",
    help="Long polls: answers take so long, an earlier one is a failure, and --timeout begins then.",
)
@click.option(
    "--hold",
    metavar="T",
    help="How long each session of a WebSocket is held; else 30s.",
)
@click.option(
    "--subprotocol",
    default="",
    metavar="NAME",
    help="What WebSockets are to speak, where a server asks for it: graphql-transport-ws.",
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep a row of every request here; `blueshift ledger FILE` prints them.",
)
@facts_output
def probe(
    urls: tuple[str, ...],
    rate: float,
    time: str,
    http: str,
    family: str,
    status: int,
    addresses: tuple[str, ...],
    ca: Path | None,
    insecure: bool,
    timeout: str,
    wait: str,
    hold: str | None,
    subprotocol: str,
    ledger: Path | None,
    output: str,
) -> ExitCode:
    """Ask URLs at a fixed rate and count every answer: what clients see while something is changed.

    Each request is sent when it is due, whatever became of those before, over connections that are kept as
    clients keep them. None is repeated. A host is looked up again every 5 s, in both families, unless
    --address names where to ask; server name and Host are the URL's in either case. What fails is told with
    the phase in which it did: resolve, connect, tls, write, headers, body, or check (a wrong status, or a
    long poll that ended early). An answer of more than 8 MiB is not read to its end and has failed, in body.

    wss:// and ws:// are WebSockets: --rate sessions are begun each second, held for --hold with a Ping every
    second, and ended by a Close, at the end of --for at the latest. One that is cut without a Close, or gives
    no Pong within --timeout, has failed (phases upgrade, session, close). For a long poll whose answer may
    come at any time a longer --timeout is enough.

    A kept connection that the server ended while it was idle is no failure; another is opened. At the end it
    also says what it took itself of processor and memory.

    If this machine does not hold the rate, the figures are void, and it says so. Ctrl-C ends it early, with
    the figures so far. Exit code 1 where a request failed or the figures are void.

    \b
        blueshift probe https://app.example.com/ --rate 50 --for 5m
        blueshift probe https://a.example.com/ https://b.example.com/ --http 2
        blueshift probe wss://app.example.com/live --rate 2 --for 10m --hold 2m
        blueshift probe https://app.example.com/poll --rate 5 --for 10m --wait 1m
        blueshift probe https://a.example.com/ --address a.example.com=192.0.2.10
    """
    from blueshift.app.asked import Asked
    from blueshift.app.probe import probe
    from blueshift.cli.probed import tell
    from blueshift.clock import SystemClock
    from blueshift.traffic.connect import SYSTEM_CA

    if insecure and ca:
        raise click.UsageError("--insecure and --ca exclude each other")
    asked = Asked(
        urls=urls,
        rate=rate,
        seconds=seconds_of(time, "--for", least=0.001),
        protocol="http2" if http == "2" else "http1",
        families=FAMILIES[family],
        status=status,
        ca="" if insecure else str(ca or SYSTEM_CA),
        pinned=_pinned(addresses),
        timeout=seconds_of(timeout, "--timeout", least=0.001),
        wait=seconds_of(wait, "--wait"),
        hold=None if hold is None else seconds_of(hold, "--hold", least=0.001),
        subprotocol=subprotocol,
    )
    stopping = asyncio.Event()
    with ExitStack() as stack:
        rows = ledger or stack.enter_context(_passing())
        found = run_async(probe(asked, rows, SystemClock(), _report, stopping), stopping)
    if output == "json":
        print_json(found)
    else:
        tell(found, asked)
    if found.unwritten:
        raise BlueshiftError(
            f"{found.unwritten}; the sending ended there, and the figures are those up to then",
            place=str(rows),
            hint=f"{'make room there, or name another file' if ledger else _NO_ROOM}; {_SIZE}",
        )
    return ExitCode.DONE if found.sound else ExitCode.ERROR


@contextmanager
def _passing() -> Iterator[Path]:
    """The ledger's file where nobody keeps it."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="blueshift-")
    except OSError as error:
        raise BlueshiftError(
            f"there is no room for the rows of the requests: {error.strerror}", hint=f"{_NO_ROOM}; {_SIZE}"
        ) from error
    with folder as name:
        yield Path(name) / "ledger"


def _pinned(pairs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    import ipaddress

    found: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        host, _, address = pair.partition("=")
        try:
            known = str(ipaddress.ip_address(address.strip("[]")))
        except ValueError:
            known = ""
        if not (host and known):
            raise BlueshiftError(
                f"{pair!r} is no host with its address",
                place="--address",
                hint="--address app.example.com=192.0.2.10, or =2001:db8::10",
            )
        found[host.lower()] = (*found.get(host.lower(), ()), known)
    return found


def _report(seconds: float, counter: Counter) -> None:
    say(f"{seconds:.0f} s: {counter.requests} ended, {counter.failed} failed")
