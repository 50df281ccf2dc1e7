"""One event per line as JSON, for programs. `v` is the version of the events' schema."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from blueshift import events

AGAIN = timedelta(seconds=30)
"""A look that shows what the one before it showed is written again after so long."""


class JsonLines:
    """A listener that writes every event, but looks that show nothing new only now and then."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._seen: dict[Hashable, events.Looked] = {}

    def __call__(self, event: events.Event) -> None:
        """Listen."""
        if isinstance(event, events.Looked) and not self._new(event):
            return
        fields = {"v": events.SCHEMA, **msgspec.to_builtins(event)}
        self._write(msgspec.json.encode(fields).decode())

    def _new(self, look: events.Looked) -> bool:
        about, before = _about(look), self._seen.get(_about(look))
        if before is not None and look.at - before.at < AGAIN and _at(before, look) == look:
            return False
        self._seen[about] = look
        return True


def _about(look: events.Looked) -> Hashable:
    match look:
        case events.WitnessSeen():
            return "witness", look.side, look.witness, look.pod
        case events.AnswersSeen():
            return "answers", look.server, look.recursive
        case _:
            return type(look).__name__, look.side


def _at(before: events.Looked, look: events.Looked) -> events.Looked:
    """The look before, as if it had been made now."""
    if isinstance(before, events.WitnessSeen) and isinstance(look, events.WitnessSeen):
        return replace(before, at=look.at, until=look.until)
    return replace(before, at=look.at)
