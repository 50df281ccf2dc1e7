"""An API server in memory, for units only: stricter than the real one about resourceVersion.

What it cannot show (timeouts, watches, admission) is tested against a real kube-apiserver in tests/contract.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any

from blueshift.cluster.errors import Conflict, NotFound

Json = dict[str, Any]


class FakeKube:
    """Objects by path. `hook(verb, path)` may raise, before or (verb `after-…`) after the change landed."""

    server = "https://fake.invalid:6443"
    kubeconfig: str | None = None
    context: str | None = None

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.calls: list[tuple[str, str]] = []
        self.hook: Callable[[str, str], None] = lambda verb, path: None
        self._versions = itertools.count(1)

    def _stamp(self, body: Json) -> Json:
        body = copy.deepcopy(body)
        body.setdefault("metadata", {})["resourceVersion"] = str(next(self._versions))
        body["metadata"].setdefault("uid", f"uid-{body['metadata']['name']}")
        return body

    def _note(self, verb: str, path: str) -> None:
        self.calls.append((verb, path))
        self.hook(verb, path)

    async def user(self) -> str:
        return "tester"

    async def get(self, path: str, **params: Any) -> Json:
        self._note("get", path)
        if path not in self.objects:
            raise NotFound(f"{path} does not exist")
        return copy.deepcopy(self.objects[path])

    async def find(self, path: str, **params: Any) -> Json | None:
        try:
            return await self.get(path)
        except NotFound:
            return None

    async def list(self, path: str, **params: Any) -> list[Json]:
        self._note("list", path)
        return [copy.deepcopy(body) for key, body in self.objects.items() if key.rpartition("/")[0] == path]

    async def create(self, path: str, body: Json, **params: Any) -> Json:
        self._note("create", path)
        key = f"{path}/{body['metadata']['name']}"
        if key in self.objects:
            raise Conflict(f"{key} exists")
        self.objects[key] = self._stamp(body)
        self.hook("after-create", path)
        return copy.deepcopy(self.objects[key])

    async def replace(self, path: str, body: Json, **params: Any) -> Json:
        self._note("replace", path)
        if path not in self.objects:
            raise NotFound(path)
        version = body["metadata"].get("resourceVersion")
        assert version, "an unconditional replace would overwrite what somebody changed"
        if version != self.objects[path]["metadata"]["resourceVersion"]:
            raise Conflict(f"{path} was changed")
        self.objects[path] = self._stamp(body)
        self.hook("after-replace", path)
        return copy.deepcopy(self.objects[path])

    async def patch(self, path: str, body: Json, kind: str = "merge", **params: Any) -> Json:
        self._note("patch", path)
        assert kind == "merge"
        self.objects[path] = self._stamp(_merge(self.objects[path], body))
        return copy.deepcopy(self.objects[path])

    async def delete(self, path: str, **params: Any) -> None:
        self._note("delete", path)
        if self.objects.pop(path, None) is None:
            raise NotFound(path)


def _merge(into: Json, patch: Json) -> Json:
    merged = dict(into)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged
