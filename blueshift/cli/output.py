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
_GAP = 2
"""Spaces between columns."""


def print_json(value: Any) -> None:
    """Print a struct (or a tuple of them) as indented JSON: fields in their struct's order, keys sorted."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2)
    click.echo(text.decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "") -> None:
    """Print rows below their columns; `empty` goes to stderr instead when there are none.

    Cells are folded between words to the terminal's width, and names never: where these alone are too wide,
    lines are left to the terminal, as they can be copied then.
    """
    if not rows:
        say(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    texts = _texts(columns, rows)
    room = _room()
    gaps = _GAP * (len(columns) - 1)
    widths = _widths(texts, room - gaps)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.upper(), overflow="fold", width=width)
    for row in texts[1:]:
        table.add_row(*map(Text, row))
    # A dumb terminal is taken for one of 80 columns unless both sides are given.
    width = max(room, sum(widths) + gaps)
    Console(file=sys.stdout, width=width, height=25, highlight=False).print(table)


def fits(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bool:
    """Tell whether `print_table` would fold no cell of these, as it does where a terminal is too narrow."""
    whole = _whole(_texts(columns, rows))
    return sum(whole) + _GAP * (len(columns) - 1) <= _room()


def _texts(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[list[str]]:
    """The columns' names and every cell, as they are printed."""
    cells = [["-" if cell in (None, "") else str(cell) for cell in row] for row in rows]
    return [[column.upper() for column in columns], *cells]


def _room() -> int:
    """Characters in a line."""
    from rich.console import Console

    return Console(file=sys.stdout).width if sys.stdout.isatty() else _PIPE_WIDTH


def _whole(texts: Sequence[Sequence[str]]) -> list[int]:
    """The width of each column in which nothing is folded."""
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in zip(*texts, strict=True)]


def _widths(texts: Sequence[Sequence[str]], room: int) -> list[int]:
    """One for each column: the widest give way first, and none below its longest word."""
    from rich.cells import cell_len

    widths = _whole(texts)
    columns = zip(*texts, strict=True)
    least = [max(map(cell_len, " ".join(column).split()), default=1) for column in columns]
    for _ in range(sum(widths) - room):
        wide = [at for at, width in enumerate(widths) if width > least[at]]
        if not wide:
            break
        widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


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
