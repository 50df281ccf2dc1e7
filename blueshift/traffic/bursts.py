"""Whether errors come one by one or in bursts: a burst is one event, however many requests it hits."""

from __future__ import annotations

SLOT = 10.0
"""Seconds that are counted together."""


class Bursts:
    """Takes the instants of errors as they come, and keeps a few numbers.

    By the squared differences of neighbouring slots (J. von Neumann, 1941): errors that last, also those that
    begin in the middle of a window, differ little from slot to slot, and a burst from both its neighbours.
    What is before the first and after the last counts as none: what lasts has to show it.
    """

    def __init__(self) -> None:
        self._slot = 0
        self._now = self._before = 0
        self._closed = self._squares = 0

    def add(self, at: float) -> None:
        """Count an error; one that comes late counts among the latest."""
        slot = int(at // SLOT)
        if slot > self._slot:
            self._squares += (self._now - self._before) ** 2
            self._closed += self._now
            gone = slot > self._slot + 1
            self._squares += self._now**2 if gone else 0
            self._before, self._now = (0 if gone else self._now), 0
            self._slot = slot
        self._now += 1

    def times(self) -> float:
        """How many times as much the counts of slots vary as those of errors that come one by one (1)."""
        count = self._closed + self._now
        squares = self._squares + (self._now - self._before) ** 2 + self._now**2
        return max(1.0, squares / (2 * count)) if count else 1.0
