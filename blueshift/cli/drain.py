"""`blueshift drain status`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.complete import runs
from blueshift.cli.errors import ExitCode
from blueshift.cli.lazy import Lazy, LazyGroup
from blueshift.cli.options import (
    cluster_options,
    config_option,
    facts_output,
    group_option,
    run_async,
    seconds_of,
)
from blueshift.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from blueshift.app.left import Left, Told
    from blueshift.app.session import Session
    from blueshift.cli.carried import Named
    from blueshift.cli.work import Wanted
    from blueshift.engine.state import SideName

TABLE = {"status": Lazy("blueshift.cli.drain:status", "Show who still comes to a side, and why.")}
EVERY = 5.0
"""Seconds between two looks of --watch."""
SHOWN = 20


@click.group(cls=LazyGroup, table=TABLE)
def drain() -> None:
    """What keeps a side from being drained: clients, connections, and what nobody sees."""


@click.command()
@click.argument("run", shell_complete=runs, required=False)
@click.option("--side", type=click.Choice(("primary", "temporary")), help="This one alone.")
@click.option("--window", metavar="T", help="Look back so long; else as the run's drain does, or 10m.")
@click.option("--watch", is_flag=True, help="Look again every 5 s, until nobody is left.")
@config_option
@group_option
@cluster_options
@facts_output
def status(
    run: str | None,
    side: SideName | None,
    window: str | None,
    watch: bool,
    config: Path,
    group: str | None,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
    output: str,
) -> ExitCode:
    """Show who still comes to a side, for which hosts, how lately, and why; and each pod's connections.

    With a RUN it is the side that its traffic has left, judged as the run's own drain judges it, from any
    shell while that waits; the settings are the run's. Without one it is both sides, and a side is drained
    where no name points at it any more and nobody came. It looks back over the window by the access logs that
    are there. Requests for unknown hosts hold nothing up and are only counted. What no witness saw is told,
    and is never silence. It changes nothing.

    \b
    Exit codes: 0 nobody is left; 1 somebody is, or it cannot be told.

    \b
        blueshift drain status 1124-0302-k7xq
        blueshift drain status 1124-0302-k7xq --watch
        blueshift drain status --side primary --window 30m -o json
    """
    from blueshift.cli.carried import Named
    from blueshift.cli.work import Wanted

    back = seconds_of(window, "--window", least=1.0) if window else None
    stopping = asyncio.Event()
    wanted = Wanted(config, kubeconfig, context, state_namespace, group=group)
    named = Named(run, kubeconfig, context, state_namespace, None, None) if run else None
    ways = _Ways(side, back, watch, output)
    return run_async(_status(wanted, named, ways, stopping), stopping)


class _Ways:
    """The options that say what is shown, as they were given."""

    def __init__(self, side: SideName | None, window: float | None, watch: bool, output: str) -> None:
        self.side, self.window, self.watch, self.output = side, window, watch, output


async def _status(wanted: Wanted, named: Named | None, ways: _Ways, stopping: asyncio.Event) -> ExitCode:
    from blueshift.app.drains import leaving

    async with _opened(wanted, named, ways) as (session, of):
        say(f"reading the access logs of the last {max(told.rules.window for told in of.values()):.0f} s …")
        async with leaving(session, of) as sides:
            while True:
                found = tuple([await one.look() for one in sides])
                _show(found, ways)
                if not ways.watch or all(one.done for one in found):
                    return ExitCode.DONE if all(one.done for one in found) else ExitCode.ERROR
                waits = asyncio.create_task(session.clock.sleep(EVERY))
                stopped = asyncio.create_task(stopping.wait())
                await asyncio.wait((waits, stopped), return_when=asyncio.FIRST_COMPLETED)
                waits.cancel()
                stopped.cancel()
                if stopping.is_set():
                    return ExitCode.INTERRUPTED


@asynccontextmanager
async def _opened(
    wanted: Wanted, named: Named | None, ways: _Ways
) -> AsyncIterator[tuple[Session, dict[SideName, Told]]]:
    """The session, and what is known of each side: out of the run's journal, or nothing."""
    from blueshift.app.left import Told, sides_left, told
    from blueshift.app.session import open_session
    from blueshift.cli.carried import session_of
    from blueshift.clock import SystemClock
    from blueshift.traffic.drain import DrainRules

    if named is not None:
        from blueshift.app.plans import playbook_of

        async with session_of(named) as (session, frozen):
            journal = (await session.runs.open(named.run)).journal
            sides = (ways.side,) if ways.side else sides_left(journal)
            yield session, {one: told(journal, playbook_of(frozen), one, ways.window) for one in sides}
        return
    path = str(wanted.kubeconfig) if wanted.kubeconfig else None
    async with open_session(
        wanted.settings(), SystemClock(), kubeconfig=path, context=wanted.context
    ) as session:
        rules = DrainRules(least=0, factor=0, window=ways.window or DrainRules().window)
        yield session, {one: Told(rules) for one in ((ways.side,) if ways.side else sides_left(None))}


