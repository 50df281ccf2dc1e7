"""Keeps a balancer's backends as the cluster says, each a while longer than it is ready."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.lab.balancer.backends import Backends, Table, ready


class Way(Protocol):
    """How connections are sent on."""

    async def apply(self, table: Table) -> None:
        """Send connections that begin from now on by this table."""


class Balancer:
    """Watches Services and EndpointSlices, and tells `way` each time that the table changes."""

    def __init__(self, kube: KubeApi, clock: Clock, way: Way, lag: float) -> None:
        self._kube, self._clock, self._way = kube, clock, way
        self._backends = Backends(lag)
        self._services: dict[str, dict[str, Any]] = {}
        self._slices: dict[str, dict[str, Any]] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(paths.core("services"), self._services))
            slices = paths.apis("discovery.k8s.io/v1", "endpointslices")
            group.create_task(self._keep(slices, self._slices))
            group.create_task(self._balance())

    async def _keep(self, path: str, objects: dict[str, dict[str, Any]]) -> None:
        async for event in self._kube.watch(path):
            uid = event.object["metadata"]["uid"]
            if event.type == "DELETED":
                objects.pop(uid, None)
            else:
                objects[uid] = event.object
            self._changed.set()

    async def _balance(self) -> None:
        applied: Table = {}
        while True:
            self._changed.clear()
            now = self._clock.now()
            table, changes_at = self._backends.settle(
                ready(self._services.values(), self._slices.values()), now
            )
            if table != applied:
                await self._way.apply(table)
                applied = table
            await self._wait(None if changes_at is None else changes_at - now)

    async def _wait(self, seconds: float | None) -> None:
        """Until something has changed, `seconds` at most."""
        if seconds is None:
            await self._changed.wait()
            return
        try:
            async with self._clock.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
