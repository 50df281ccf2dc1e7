"""Quantiles of latencies in little memory: a mergeable sketch with buckets of equal ratio.

The scheme is that of DDSketch (Masson, Rim, Lee; VLDB 2019): a value is found again with a relative error
of at most 1 %, and sketches of pods and of stretches of time add up to the sketch of all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

ERROR = 0.01
"""Relative error of a quantile."""

LEAST = 1e-6
"""Seconds: anything shorter counts as zero."""

_GAMMA = (1 + ERROR) / (1 - ERROR)
_LOG_GAMMA = math.log(_GAMMA)


class Sketch(msgspec.Struct):
    """Counts by bucket; written as JSON as it stands. Seconds."""

    buckets: dict[int, int] = {}
    zeros: int = 0

    @property
    def count(self) -> int:
        """Values in it."""
        return self.zeros + sum(self.buckets.values())

    def add(self, value: float, count: int = 1) -> None:
        """Count a value; negative ones and those that are no number are refused with ValueError."""
        if not 0 <= value < math.inf:
            raise ValueError(f"{value} is no duration")
        if value < LEAST:
            self.zeros += count
        else:
            bucket = math.ceil(math.log(value) / _LOG_GAMMA)
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def at_rank(self, rank: float) -> float | None:
        """The value that `rank` others are below, from 0 to count - 1; None in an empty sketch."""
        if not self.count:
            return None
        rest = min(max(rank, 0.0), self.count - 1) - self.zeros
        if rest < 0:
            return 0.0
        value = 0.0
        for bucket in sorted(self.buckets):
            rest -= self.buckets[bucket]
            value = 2 * _GAMMA**bucket / (_GAMMA + 1)
            if rest < 0:
                break
        return value

    def quantile(self, q: float) -> float | None:
        """The value at a quantile from 0 to 1; None in an empty sketch."""
        return self.at_rank(q * (self.count - 1))

    def above(self, value: float) -> int:
        """How many values are more than that, within the error."""
        if value < LEAST:
            return sum(self.buckets.values())
        last = math.ceil(math.log(value) / _LOG_GAMMA)
        return sum(count for bucket, count in self.buckets.items() if bucket > last)

    def interval(self, q: float, z: float) -> tuple[float, float] | None:
        """Confidence interval of a quantile by order statistics, `z` standard deviations wide each way."""
        count = self.count
        if not count:
            return None
        spread = z * math.sqrt(count * q * (1 - q))
        low, high = self.at_rank(count * q - spread - 1), self.at_rank(count * q + spread)
        assert low is not None
        assert high is not None
        return low, high


def packed(sketch: Sketch) -> tuple[int, ...]:
    """For a place where space is scarce: the zeros, then each bucket with its count."""
    return (sketch.zeros, *(number for bucket in sorted(sketch.buckets.items()) for number in bucket))


def unpacked(numbers: Sequence[int]) -> Sketch:
    """What `packed` made."""
    zeros, *rest = numbers or (0,)
    return Sketch(dict(zip(rest[::2], rest[1::2], strict=True)), zeros)


def merge(sketches: Iterable[Sketch]) -> Sketch:
    """The sketch of all their values."""
    merged = Sketch()
    for sketch in sketches:
        merged.zeros += sketch.zeros
        for bucket, count in sketch.buckets.items():
            merged.buckets[bucket] = merged.buckets.get(bucket, 0) + count
    return merged


class Milliseconds(msgspec.Struct, frozen=True):
    """Quantiles for people and programs, within 1 %."""

    p50: float
    p95: float
    p99: float


def milliseconds(sketch: Sketch) -> Milliseconds | None:
    """The usual quantiles; None in an empty sketch."""
    p50, p95, p99 = (sketch.quantile(q) for q in (0.5, 0.95, 0.99))
    if p50 is None or p95 is None or p99 is None:
        return None
    return Milliseconds(*(round(value * 1000, 2) for value in (p50, p95, p99)))