def _show(found: tuple[Left, ...], ways: _Ways) -> None:
    if ways.output == "json":
        if ways.watch:
            import msgspec

            click.echo(msgspec.json.encode(found).decode())
        else:
            print_json(found)
        return
    if ways.watch and sys.stdout.isatty():
        click.clear()
    for number, one in enumerate(found):
        if number:
            click.echo()
        _side(one)


_SAID = {
    "drained": ("nobody is left", "green"),
    "absent": ("not there", "green"),
    "remaining": ("still served", "yellow"),
    "unknown": ("NOT KNOWN", "red"),
}


def _side(one: Left) -> None:
    from blueshift.report.words import instant, length

    word, color = _SAID[one.judged]
    click.echo(f"{one.side} {one.release}: {click.style(word, fg=color, bold=True)}: {one.reason}")
    if one.judged == "absent":
        return
    if one.moved:
        click.echo(f"  traffic left it {length((one.at - one.moved).total_seconds())} ago (run {one.run})")
    if one.clients:
        _clients(one)
    opened = ", ".join(f"{pod} {'?' if count is None else count}" for pod, count in one.connections.items())
    click.echo(f"  open connections of others: {opened or 'no pod runs'}")
    click.echo(f"  requests for unknown hosts, which hold nothing up: {one.noise}")
    if one.hidden:
        click.echo("  client addresses are those of nodes or a balancer (externalTrafficPolicy is not Local)")
    for seen in one.coverage:
        blind = f": {seen.blind}" if seen.blind else f" from {instant(seen.since, one.at)}"
        gaps = f", {len(seen.gaps)} gap{'' if len(seen.gaps) == 1 else 's'}" if seen.gaps else ""
        click.echo(f"  {seen.witness} of {seen.pod}{blind}{gaps}")
    for sentence in one.unseen:
        click.echo(f"  not seen: {sentence}")


def _clients(one: Left) -> None:
    """Who is left; a reason that all have is told once, so that 80 columns have room for their names."""
    from blueshift.report.words import escaped, length

    shown = one.clients[:SHOWN]
    alike = len(shown) > 1 and len({client.why for client in shown}) == 1
    rows = [
        (
            escaped(client.client) or "unnamed",
            escaped(client.target),
            f"{client.connections} open" if client.connections else client.requests,
            f"{length((one.at - client.last).total_seconds())} ago",
            *(() if alike else (client.why,)),
        )
        for client in shown
    ]
    if alike:
        click.echo(f"  why they come here: {shown[0].why}")
    columns = ("client", "asks for", "requests", "last", "why it comes here")
    print_table(columns[: len(rows[0])], rows)
    if (more := len(one.clients) - SHOWN) > 0:
        click.echo(f"  and {more} more; `-o json` has every one")
