"""How a command ends: the exit codes, and an error as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from blueshift.errors import BlueshiftError, Errors

# An error must not push its own beginning off the screen: the rest of a long one is seen with --debug.
LONGEST = 4


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
    """The text for stderr: `error: <place>: <message>` and `hint: …` for each error in it, 5 lines at most.

    An error that is not Blueshift's own is a fault in Blueshift and is told as one.
    """
    return "\n".join(line for single in _singles(error) for line in _lines(single))


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
    hint: str | None
    if isinstance(error, BlueshiftError):
        text, hint = str(error), error.hint
    else:
        text = f"unexpected {type(error).__name__}: {error}"
        hint = "this is a fault in Blueshift; `blueshift --debug …` shows where it happened"
    lines = [line for line in text.splitlines() if line.strip()] or [type(error).__name__]
    if len(lines) > LONGEST:
        left = len(lines) - LONGEST + 1
        lines = [*lines[: LONGEST - 1], f"… {left} more lines (`blueshift --debug …` shows them)"]
    told = [f"error: {lines[0]}", *(f"  {line}" for line in lines[1:])]
    return told + ([f"hint: {' '.join(hint.split())}"] if hint else [])
