"""`blueshift logs analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.errors import ExitCode
from blueshift.cli.lazy import Lazy, LazyGroup
from blueshift.cli.options import facts_output
from blueshift.cli.output import print_json, print_table, say
from blueshift.report.words import escaped

if TYPE_CHECKING:
    from blueshift.app.logs import Comparison, Difference, Figures, TargetFigures

TABLE = {
    "analyze": Lazy("blueshift.cli.logs:analyze", "Sum up access logs, or judge one side's by another's.")
}
SHOWN = 30
_FILE = click.Path(dir_okay=False, path_type=Path, allow_dash=True)


@click.group(cls=LazyGroup, table=TABLE)
def logs() -> None:
    """Access logs of a controller, from files: summed up, and one side judged by the other."""


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE…")
@click.option(
    "--compare",
    "old",
    multiple=True,
    type=_FILE,
    metavar="OTHER",
    help="Judge FILE… by this one, the old side's; may be repeated.",
)
@click.option(
    "--format",
    "form",
    default="",
    metavar="FORMAT",
    help="The controller's log-format-upstream, also as YAML around it, nginx's log_format, or one of these: "
    "ingress-nginx, traefik, main, combined, vhost-combined, common, envoy, istio, haproxy.",
)
@facts_output
def analyze(files: tuple[Path, ...], old: tuple[Path, ...], form: str, output: str) -> ExitCode:
    """Sum up access logs: requests, statuses and latencies of every host, and the busiest clients.

    Reads what `kubectl logs` of a controller's pods gives (with --prefix and --timestamps too) and what stern
    does, the kubelet's own files, gzip, xz and bzip2, and `-` for standard input. The format is found by the
    lines: ingress-nginx's own, the usual ones of nginx and Apache, Traefik's, Envoy's, Istio's and HAProxy's,
    JSON with the usual keys; any other is told by --format. What was fetched twice counts once, where the
    format has a request id; how many of it were errors is told. What cannot be read is counted and shown, and
    is never taken for silence.

    With --compare the new side's logs are judged by the old side's, whole and host by host: share of errors
    with its interval, and latency. Where more than 0.2 % of a side's lines could not be read, every verdict
    is `nodata`; where what came twice may hide errors, none is a pass. Exit code 1 for `fail` and for
    `nodata`, which is never a pass.

    \b
        kubectl logs -n ingress deploy/web-controller | blueshift logs analyze -
        blueshift logs analyze new/*.log --compare old.log.gz
        blueshift logs analyze access.log --format '$remote_addr [$time_local] "$request" $status $host'
    """
    from blueshift.app.logs import analyze, compare

    if not old:
        figures = analyze(files, form)
        if output == "json":
            print_json(figures)
        else:
            _tell(figures)
        return ExitCode.DONE
    found = compare(files, old, form)
    if output == "json":
        print_json(found)
    else:
        _judge(found)
    return ExitCode.DONE if found.verdict.outcome in ("pass", "marginal") else ExitCode.ERROR


def _tell(figures: Figures) -> None:
    rows = [_row(one) for one in figures.targets[:SHOWN]]
    print_table(("target", "requests", "errors", "p50 ms", "p95 ms", "p99 ms", "statuses"), rows)
    if (more := len(figures.targets) - SHOWN) > 0:
        say(f"and {more} more; `-o json` has every one")
    say(_sum(figures))
    if figures.clients:
        busiest = ", ".join(f"{escaped(client)} ({count})" for client, count in figures.clients[:5])
        say(f"{figures.clients_seen} clients, the busiest: {busiest}")
    _doubts(figures)


def _row(one: TargetFigures) -> tuple[object, ...]:
    times = (one.ms.p50, one.ms.p95, one.ms.p99) if one.ms else (None, None, None)
    classes: dict[str, int] = {}
    for status, count in one.statuses.items():
        # Below 100 is no class: nginx writes 000 where it sent no answer, and 009 for one without headers.
        name = status if status.startswith("0") else f"{status[0]}xx"
        classes[name] = classes.get(name, 0) + count
    statuses = ", ".join(f"{name} {count}" for name, count in classes.items())
    return (escaped(one.target), one.requests, one.errors, *times, statuses)


def _files(figures: Figures) -> str:
    """Which files stand for a side: a pattern of the shell may have put more there than was meant."""
    few = ", ".join(figures.files[:3])
    return few if len(figures.files) <= 3 else f"{few} and {len(figures.files) - 3} more"


def _sum(figures: Figures) -> str:
    when = f", {figures.first:%F %T} to {figures.last:%F %T} UTC" if figures.first and figures.last else ""
    what = f"{figures.requests} requests in {figures.lines} lines ({figures.layout}{when})"
    # A share of nothing would read as a good one.
    return f"{what}: {figures.errors} errors ({figures.errors_share:.2%})" if figures.requests else what


def _doubts(figures: Figures) -> None:
    errors = f", {figures.duplicate_errors} of them errors" if figures.duplicate_errors else ""
    apart = {
        "probes of Blueshift": figures.own,
        "that reached no known server": figures.noise,
        f"lines that came twice{errors}": figures.duplicates,
        "of the controller itself": figures.foreign,
    }
    if told := [f"{count} {what}" for what, count in apart.items() if count]:
        say(f"not counted: {', '.join(told)}")
    if figures.before:
        say(f"taken off before each line: {figures.before!r}")
    if figures.unread:
        say(f"NOT READ: {figures.unread} lines, the first: {figures.unread_first!r}")
    if figures.lacks:
        say(f"the format does not tell {', '.join(figures.lacks)}")


def _judge(found: Comparison) -> None:
    rows = [_difference(one) for one in found.differences[:SHOWN]]
    columns = ("target", "verdict", "requests old → new", "errors", "p95 ms")
    print_table(columns, rows)
    if (more := len(found.differences) - SHOWN) > 0:
        say(f"and {more} more; `-o json` has every one")
    for name, figures in (("old", found.old), ("new", found.new)):
        say(f"{name}, {_files(figures)}: {_sum(figures)}")
        _doubts(figures)
    say(f"verdict: {found.verdict.outcome}: {'; '.join(found.verdict.reasons)}")


def _difference(one: Difference) -> tuple[object, ...]:
    sides = (one.old, one.new)
    return (
        escaped(one.target),
        one.verdict.outcome,
        _change(*(side.requests if side else None for side in sides)),
        _change(*(side.errors if side else None for side in sides)),
        _change(*(side.ms.p95 if side and side.ms else None for side in sides)),
    )


def _change(old: float | None, new: float | None) -> str:
    """Both in one column: on 80 columns the names of hosts need the room."""
    return " → ".join("-" if side is None else str(side) for side in (old, new))
