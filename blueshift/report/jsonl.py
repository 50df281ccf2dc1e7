"""One event per line as JSON, for programs. `v` is the version of the events' schema."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from blueshift import events


class JsonLines:
    """A listener that writes every event."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def __call__(self, event: events.Event) -> None:
        """Listen."""
        fields = {"v": events.SCHEMA, **msgspec.to_builtins(event)}
        self._write(msgspec.json.encode(fields).decode())
