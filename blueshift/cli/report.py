"""`blueshift report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.complete import runs
from blueshift.cli.options import cluster_options, run_async
from blueshift.cli.output import say
from blueshift.errors import BlueshiftError

if TYPE_CHECKING:
    from blueshift.app.report import Report

FORMATS = ("html", "json", "md")


@click.command()
@click.argument("run", shell_complete=runs)
@click.option(
    "--output",
    "-o",
    default="md",
    show_default=True,
    metavar="FILE|FORMAT",
    help="A file that ends in .html, .md or .json; or html, md, json for standard output.",
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    metavar="FILE",
    help="Of `blueshift probe --ledger`: what clients saw meanwhile.",
)
@cluster_options
def report(
    run: str,
    output: str,
    ledger: Path | None,
    kubeconfig: Path | None,
    context: str | None,
    state_namespace: str,
) -> None:
    """Tell all that is known of a run: as a page for a browser, as Markdown for a ticket, or as JSON.

    The page is one file: no script, nothing fetched from elsewhere, and it prints. It shows the timeline;
    requests, statuses and latency of both sides, the answers of every name server, who still came during a
    drain, and how far each witness watched, over time; the verdict, every step with what it saw and did and
    the commands, and what is not known. With the ledger of a prober that ran meanwhile, each failed request
    stands with its moment, its phase and the run's step.

    \b
        blueshift report 1124-0302-k7xq -o report.html
        blueshift report 1124-0302-k7xq -o md
        blueshift report 1124-0302-k7xq -o report.html --ledger rows
    """
    kind = output if output in FORMATS else Path(output).suffix.removeprefix(".")
    if kind not in FORMATS:
        raise BlueshiftError(
            f"{output!r} is neither a format nor a file of one",
            place="--output",
            hint="report.html, report.md or report.json; or html, md, json for standard output",
        )
    found = run_async(_gathered(run, ledger, kubeconfig, context, state_namespace))
    text = _text(found, kind)
    if output in FORMATS:
        click.echo(text.encode(), nl=False)  # it names its encoding, whatever the terminal's is
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BlueshiftError(
            f"cannot be written: {error.strerror}", place=output, hint="name a file in a folder that is there"
        ) from error
    say(f"written: {output}")


async def _gathered(
    run: str, ledger: Path | None, kubeconfig: Path | None, context: str | None, state_namespace: str
) -> Report:
    from blueshift.app.report import report
    from blueshift.app.session import known_runs

    async with known_runs(kubeconfig, context, state_namespace) as known:
        return await report(known, run, ledger)


def _text(found: Report, kind: str) -> str:
    import msgspec

    if kind == "json":
        return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    if kind == "md":
        from blueshift.report.markdown import markdown

        return markdown(found)
    from blueshift.report.page import page

    return page(found)
