"""The temporary's namespace and what its pods need to find there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from blueshift.cluster import paths
from blueshift.cluster.errors import NotFound
from blueshift.discovery.prepared import admission
from blueshift.engine.protocol import (
    Absent,
    Done,
    Effect,
    Foreign,
    InFlight,
    Intent,
    Journalled,
    Observed,
    Way,
)
from blueshift.engine.store import RUN_LABEL
from blueshift.steps.context import Tools

ENDING = 0.5
"""Seconds from one look at pods that end to the next."""


class CreateNamespace:
    """The temporary's own namespace, with the primary's admission labels."""

    key = "namespace"

    def __init__(
        self, tools: Tools, name: str, labels: Mapping[str, str], annotations: Mapping[str, str]
    ) -> None:
        self._tools = tools
        self._name = name
        self._labels = {**labels, RUN_LABEL: tools.run, "app.kubernetes.io/managed-by": "blueshift"}
        self._annotations = dict(annotations)
        self.intent = Intent(f"create namespace {name}", wanted={"labels": self._labels})

    async def observe(self, journalled: Journalled | None) -> Observed:
        """A namespace of that name without our label is somebody else's."""
        found = await self._tools.kube.find(paths.core("namespaces", None, self._name))
        if found is None:
            return Absent()
        if self._tools.world.prepared:
            return self._as_the_primarys(found)
        run = (found["metadata"].get("labels") or {}).get(RUN_LABEL)
        if run == self._tools.run:
            return Done()
        whose = f"of run {run}" if run else "not made by Blueshift"
        return Foreign(
            f"namespace {self._name} exists and is {whose}",
            (Way("choose another", "temporary: {release: NAME} in blueshift.yaml"),),
        )

    def _as_the_primarys(self, found: Mapping[str, Any]) -> Observed:
        """One that was prepared must admit the temporary's pods as the primary's are admitted."""
        has = (admission(found["metadata"].get("labels")), admission(found["metadata"].get("annotations")))
        if has == (admission(self._labels), admission(self._annotations)):
            return Done()
        return Foreign(
            f"namespace {self._name} was prepared with other admission labels or annotations than the "
            f"primary's has: {has[0] | has[1]}, wanted {admission(self._labels) | self._annotations}",
            (Way("make it anew", "blueshift rbac --role runner | kubectl apply -f -"),),
        )

    async def do(self) -> None:
        """Create it."""
        metadata = {"name": self._name, "labels": self._labels, "annotations": self._annotations}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        await self._tools.kube.create(paths.core("namespaces"), body)


class Copy:
    """One Secret or ConfigMap that the pod refers to and that no chart renders."""

    def __init__(self, tools: Tools, plural: str, name: str, source: str, to: str) -> None:
        self._tools = tools
        self._plural = plural
        self._name = name
        self._source = source
        self._to = to
        self.key = f"copy {plural}/{name}"
        self.intent = Intent(f"copy {plural}/{name} from {source} to {to}")

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Ours when it carries the run's label."""
        found = await self._tools.kube.find(paths.core(self._plural, self._to, self._name))
        if found is None:
            return Absent()
        if (found["metadata"].get("labels") or {}).get(RUN_LABEL) == self._tools.run:
            return Done()
        return Foreign(f"{self._plural}/{self._name} exists already in {self._to}")

    async def do(self) -> None:
        """Copy data and type, nothing of its identity."""
        found = await self._tools.kube.get(paths.core(self._plural, self._source, self._name))
        kept = ("apiVersion", "kind", "data", "binaryData", "type")
        body: dict[str, Any] = {key: found[key] for key in kept if key in found}
        body.setdefault("apiVersion", "v1")
        body.setdefault("kind", "Secret" if self._plural == "secrets" else "ConfigMap")
        body["metadata"] = {"name": self._name, "labels": {RUN_LABEL: self._tools.run}}
        await self._tools.kube.create(paths.core(self._plural, self._to), body)


