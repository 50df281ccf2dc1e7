"""Where the time of a run went: what anybody would have had to wait for, helm, and what Blueshift added.

A wait counts as *inherent* from its start until its condition came true by an outside witness, or for the
length that the playbook sets. Rounds of confirmation count at their set length. How long the run then went on
pausing before it looked and saw is the wait's *notice*. Where nobody outside can tell, a wait is added whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec

from tests.bench.eyes import Eyes, Instant
from tests.bench.outside import Outside, until_of


class Noted(msgspec.Struct, frozen=True):
    """What `counted` wrote."""

    requests: dict[str, int]
    helm: tuple[tuple[Instant, Instant], ...]
    pauses: tuple[tuple[str, str, Instant, Instant], ...]
    rounds: tuple[tuple[Instant, float], ...]
    looks: tuple[tuple[str, str, Instant, Instant], ...]
    peak_rss_mb: float


class Waited(msgspec.Struct, frozen=True):
    """One wait as it was accounted for; seconds."""

    step: str
    key: str
    since: Instant
    lasted: float
    inherent: float
    notice: float | None
    """From the condition to the look that saw it; None where nobody outside can tell."""


def waits(noted: Noted, journal: Mapping[str, Any], eyes: Eyes, outside: Outside) -> list[Waited]:
    """Account for every wait of a run that went through on its first track."""
    found = []
    for (step, key), polls in groupby(noted.pauses, lambda pause: pause[:2]):
        pauses = list(polls)
        since, end = pauses[0][2], pauses[-1][3]
        until = until_of(step, key, journal, eyes, outside, since, end)
        if until is None:
            found.append(Waited(step, key, since, end - since, 0.0, None))
            continue
        true = min(max(until, since), end)
        # A set length is awaited, and no condition that must be noticed in time.
        notice = None if key == "answering" else end - true
        found.append(Waited(step, key, since, end - since, true - since, notice))
    return found


def rounds(noted: Noted, accounted: Sequence[Waited]) -> float:
    """Seconds between rounds of confirmation that are in no wait's inherent part already."""
    free = 0.0
    for at, slept in noted.rounds:
        within = (min(at + slept, one.since + one.inherent) - max(at, one.since) for one in accounted)
        free += max(0.0, slept - sum(max(0.0, part) for part in within))
    return free


def at_work(spans: Sequence[tuple[Instant, Instant]]) -> float:
    """Seconds in which at least one of these spans lasted: several revisions are rendered side by side."""
    lasted, until = 0.0, 0.0
    for since, end in sorted(spans):
        lasted += max(0.0, end - max(since, until))
        until = max(until, end)
    return lasted


def work(noted: Noted) -> dict[str, float]:
    """Seconds that each step looked and proved; helm and the rounds of agreements are not in it."""
    found: dict[str, float] = {}
    for step, _, began, ended in noted.looks:
        rounds = sum(slept for at, slept in noted.rounds if began <= at < ended)
        found[step] = found.get(step, 0.0) + ended - began - rounds
    return {step: round(seconds, 1) for step, seconds in found.items()}
