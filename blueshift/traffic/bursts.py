"""Whether errors come one by one or in bursts: a burst is one event, however many requests it hits."""

from __future__ import annotations

SLOT = 10.0
"""Seconds that are counted together."""
MOST_SLOTS = 400
"""With errors, that are kept one by one: more than a soak of an hour has."""


class Bursts:
    """Takes the instants of errors, and keeps a few hundred numbers at most.

    By the squared differences of neighbouring slots (J. von Neumann, 1941): errors that last, also those that
    begin in the middle of a window, differ little from slot to slot, and a burst from both its neighbours.
    What is before the first and after the last counts as none: what lasts has to show it.

    Errors need not come in order: logs that are read from long ago come pod by pod.
    """

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        """Errors of each slot that had any."""
        self._count = 0
        self._closed = (-1, 0)
        """The latest slot that is not kept any more, and its errors; what comes from before it, too late,
        counts in the one after it."""
        self._squares = 0
        """Of all up to that one."""

    def add(self, at: float) -> None:
        """Count an error."""
        slot = max(int(at // SLOT), self._closed[0] + 1)
        self._slots[slot] = self._slots.get(slot, 0) + 1
        self._count += 1
        if len(self._slots) > MOST_SLOTS:
            first = min(self._slots)
            self._squares += _squares(self._closed, {first: self._slots[first]})
            self._closed = first, self._slots.pop(first)

    def times(self) -> float:
        """How many times as much the counts of slots vary as those of errors that come one by one (1)."""
        if not self._count:
            return 1.0
        last = self._slots[max(self._slots)]
        squares = self._squares + _squares(self._closed, self._slots) + last**2
        return max(1.0, squares / (2 * self._count))


def _squares(before: tuple[int, int], slots: dict[int, int]) -> int:
    """Of the differences from slot to slot, from the one before on; a slot that is not there had none."""
    found = 0
    at, count = before
    for slot in sorted(slots):
        here = slots[slot]
        found += (here - count) ** 2 if slot == at + 1 else count**2 + here**2
        at, count = slot, here
    return found
