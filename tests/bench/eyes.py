"""Eyes outside the product: when did the conditions come true that a run waits for?

They watch by kubectl (rollouts, Services' addresses, namespaces), by SOA queries (the zone's serial at every
authoritative server) and by `ss` (clients' connections), and keep an instant beside each change.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from blueshift.clock import Clock
from blueshift.lab import facts
from blueshift.lab.demo.inside import entered
from blueshift.lab.nameservers import zone
from blueshift.lab.paths import Lab
from blueshift.lab.processes import killed

Instant = float
"""Seconds since the epoch."""


class Sight(msgspec.Struct, frozen=True):
    """One change, and when it was seen."""

    at: Instant
    seen: Any


class Eyes:
    """What was seen, by kind, in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.objects: list[Sight] = []
        """Watch events of Deployments, pods, Services and namespaces: `{"type": …, "object": …}`."""
        self.serials: list[Sight] = []
        self.connections: list[Sight] = []

    async def objects_of(self, stream: asyncio.StreamReader) -> None:
        """Keep what a `kubectl get --watch` says: JSON documents one after another."""
        decoder, text = json.JSONDecoder(), ""
        while chunk := await stream.read(65536):
            text += chunk.decode(errors="replace")
            while text := text.lstrip():
                try:
                    event, end = decoder.raw_decode(text)
                except json.JSONDecodeError:
                    break
                self.objects.append(Sight(self._clock.utc().timestamp(), event))
                text = text[end:]

    async def lines_of(self, stream: asyncio.StreamReader, kept: list[Sight]) -> None:
        """Keep what a look says."""
        while line := await stream.readline():
            kept.append(msgspec.json.decode(line, type=Sight))


@asynccontextmanager
async def watching(lab: Lab, clock: Clock) -> AsyncIterator[Eyes]:
    """Watch a lab; every helper process ends with it."""
    eyes, known = Eyes(clock), zone(lab)
    kubectl = [str(facts.of(lab).tools / "kubectl"), "--kubeconfig", str(lab.kubeconfig)]
    looks = [sys.executable, "-m", "tests.bench.looks"]
    started: list[asyncio.subprocess.Process] = []
    tasks: list[asyncio.Task[None]] = []

    async def start(argv: Sequence[str]) -> asyncio.StreamReader:
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, limit=2**24)
        started.append(process)
        assert process.stdout
        return process.stdout

    try:
        for kind in ("deployments.apps", "pods", "services", "namespaces"):
            options = [*kubectl, "get", kind, "--watch", "--output-watch-events", "-o", "json"]
            stream = await start(entered(lab, [*options, *([] if kind == "namespaces" else ["-A"])]))
            tasks.append(asyncio.create_task(eyes.objects_of(stream)))
        servers = (known.primary[0], known.secondary[0])
        stream = await start(entered(lab, [*looks, "serials", known.zone, *servers]))
        tasks.append(asyncio.create_task(eyes.lines_of(stream, eyes.serials)))
        stream = await start(entered(lab, [*looks, "connections"], clients=True))
        tasks.append(asyncio.create_task(eyes.lines_of(stream, eyes.connections)))
        yield eyes
    finally:
        for process in started:
            await killed(process)
        await asyncio.wait(tasks)
