"""Requests by what was asked for: one shape for logs read as files and for those that are followed."""

from __future__ import annotations

import msgspec

from blueshift.traffic.judge import Observed, is_error
from blueshift.traffic.sides import Answered, answered
from blueshift.traffic.sketch import Sketch

MOST_TARGETS = 5_000
"""Rows kept; those beyond are told as one."""
OTHERS = "(others)"
_NOT_MODIFIED, _CLIENT_CLOSED = 304, 499
"""The client has it, and the client went away (nginx's own status): neither says how a host answers."""
_SWITCHED = 101
"""Switching Protocols (RFC 9110 §15.2.2)."""
NO_TARGET = ""
"""What reached no known server: scanners, junk."""


class Target(msgspec.Struct):
    """One host, or one upstream where the format has no host."""

    requests: int = 0
    errors: int = 0
    """See `judge.is_error`."""
    statuses: dict[int, int] = {}
    latency: Sketch = msgspec.field(default_factory=Sketch)
    """Seconds, where the format tells them; without WebSockets, whose time is that of the whole session."""

    def add(self, status: int, seconds: float | None, count: int = 1) -> None:
        """Count requests that ended alike; seconds that are none are unknown."""
        self.requests += count
        self.errors += count if is_error(status) else 0
        self.statuses[status] = self.statuses.get(status, 0) + count
        if status != _SWITCHED and seconds is not None:
            self.latency.add(max(0.0, seconds), count)

    def observed(self) -> Observed:
        """As it is judged; counting goes on in it."""
        return Observed(self.requests, self.errors, self.latency, self._turned())

    def _turned(self) -> int:
        return sum(
            count
            for status, count in self.statuses.items()
            if 300 <= status < 500 and status not in (_NOT_MODIFIED, _CLIENT_CLOSED)
        )


class Targets(dict[str, Target]):
    """By name."""

    def of(self, name: str) -> Target:
        """The row of a target, made where there is none yet."""
        found = self.get(name)
        if found is None:
            name = name if len(self) < MOST_TARGETS else OTHERS
            found = self.setdefault(name, Target())
        return found

    def answered(self) -> Answered:
        """The known ones, and all of them together."""
        return answered({name: target.observed() for name, target in self.items() if name != NO_TARGET})