class Empty:
    """Take out of a prepared namespace what the run brought: copies, and what the temporary's leader left."""

    key = "empty"

    def __init__(self, tools: Tools, namespace: str) -> None:
        self._tools = tools
        self._namespace = namespace
        self.intent = Intent(f"empty namespace {namespace}", bound=600.0)

    async def observe(self, journalled: Journalled | None) -> Observed:
        """A leader that still ends would write its Lease anew."""
        return await ending(self._tools, self._namespace) or (Absent() if await self._left() else Done())

    async def do(self) -> None:
        """Delete one by one."""
        for path in await self._left():
            with suppress(NotFound):
                await self._tools.kube.delete(path)

    async def _left(self) -> list[str]:
        ours = f"{RUN_LABEL}={self._tools.run}"
        left = [
            paths.core(plural, self._namespace, item["metadata"]["name"])
            for plural in ("secrets", "configmaps")
            for item in await self._tools.kube.list(
                paths.core(plural, self._namespace), metadata_only=True, labelSelector=ours
            )
        ]
        leases = paths.apis("coordination.k8s.io/v1", "leases", self._namespace)
        names = [item["metadata"]["name"] for item in await self._tools.kube.list(leases)]
        return [*left, *(f"{leases}/{name}" for name in names)]


async def ending(tools: Tools, namespace: str) -> InFlight | None:
    """Pods of the temporary that have not ended yet."""
    pods = await tools.kube.list(paths.core("pods", namespace))
    return InFlight(f"{len(pods)} pods of the temporary are ending", ENDING) if pods else None


async def prepare(tools: Tools) -> Sequence[Effect]:
    """The namespace and the copies, in order; nothing where the temporary shares the primary's namespace."""
    source, to = tools.world.workload.namespace, tools.world.temporary_namespace
    if source == to:
        return ()
    found = await tools.kube.get(paths.core("namespaces", None, source))
    labels, annotations = (admission(found["metadata"].get(part)) for part in ("labels", "annotations"))
    effects: list[Effect] = [CreateNamespace(tools, to, labels, annotations)]
    workload = tools.world.workload
    live = await tools.kube.get(
        paths.apis("apps/v1", f"{workload.kind.lower()}s", workload.namespace, workload.name)
    )
    for plural, name in sorted(set(references(live["spec"]["template"]["spec"]))):
        thing = await tools.kube.find(paths.core(plural, source, name))
        if thing and not _rendered(thing, tools.world.release.name):
            effects.append(Copy(tools, plural, name, source, to))
    return effects


def references(pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(plural, name) of each Secret and ConfigMap of the namespace that a pod spec names."""
    for secret in pod.get("imagePullSecrets") or ():
        yield "secrets", secret["name"]
    for volume in pod.get("volumes") or ():
        yield from _volume(volume)
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from _named(source, "secret", "configMap")
    for container in (*(pod.get("containers") or ()), *(pod.get("initContainers") or ())):
        for source in container.get("envFrom") or ():
            yield from _named(source, "secretRef", "configMapRef")
        for env in container.get("env") or ():
            yield from _named(env.get("valueFrom") or {}, "secretKeyRef", "configMapKeyRef")


def _volume(volume: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if name := (volume.get("secret") or {}).get("secretName"):
        yield "secrets", name
    if name := (volume.get("configMap") or {}).get("name"):
        yield "configmaps", name


def _named(source: Mapping[str, Any], secret: str, config_map: str) -> Iterator[tuple[str, str]]:
    for field, plural in ((secret, "secrets"), (config_map, "configmaps")):
        if name := (source.get(field) or {}).get("name"):
            yield plural, name


def _rendered(thing: Mapping[str, Any], release: str) -> bool:
    """Whether the chart renders it: then the temporary's chart renders its own."""
    annotations = thing["metadata"].get("annotations") or {}
    labels = thing["metadata"].get("labels") or {}
    owned = (
        annotations.get("meta.helm.sh/release-name") or labels.get("app.kubernetes.io/managed-by") == "Helm"
    )
    return bool(owned) and annotations.get("meta.helm.sh/release-name", release) == release
