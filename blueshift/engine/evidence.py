"""What was seen of both sides and of DNS while a run went on, kept beside its journal.

It lives in ConfigMap `blueshift-run-<id>-evidence`. Nothing is decided by it and its loss harms nothing, so
it is written now and then, and what cannot be written is not insisted on.
"""

from __future__ import annotations

import base64
import gzip
from contextlib import suppress
from datetime import datetime
from typing import Any

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
"""Points of one line; then every second one is dropped. Packed, each takes a few bytes of an object's MiB."""
_FILE = "evidence.json.gz"


class SidePoint(msgspec.Struct, frozen=True, array_like=True):
    """One look at a side; see `events.SideSeen`."""

    at: datetime
    ready: int
    wanted: int
    requests_per_s: float | None
    errors_per_s: float | None


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
                line.append(
                    SidePoint(event.at, event.ready, event.wanted, event.requests_per_s, event.errors_per_s)
                )
                self.sides[event.side] = _thinned(line)
            case events.AnswersSeen():
                found = self.answers.setdefault(event.server, [])
                found.append(
                    AnswerPoint(event.at, event.primary, event.temporary, event.other, event.unknown)
                )
                # Of equal answers the first and the last tell all.
                if len(found) > 2 and _same(found[-3], found[-1]) and _same(found[-2], found[-1]):
                    del found[-2]
                self.answers[event.server] = _thinned(found)
            case _:
                return False
        return True


def _same(one: AnswerPoint, other: AnswerPoint) -> bool:
    return msgspec.structs.replace(one, at=other.at) == other


def _thinned(line: list[Any]) -> list[Any]:
    return line if len(line) <= MOST else [*line[:-1:2], line[-1]]


class Recorder:
    """A service of a run: keeps what events show, on top of what an earlier process has kept."""

    def __init__(self, runs: Runs, run: str) -> None:
        self._runs = runs
        self._run = run
        self._evidence = Evidence()
        self._read = False
        self._fresh = False

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
            async with self._runs.clock.timeout(PATIENCE):
                await self._write()

    async def _write(self) -> None:
        if not self._read:
            before = await read(self._runs, self._run) or Evidence()
            self._evidence = _joined(before, self._evidence)
            self._read = True
        await _write(self._runs, self._run, self._evidence)
        self._fresh = False


def _joined(before: Evidence, after: Evidence) -> Evidence:
    joined = Evidence()
    for name in before.sides | after.sides:
        joined.sides[name] = _thinned([*before.sides.get(name, []), *after.sides.get(name, [])])
    for name in before.answers | after.answers:
        joined.answers[name] = _thinned([*before.answers.get(name, []), *after.answers.get(name, [])])
    return joined


async def read(runs: Runs, run: str) -> Evidence | None:
    """What was kept of a run; None where there is none, or of a newer version."""
    found = await runs.kube.find(_path(runs, run))
    try:
        packed = base64.b64decode((found or {})["binaryData"][_FILE])
        kept = msgspec.json.decode(gzip.decompress(packed), type=Evidence)
    except (KeyError, ValueError, OSError, EOFError):
        return None
    return kept if kept.schema == Evidence().schema else None


async def _write(runs: Runs, run: str, evidence: Evidence) -> None:
    packed = gzip.compress(msgspec.json.encode(evidence), mtime=0)
    metadata: dict[str, Any] = {"name": f"{object_name(run)}-evidence", "labels": {RUN_LABEL: run}}
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "binaryData": {_FILE: base64.b64encode(packed).decode()},
    }
    there = await runs.kube.find(_path(runs, run))
    if there is None:
        await runs.kube.create(paths.core("configmaps", runs.namespace), body)
    else:
        metadata["resourceVersion"] = there["metadata"]["resourceVersion"]
        await runs.kube.replace(_path(runs, run), body)


def _path(runs: Runs, run: str) -> str:
    return paths.core("configmaps", runs.namespace, f"{object_name(run)}-evidence")
