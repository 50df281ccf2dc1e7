"""What commands print: facts to stdout, as a table for people or as JSON for programs; talk to stderr."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from blueshift.cli.options import asking
from blueshift.errors import BlueshiftError

# Wide enough that nothing is folded when a table goes into a pipe.
_PIPE_WIDTH = 300


def print_json(value: Any) -> None:
    """Print a struct (or a tuple of them) as indented JSON: fields in their struct's order, keys sorted."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2)
    click.echo(text.decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "") -> None:
    """Print rows below their columns; `empty` goes to stderr instead when there are none."""
    if not rows:
        say(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(Text("-" if cell in (None, "") else str(cell)) for cell in row))
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else _PIPE_WIDTH, highlight=False).print(table)


def say(sentence: str) -> None:
    """Tell a person something that is no fact of the output."""
    if sentence:
        with suppress(OSError):  # the terminal is gone: nobody to tell, and no reason to end
            click.echo(sentence, err=True)


def confirmed(question: str) -> bool:
    """Ask before something changes. Raises BlueshiftError where nobody is there to answer."""
    if not sys.stdin.isatty():
        raise BlueshiftError(
            "this asks before it changes anything, and there is no terminal to ask on",
            hint="`--yes` answers in advance",
        )
    with asking():
        return click.confirm(question, default=False, err=True)


def typed(question: str) -> str:
    """Ask for a word; empty when nothing was typed. For a terminal alone."""
    with asking():
        return str(click.prompt(question, default="", show_default=False, err=True)).strip()
