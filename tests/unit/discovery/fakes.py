"""Stand-ins for what a look reads: objects by path, records by name, pods that answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Conflict, Forbidden
from blueshift.cluster.execute import ExecResult
from blueshift.cluster.rules import Rules
from blueshift.dns.authority import Directory
from blueshift.dns.backend import Capabilities, ChangeRef, NotAuth, Right
from blueshift.dns.records import Change, Question, RecordSet, within

NO_DISCOVERY: Mapping[str, Any] = {"/api": {"versions": []}, "/apis": {"groups": []}}
"""A server that says of no kind what it is served as."""


class FakeKube:
    """Reads alone: whatever else is asked of it fails."""

    def __init__(self, objects: Mapping[str, Any] | None = None, forbidden: Sequence[str] = ()) -> None:
        self.objects = {**NO_DISCOVERY, **(objects or {})}
        self.forbidden = forbidden
        self.said = ExecResult(b"", b"", 0)
        self.asked: list[Sequence[str]] = []
        self.admin = False
        self.denied: set[tuple[str, str]] = set()
        self.warns: dict[str, tuple[str, ...]] = {}
        self.refuses: dict[str, Exception] = {}

    @property
    def api(self) -> KubeApi:
        return cast(KubeApi, self)

    async def find(self, path: str) -> Any:
        if path in self.forbidden:
            raise Forbidden("not yours")
        return self.objects.get(path)

    async def get(self, path: str, **_params: Any) -> Any:
        return self.objects[path]

    async def try_apply(self, path: str, body: Any, *, manager: str, force: bool = False) -> Any:
        assert manager == "helm"
        if path in self.refuses and not (force and isinstance(self.refuses[path], Conflict)):
            raise self.refuses[path]
        return body, self.warns.get(path, ())

    async def list(self, path: str, **_params: Any) -> list[Any]:
        if path in self.forbidden:
            raise Forbidden("not yours")
        return list(self.objects.get(path) or ())

    async def exec(self, _namespace: str, _pod: str, argv: Sequence[str], *, container: str) -> ExecResult:
        assert container
        self.asked.append(argv)
        return self.said

    async def text(self, path: str) -> bytes:
        return cast(bytes, self.objects[path])

    async def rules(self, _namespace: str) -> Rules:
        return Rules()

    async def can(self, verb: str, _group: str, resource: str, **_where: Any) -> bool:
        return self.admin or (verb != "*" and (verb, resource) not in self.denied)


class FakeDns:
    """One zone and its records; `rights` answers what is not to be written."""

    name: ClassVar[str] = "fake"

    def __init__(self, *records: RecordSet, zone: str = "example.test", wild: Sequence[str] = ()) -> None:
        self.zone = zone
        self.records = {(record.name, record.type): record for record in records}
        self.wild = wild
        """Wildcards that answer for what has no record, as a name server does."""
        self.capabilities = Capabilities(cas=True, weighted=False, max_batch=100, min_ttl=30)
        self.refused: dict[str, str] = {}
        self.fails: Exception | None = None
        self.reads = 0

    async def zone_of(self, name: str) -> str:
        if self.fails:
            raise self.fails
        if not within(name, self.zone):
            raise NotAuth(f"not my zone: {name}")
        return self.zone

    async def read(self, names: Sequence[Question]) -> tuple[RecordSet | None, ...]:
        if self.fails:
            raise self.fails
        self.reads += len(names)
        return tuple(self._one(name, kind) for name, kind in names)

    def _one(self, name: str, kind: str) -> RecordSet | None:
        if not within(name, self.zone):
            raise NotAuth(f"not my zone: {name}")
        if any(known == name for known, _ in self.records):
            return self.records.get((name, kind))
        for wildcard in self.wild:
            found = self.records.get((wildcard, kind))
            if found is not None and name.endswith(wildcard[1:]):
                return RecordSet(name, kind, found.ttl, found.values)
        return None

    async def swap(self, changes: Sequence[Change]) -> ChangeRef:
        raise AssertionError("a look changes nothing")

    async def wait(self, ref: ChangeRef) -> None:
        raise AssertionError("a look changes nothing")

    async def try_rights(self, names: Sequence[Question]) -> tuple[Right, ...]:
        if self.fails:
            raise self.fails
        return tuple(Right(n, t, n not in self.refused, self.refused.get(n, "ok")) for n, t in names)


class NoDirectory(Directory):
    """No resolver: what it is asked comes to light."""

    async def zone_of(self, name: str) -> str:
        raise NotAuth(f"nobody holds {name}")
