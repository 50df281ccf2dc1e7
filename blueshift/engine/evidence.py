"""What was seen of both sides and of DNS while a run went on, kept beside its journal.

It lives in ConfigMap `blueshift-run-<id>-evidence`. Nothing is decided by it and its loss harms nothing, so
it is written now and then, and what cannot be written is not insisted on.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

import msgspec

from blueshift import events
from blueshift.cluster import paths
from blueshift.engine.store import RUN_LABEL, Runs, object_name
from blueshift.errors import BlueshiftError

EVERY = 30.0
"""Seconds between two writes."""
PATIENCE = 5.0
"""Seconds that one write may take: the end of a run does not wait for it."""
MOST = 1200
"""Points of one line; then neighbours become one, over the whole line alike. Packed, one has a few bytes."""
_FILE = "evidence.json.gz"


class SidePoint(msgspec.Struct, frozen=True, array_like=True):
    """Looks at a side; see `events.SideSeen`. One at first, more of them where space became scarce."""

    at: datetime
    """Of the latest of them."""
    ready: int
    """The fewest."""
    wanted: int
    requests_per_s: float | None
    """The mean of those that are known."""
    errors_per_s: float | None
    """The most."""
    missed: int = 0
    """Looks without a rate."""


class AnswerPoint(msgspec.Struct, frozen=True, array_like=True):
    """How many names one server answered with which side; see `events.AnswersSeen`."""

    at: datetime
    primary: int
    temporary: int
    other: int
    unknown: int


class Evidence(msgspec.Struct):
    """By side and by name server, each in the order of time."""

    schema: int = 1
    sides: dict[str, list[SidePoint]] = {}
    answers: dict[str, list[AnswerPoint]] = {}

    def add(self, event: events.Event) -> bool:
        """Take what an event shows; false for one that shows nothing of this."""
        match event:
            case events.SideSeen():
                line = self.sides.setdefault(event.side, [])
                rates = (event.requests_per_s, event.errors_per_s)
                line.append(SidePoint(event.at, event.ready, event.wanted, *rates, int(rates[0] is None)))
                self.sides[event.side] = _thinned(line, _together)
            case events.AnswersSeen():
                found = self.answers.setdefault(event.server, [])
                found.append(
                    AnswerPoint(event.at, event.primary, event.temporary, event.other, event.unknown)
                )
                # Of equal answers the first and the last tell all.
                if len(found) > 2 and _same(found[-3], found[-1]) and _same(found[-2], found[-1]):
                    del found[-2]
                self.answers[event.server] = _thinned(found, _latest)
            case _:
                return False
        return True


def _same(one: AnswerPoint, other: AnswerPoint) -> bool:
    return msgspec.structs.replace(one, at=other.at) == other


Point = TypeVar("Point", SidePoint, AnswerPoint)


def _thinned(line: list[Point], merge: Callable[[list[Point]], Point]) -> list[Point]:
    """Half as many points, each for as long a time as any other, whatever had become one before."""
    if len(line) <= MOST:
        return line
    begin = line[0].at
    width = max(1.0, (line[-1].at - begin).total_seconds()) / (MOST // 2)
    groups = groupby(line, lambda point: (point.at - begin).total_seconds() // width)
    return [merge(list(points)) for _, points in groups]


def _together(points: list[SidePoint]) -> SidePoint:
    rates = [one.requests_per_s for one in points if one.requests_per_s is not None]
    errors = [one.errors_per_s for one in points if one.errors_per_s is not None]
    return SidePoint(
        at=points[-1].at,
        ready=min(one.ready for one in points),
        wanted=points[-1].wanted,
        requests_per_s=sum(rates) / len(rates) if rates else None,
        errors_per_s=max(errors) if errors else None,
        missed=sum(one.missed for one in points),
    )


def _latest(points: list[AnswerPoint]) -> AnswerPoint:
    return points[-1]


class Recorder:
    """A service of a run: keeps what events show, on top of what an earlier process has kept."""

    def __init__(self, runs: Runs, run: str) -> None:
        self._runs = runs
        self._run = run
        self._evidence = Evidence()
        self._read = False
        self._fresh = False
        self._writing = asyncio.Lock()

    def listen(self, event: events.Event) -> None:
        """Take an event."""
        self._fresh = self._evidence.add(event) or self._fresh

    async def run(self) -> None:
        """Write now and then, until cancelled."""
        while True:
            await self._runs.clock.sleep(EVERY)
            await self.write()

    async def write(self) -> None:
        """Write what is new, within some seconds; what fails is tried again with the next write, if any."""
        if not self._fresh:
            return
        with suppress(BlueshiftError, TimeoutError):
            async with self._runs.clock.timeout(PATIENCE), self._writing:
                if self._fresh:
                    await self._write()

    async def _write(self) -> None:
        there = await self._runs.kube.find(_path(self._runs, self._run))
        if not self._read:
            before = _decoded(there) if there else Evidence()
            if before is None:
                return  # of a newer version, or nobody knows what: not ours to replace
            self._evidence = _joined(before, self._evidence)
            self._read = True
        self._fresh = False  # what comes while it is written is for the next time
        try:
            await _stored(self._runs, self._run, self._evidence, there)
        except BaseException:
            self._fresh = True
            raise


def _joined(before: Evidence, after: Evidence) -> Evidence:
    joined = Evidence()
    for name in before.sides | after.sides:
        points = [*before.sides.get(name, []), *after.sides.get(name, [])]
        joined.sides[name] = _thinned(points, _together)
    for name in before.answers | after.answers:
        found = [*before.answers.get(name, []), *after.answers.get(name, [])]
        joined.answers[name] = _thinned(found, _latest)
    return joined


async def read(runs: Runs, run: str) -> Evidence | None:
    """What was kept of a run; None where there is none, or of a newer version."""
    there = await runs.kube.find(_path(runs, run))
    return _decoded(there) if there else None


def _decoded(there: Mapping[str, Any]) -> Evidence | None:
    try:
        packed = base64.b64decode(there["binaryData"][_FILE])
        kept = msgspec.json.decode(gzip.decompress(packed), type=Evidence)
    except (KeyError, ValueError, OSError, EOFError, zlib.error):
        return None
    return kept if kept.schema == Evidence().schema else None


async def _stored(runs: Runs, run: str, evidence: Evidence, there: Mapping[str, Any] | None) -> None:
    packed = gzip.compress(msgspec.json.encode(evidence), mtime=0)
    metadata: dict[str, Any] = {"name": f"{object_name(run)}-evidence", "labels": {RUN_LABEL: run}}
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "binaryData": {_FILE: base64.b64encode(packed).decode()},
    }
    if there is None:
        await runs.kube.create(paths.core("configmaps", runs.namespace), body)
    else:
        metadata["resourceVersion"] = there["metadata"]["resourceVersion"]
        await runs.kube.replace(_path(runs, run), body)


def _path(runs: Runs, run: str) -> str:
    return paths.core("configmaps", runs.namespace, f"{object_name(run)}-evidence")
