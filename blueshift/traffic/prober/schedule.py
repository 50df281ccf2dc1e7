"""When each request is due, fixed before the first is sent: an open loop never waits for answers."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence

from blueshift.traffic.prober.plan import Stream

# The golden ratio's fractional part spreads any number of streams evenly over their interval.
_SPREAD = (math.sqrt(5) - 1) / 2


def moments(streams: Sequence[Stream], until: float) -> Iterator[tuple[float, int]]:
    """Yield (seconds after the start, index of the stream) in order, up to `until` (exclusive)."""
    due: list[tuple[float, int, int]] = []
    for index, stream in enumerate(streams):
        due.extend((moment, index, -1) for moment in stream.at)
        if stream.rate > 0:
            due.append((_moment(stream.rate, index, 0), index, 0))
    heapq.heapify(due)
    while due and due[0][0] < until:
        moment, index, turn = due[0]
        yield moment, index
        if turn < 0:
            heapq.heappop(due)
        else:
            heapq.heapreplace(due, (_moment(streams[index].rate, index, turn + 1), index, turn + 1))


def _moment(rate: float, index: int, turn: int) -> float:
    return (turn + (index * _SPREAD) % 1.0) / rate
