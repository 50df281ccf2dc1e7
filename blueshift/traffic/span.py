"""From when to when a log reaches, by a few looks at each block of its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

At = Callable[[bytes], float | None]
"""The time of a line in seconds since the epoch, 0 for an access without one, None for what is no access."""
_SAMPLES = 8
"""Looks at a block between its ends: one costs a thousandth of counting it, or less."""
_MOST_TIMELESS = 100
"""Accesses without a time that can be read, after which no other is looked for: each takes a careful look."""
_AROUND = 50
"""Lines in which the next access is looked for, where a pod's log begins with what the controller says."""


class Span:
    """Takes blocks of lines. Times go forward, but where another pod's log begins, which is looked for."""

    def __init__(self) -> None:
        self._first = self._last = 0.0

    def take(self, lines: Sequence[bytes], at: At) -> None:
        """Take in the times of a block."""
        begin = _edge(lines, range(len(lines)), at)
        if begin is None:
            return
        end = _edge(lines, range(len(lines) - 1, begin[0], -1), at) or begin
        seen = [begin]
        for part in range(1, _SAMPLES + 1):
            place = begin[0] + (end[0] - begin[0]) * part // (_SAMPLES + 1)
            if place > seen[-1][0] and (time := at(lines[place])):
                seen.append((place, time))
        seen.append(end)
        self._see(time for _, time in seen)
        for earlier, later in pairwise(one for one in seen if one[1]):
            if later[1] < earlier[1]:
                self._see(_turn(lines, earlier, later, at))

    def told(self) -> tuple[datetime, datetime] | None:
        """The first and the last instant that was seen."""
        if not self._last:
            return None
        return datetime.fromtimestamp(self._first, UTC), datetime.fromtimestamp(self._last, UTC)

    def _see(self, times: Iterable[float]) -> None:
        for time in times:
            if time:
                self._first = min(self._first or time, time)
                self._last = max(self._last, time)


def _edge(lines: Sequence[bytes], places: range, at: At) -> tuple[int, float] | None:
    """The first of these lines that has a time, or an access without one after many of that kind; None where
    none is left."""
    timeless = 0
    for place in places:
        time = at(lines[place])
        if time is None:
            continue
        timeless += 1
        if time or timeless == _MOST_TIMELESS:
            return place, time
    return None


def _turn(
    lines: Sequence[bytes], earlier: tuple[int, float], later: tuple[int, float], at: At
) -> tuple[float, float]:
    """The times between which they go back, found by halves."""
    (low, before), (high, after) = earlier, later
    while high - low > 1:
        middle = (low + high) // 2
        found = _edge(lines, range(middle, min(high, middle + _AROUND)), at)
        if found and found[1] >= before:
            low, before = found
        else:
            high, after = middle, found[1] if found and found[1] else after
    return before, after
