"""`blueshift ledger`."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from blueshift.cli.options import lines_output
from blueshift.report.words import escaped

if TYPE_CHECKING:
    from blueshift.traffic.prober.ledger import Row


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path), metavar="FILE")
@click.option("--failed", is_flag=True, help="Only the requests that failed.")
@lines_output
def ledger(file: Path, failed: bool, output: str) -> None:
    """Print what `blueshift probe --ledger FILE` has kept: each request, in the order in which they ended.

    A line has the moment of its end in UTC, the status (--- where none came), how long it took since it was
    due, what was asked at which address, and of a failure its phase and why.

    With -o json the moments are seconds after `began`, and -1 where it did not come to that. A file that was
    cut off, as of a command that was killed, is read up to where it is whole.

    \b
        blueshift ledger rows --failed
        blueshift ledger rows -o json | jq 'select(.phase == "connect") | .address'
    """
    from blueshift.traffic.prober.ledger import read_ledger, started_of

    began = started_of(file)
    told = _object if output == "json" else _line
    for row in read_ledger(file):
        if row.failed or not failed:
            sys.stdout.write(told(row, began) + "\n")  # a flush for each of millions would take minutes


def _line(row: Row, began: datetime) -> str:
    moment = f"{began + timedelta(seconds=row.end):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    took = (row.end - row.scheduled) * 1000
    failed = f" in {row.phase}: {row.reason}" if row.failed else ""
    asked = f"{row.kind} {row.host}{row.path} at {row.address or 'no address'}"
    return escaped(f"{moment}Z {row.status or '---'} {took:9.1f} ms {asked}{failed}")


def _object(row: Row, began: datetime) -> str:
    import msgspec

    return msgspec.json.encode({"began": began, **msgspec.structs.asdict(row)}).decode()
