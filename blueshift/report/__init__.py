"""Listeners of a run's events, and pictures of its plan, its findings and its journal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from blueshift.clock import Clock, SystemClock
from blueshift.events import Emit, Event

_CANNOT_REDRAW = ("dumb", "unknown")
"""Values of TERM."""


@contextmanager
def choose(output: str | None, run: str, clock: Clock | None = None) -> Iterator[Emit]:
    """The listener for `live`, `plain` or `json`; None is live on a terminal that redraws, plain elsewhere.

    What it writes goes to stdout. A reader that goes away never ends a run: from then on nothing is written.
    """
    if output is None:
        output = "live" if sys.stdout.isatty() and os.environ.get("TERM") not in _CANNOT_REDRAW else "plain"
    if output == "live":
        from rich.console import Console

        from blueshift.report.live import live_view

        with live_view(Console(file=sys.stdout, highlight=False), clock or SystemClock(), run) as emit:
            yield unbreakable(emit)
        return
    from blueshift.report.jsonl import JsonLines
    from blueshift.report.plain import Plain

    yield unbreakable(JsonLines(_write) if output == "json" else Plain(_write))


def unbreakable(emit: Emit) -> Emit:
    """The listener, until its stream fails once (closed pipe, hung-up terminal)."""
    broken = False

    def listen(event: Event) -> None:
        nonlocal broken
        if broken:
            return
        try:
            emit(event)
        except OSError:
            broken = True
            _discard_stdout()

    return listen


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _discard_stdout() -> None:
    """Let what is still buffered go nowhere, or Python would fail on it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
