"""An API server as it is within one look: what was asked once is not asked again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import ApiError
from blueshift.cluster.rules import Rules
from blueshift.cluster.transport import TRIES

Answer = TypeVar("Answer")


class OneLook(KubeApi):
    """The same server and user; every read, review and dry run is made when it is first asked for.

    Its answer holds for as long as this object does, a refusal too, so whoever looks again makes a new one.
    Answers are shared: nobody may change what is in them. It writes nothing. `exec`, `text` and `logs` ask
    each time.
    """

    def __init__(self, kube: KubeApi) -> None:
        super().__init__(kube._transport, kube._clock, kubeconfig=kube.kubeconfig)
        self._answers: dict[Hashable, Any] = {}
        # A lock and no shared task: who asks first may be cancelled, and whoever waits then asks itself.
        self._asking: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, path: str, *, accept: str = "application/json", **params: Any) -> dict[str, Any]:
        """See KubeApi."""
        key = ("get", path, accept, _of(params))
        return await self._once(key, lambda: super(OneLook, self).get(path, accept=accept, **params))

    async def list(self, path: str, *, metadata_only: bool = False, **params: Any) -> list[dict[str, Any]]:
        """See KubeApi; the list itself is the caller's own. Objects in it are without `managedFields`."""
        key = ("list", path, metadata_only, _of(params))
        return [*await self._once(key, lambda: self._list(path, metadata_only, params))]

    async def try_apply(
        self, path: str, body: Mapping[str, Any], *, manager: str, force: bool = False
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """See KubeApi; the same object is tried once, whichever revisions hold it."""
        key = ("try", path, msgspec.json.encode(body, order="deterministic"), manager, force)
        return await self._once(
            key, lambda: super(OneLook, self).try_apply(path, body, manager=manager, force=force)
        )

    async def rules(self, namespace: str) -> Rules:
        """See KubeApi."""
        return await self._once(("rules", namespace), lambda: super(OneLook, self).rules(namespace))

    async def close(self) -> None:
        """Nothing: the connections are those of the API that this is a look at."""

    async def _review(self, attributes: Mapping[str, str], tries: int = TRIES) -> bool:
        key = ("review", _of(attributes))
        return await self._once(key, lambda: super(OneLook, self)._review(attributes, tries))

    async def _write(self, method: str, path: str, *_: Any, **__: Any) -> dict[str, Any]:
        raise AssertionError(f"a look changes nothing: {method} {path}")

    async def _list(
        self, path: str, metadata_only: bool, params: Mapping[str, Any]
    ) -> Sequence[dict[str, Any]]:
        found = await super().list(path, metadata_only=metadata_only, **params)
        for item in found:  # a third of an object, kept as long as the look: of all pods of a cluster, say
            if isinstance(metadata := item.get("metadata"), dict):
                metadata.pop("managedFields", None)
        return found

    async def _once(self, key: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        async with self._asking[key]:
            if key not in self._answers:
                try:
                    self._answers[key] = await ask()
                except ApiError as refusal:  # what may go through later is asked again
                    self._answers[key] = refusal
        answer: Answer | ApiError = self._answers[key]
        if isinstance(answer, ApiError):
            raise answer
        return answer


def _of(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(params.items()))
