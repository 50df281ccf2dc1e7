"""How many requests came since an instant, in bounded memory: to the second lately, more coarsely before."""

from __future__ import annotations

from array import array
from bisect import bisect_left

_MOST = 64
"""Stretches kept. A tally has as many of these as it has rows, and a stretch takes 12 bytes."""
_FINELY = 0.25
"""Of its age, how long a stretch may be."""


class Ages:
    """Stretches of time, each with the requests that came in it (an exponential histogram).

    Neighbours become one where that is short for its age: what is asked about is the latest time.
    """

    __slots__ = ("_counts", "_ends", "_first")

    def __init__(self) -> None:
        self._first = 0.0
        self._ends = array("d")
        """The latest instant of each, seconds since the epoch."""
        self._counts = array("I")

    def add(self, at: float) -> None:
        """Count a request of an instant; one that comes late, as another pod's may, with those of then."""
        if not self._ends:
            self._first = at
        elif int(at) <= int(self._ends[-1]):
            self._first = min(self._first, at)
            self._ends[-1] = max(self._ends[-1], at)
            self._counts[bisect_left(self._ends, at)] += 1
            return
        self._ends.append(at)
        self._counts.append(1)
        if len(self._ends) > _MOST:
            self._fold()

    def since(self, at: float) -> int:
        """Requests from an instant on: never fewer than came, and more by what the stretch in which it lies
        had before it."""
        return sum(self._counts[bisect_left(self._ends, at) :])

    def _fold(self) -> None:
        finely = _FINELY
        while len(self._ends) > _MOST - _MOST // 8:
            self._fold_once(finely)
            finely *= 2

    def _fold_once(self, finely: float) -> None:
        now, ends, counts = self._ends[-1], array("d"), array("I")
        for end, count in zip(self._ends, self._counts, strict=True):
            begin = ends[-2] if len(ends) > 1 else self._first
            if ends and end - begin <= finely * (now - end):
                ends[-1] = end
                counts[-1] += count
            else:
                ends.append(end)
                counts.append(count)
        self._ends, self._counts = ends, counts
