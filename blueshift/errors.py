"""The one family of errors. Drivers raise them; the engine reads their kind; `cli` prints them."""

from __future__ import annotations

from typing import Any


class BlueshiftError(Exception):
    """Something a person must hear of: what happened, where it stands, what to try next.

    Final unless it is a `Retryable` or an `Ambiguous`: doing the same again would end the same.
    """

    def __init__(self, message: str, *, hint: str | None = None, place: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        """The next command or change to try, as one sentence."""
        self.place = place
        """`file:line:column`, or the object that is meant."""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class Retryable(BlueshiftError):
    """Nothing was changed, and the same call may go through later."""

    def __init__(self, message: str, *, after: float = 1.0, **more: Any) -> None:
        super().__init__(message, **more)
        self.after = after
        """Seconds to wait before the next try."""


class Ambiguous(BlueshiftError):
    """A write may or may not have landed (a lost answer): observe before anything else."""


class Errors(BlueshiftError):
    """Several errors of one input, shown together so that one round mends them all."""

    def __init__(self, errors: list[BlueshiftError]) -> None:
        super().__init__("\n".join(str(error) for error in errors), hint=errors[0].hint)
        self.errors = errors
