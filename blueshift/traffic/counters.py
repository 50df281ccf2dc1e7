"""What the pods of one side counted since they were first looked at: running totals instead of samples.

A sample of 300 hosts is 0.7 MB, as it holds the names of its series. Here names are kept once per pod, and a
look is eight bytes per series. As totals run on, looks may be left out: between others no count changes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

from blueshift.traffic.metrics import Sample, Series, Told, Window, delta

WHOLE = 1200.0
"""Seconds for which every look is kept."""
SHARE = 1 / 120
"""Of its age: how far a look that is older may be from the next one."""
_EVERY = 60.0


class _Dated(Protocol):
    @property
    def at(self) -> float: ...


_Entry = TypeVar("_Entry", bound=_Dated)


def thinned(entries: list[_Entry], now: float) -> list[_Entry]:
    """Entries in order of time without those that old stretches can do without; the ends always stay.

    What is kept grows with the logarithm of time: at a look each five seconds, about 450 for two hours.
    """
    kept = entries[:1]
    for entry, after in pairwise(entries[1:]):
        age = now - entry.at
        if age <= WHOLE or after.at - kept[-1].at > age * SHARE:
            kept.append(entry)
    return kept + entries[1:][-1:]


class _Look(NamedTuple):
    at: float
    totals: array[float]
    """By column, those of later series left out; shared with the look before if nothing was counted."""

    def padded(self, columns: int) -> array[float]:
        return self.totals + array("d", bytes(8 * (columns - len(self.totals))))


class _Gap(NamedTuple):
    before: float
    after: float
    until: float


class _Pod:
    """One pod. The totals of its first look are what it had counted before that."""

    def __init__(self, first: Sample) -> None:
        self.started = first.started
        self.last = first
        self.columns = {series: column for column, series in enumerate(first.counters)}
        self.looks = [_Look(first.at, array("d", first.counters.values()))]
        self.gaps: list[_Gap] = []

    def add(self, sample: Sample) -> None:
        step = delta(self.last, sample)
        totals = self.looks[-1].totals
        if step.counts:
            totals = totals[:]
            for series, count in step.counts.items():
                column = self.columns.setdefault(series, len(self.columns))
                totals.extend([0.0] * (column + 1 - len(totals)))
                totals[column] += count
        if step.reset:
            lost = max(self.last.at, sample.started or sample.at)
            self.gaps.append(_Gap(self.last.at, sample.at, lost))
        self.looks.append(_Look(sample.at, totals))
        self.last = sample

    def bounds(self, since: float, until: float) -> tuple[_Look, _Look] | None:
        """The looks around a stretch: see `Counters.window`."""
        before = [look for look in self.looks if look.at <= since][-1:]
        after = [look for look in self.looks if look.at >= until and look.at > since][:1]
        if before:
            begin = before[0]
        elif self.started > since:
            begin = _Look(self.started, array("d"))
        else:
            begin = self.looks[0]
        end = (after or self.looks[-1:])[0]
        return (begin, end) if end is not begin else None

    def risen(self, end: _Look) -> float:
        """When the totals of a look were seen first: nothing was counted from then until that look."""
        at = end.at
        for look in reversed(self.looks):
            if look.at < end.at and look.totals is not end.totals:
                break
            at = min(at, look.at)
        return at


class Counters:
    """Takes samples as they come, in any order of pods."""

    def __init__(self) -> None:
        self.first = 0.0
        """Instant of the first sample, seconds since the epoch; 0 before there is one."""
        self.last = 0.0
        self._pods: dict[str, _Pod] = {}
        self._uncounted: set[str] = set()
        self._thinned = 0.0

    def add(self, samples: Iterable[Sample]) -> None:
        """Count what is new. A sample that is not newer than its pod's last one tells nothing."""
        for sample in samples:
            if not sample.counting:
                self._uncounted.add(sample.pod)
                continue
            self._uncounted.discard(sample.pod)
            pod = self._pods.get(sample.pod)
            if pod is None:
                self._pods[sample.pod] = _Pod(sample)
            elif sample.at > pod.last.at:
                pod.add(sample)
            self.first = min(self.first or sample.at, sample.at)
            self.last = max(self.last, sample.at)
        if self.last - self._thinned >= _EVERY:
            self._thinned = self.last
            for pod in self._pods.values():
                pod.looks = thinned(pod.looks, self.last)

    def window(self, since: float, until: float) -> Window:
        """What the pods counted from `since` to `until` (seconds since the epoch).

        A pod is counted from its last look at or before `since`, or from zero if its process started later,
        to its first look at or after `until` (to its last one if it ended before). What cannot be told apart
        by looks so far from each other counts as inside: more is seen, never less.
        """
        counts: dict[Series, float] = {}
        covered: dict[str, tuple[float, float]] = {}
        told: dict[str, Told] = {}
        gaps, risen = [], 0.0
        for name, pod in self._pods.items():
            found = pod.bounds(since, until)
            if found is None:
                continue
            begin, end = found
            totals = (look.padded(len(pod.columns)) for look in found)
            rows = zip(pod.columns, *totals, strict=True)
            rises = [(series, new - old) for series, old, new in rows if new != old]
            for series, more in rises:
                counts[series] = counts.get(series, 0.0) + more
            risen = max(risen, pod.risen(end)) if rises else risen
            covered[name] = (begin.at, end.at)
            told[name] = pod.last.told
            inside = [gap for gap in pod.gaps if gap.before >= begin.at and gap.after <= end.at]
            gaps += [(name, gap.before, gap.until) for gap in inside]
        return Window(counts, covered, tuple(gaps), frozenset(self._uncounted), risen, told)
