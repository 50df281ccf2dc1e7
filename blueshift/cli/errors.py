"""How a command ends: the exit codes, and an error as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import click

from blueshift.errors import BlueshiftError, Errors

# An error must not push its own beginning off the screen: the rest of a long one is seen with --debug.
LONGEST = 4
WIDEST = 1600


class ExitCode(IntEnum):
    """Every exit code that a command may have. Runbook tools decide on these, so they never change."""

    DONE = 0
    ERROR = 1
    """Nothing else fits: bad input, an unreachable cluster, a fault."""
    CHANGES_PENDING = 2
    """Only `plan --detailed-exitcode`."""
    REFUSED = 3
    """Preflight failed, or the plan is stale: nothing was changed."""
    ROLLED_BACK = 4
    HOLDING = 5
    """A safe standstill: a person must choose."""
    SKIPPED = 75
    """The window is closed, nothing was to do, or the run is parked (EX_TEMPFAIL of sysexits.h: later)."""
    INTERRUPTED = 130
    """128 + SIGINT, as shells have it."""


def explain(error: BaseException) -> str:
    """The text for stderr: `error: <place>: <message>` and `hint: …`, 5 lines at most.

    Several errors of one input are one: their first lines, and the first hint. An error that is not
    Blueshift's own is a fault in Blueshift and is told as one.
    """
    singles = list(_singles(error))
    hint = next((hint for single in singles if (hint := _hint(single))), None)
    lines = _lines(singles[0]) if len(singles) == 1 else [_lines(single)[0] for single in singles]
    if len(lines) > LONGEST:
        left = len(lines) - LONGEST + 1
        lines = [*lines[: LONGEST - 1], f"… {left} more (`blueshift --debug …` shows all)"]
    told = [f"error: {_cut(lines[0])}", *(f"  {_cut(line)}" for line in lines[1:])]
    return "\n".join(told + ([f"hint: {_cut(' '.join(hint.split()))}"] if hint else []))


# What names an argument that is missing.
_NAMED = {
    "run": "`blueshift status` lists the runs",
    "gate": "`blueshift status RUN` names the gate at which it waits",
}


def usage(error: click.ClickException) -> str:
    """The text for stderr of a command line that click does not take, in the same form."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    said = " ".join(error.format_message().split()).rstrip(".")
    said = _cut(said[:1].lower() + said[1:])
    if context is None:  # an option without its value: click tells nobody of which command
        return f"error: {said}\nhint: the same command with `--help` says more"
    path = context.command_path
    form = " ".join(context.get_usage().split()).partition(" ")[2]
    missing = error.param.name if isinstance(error, click.MissingParameter) and error.param else None
    next_one = _NAMED.get(missing or "", f"`{path} --help` says more")
    return f"error: {path}: {said}\nhint: {next_one}; usage: {_cut(form)}"


def _singles(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, Errors):
        for one in error.errors:
            yield from _singles(one)
    elif isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _singles(inner)
    else:
        yield error


def _lines(error: BaseException) -> list[str]:
    own = isinstance(error, BlueshiftError)
    text = str(error) if own else f"unexpected {type(error).__name__}: {error}"
    return [line for line in text.splitlines() if line.strip()] or [type(error).__name__]


def _hint(error: BaseException) -> str | None:
    if isinstance(error, BlueshiftError):
        return error.hint
    return "this is a fault in Blueshift; `blueshift --debug …` shows where it happened"


def _cut(line: str) -> str:
    """A line of bounded length, with nothing in it that would move a terminal's cursor."""
    plain = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in line.expandtabs(2)
    )
    return plain if len(plain) <= WIDEST else f"{plain[: WIDEST - 1]}…"
