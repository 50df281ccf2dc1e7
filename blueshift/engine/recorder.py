"""Keeps what was seen while a run went on in ConfigMap `blueshift-run-<id>-evidence`, beside its journal.

Nothing is decided by it and its loss harms nothing, so it is written now and then, and what cannot be
written is not insisted on.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from blueshift import events
from blueshift.cluster import paths
from blueshift.engine.evidence import Evidence, joined
from blueshift.engine.store import RUN_LABEL, Runs, object_name
from blueshift.errors import BlueshiftError

EVERY = 30.0
"""Seconds between two writes."""
PATIENCE = 5.0
"""Seconds that one write may take: the end of a run does not wait for it."""
_FILE = "evidence.json.gz"


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
            self._evidence = joined(before, self._evidence)
            self._read = True
        self._fresh = False  # what comes while it is written is for the next time
        try:
            await _stored(self._runs, self._run, self._evidence, there)
        except BaseException:
            self._fresh = True
            raise


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
