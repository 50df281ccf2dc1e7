"""Reads that several looks share: each is made once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from blueshift.cluster.api import KubeApi
from blueshift.discovery.raw import Raw


class Reads:
    """Lists and objects of one API server, read when they are first asked for."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube
        self._found: dict[str, Any] = {}
        # A lock and no shared task: who asks first may be cancelled, and whoever waits then asks itself.
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def all(self, path: str, **params: Any) -> Sequence[Raw]:
        """All objects of a collection. Raises as `KubeApi.list` does, to each who asks."""
        found: Sequence[Raw] = await self._once(
            f"{path} {sorted(params.items())}", lambda: self._kube.list(path, **params)
        )
        return found

    async def one(self, path: str) -> Raw | None:
        """One object, or None where there is none."""
        found: Raw | None = await self._once(path, lambda: self._kube.find(path))
        return found

    async def _once(self, key: str, read: Callable[[], Awaitable[Any]]) -> Any:
        async with self._asking[key]:
            if key not in self._found:
                self._found[key] = await read()
        return self._found[key]
