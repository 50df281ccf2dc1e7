"""Live objects that differ from what Helm believes: the running manifest is applied as a dry run.

The API server writes both sides alike that way (`1000m` is `1`), and only what the manifest sets is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blueshift.cluster.api import KubeApi
from blueshift.cluster.versions import Served, served
from blueshift.discovery.apply import TRIES_AT_ONCE, as_helm, forced
from blueshift.discovery.found import each
from blueshift.discovery.placed import path_of, placed
from blueshift.discovery.raw import Raw, mapped
from blueshift.discovery.seen_apply import Drift
from blueshift.errors import BlueshiftError
from blueshift.helm import manifests

_RUNS = {
    "Deployment": ("spec.replicas",),
    "HorizontalPodAutoscaler": ("spec.minReplicas",),
    "ScaledObject": ("spec.minReplicaCount",),
    "ValidatingWebhookConfiguration": ("failurePolicy",),
}
"""Kind → ends of fields that an autoscaler or a run itself sets for a while (steps/floor.py, webhook.py)."""


async def drift(kube: KubeApi, release: tuple[str, str], objects: Sequence[Raw]) -> Drift:
    """Compare the objects of the running revision with the live ones; hooks are left out.

    Raises BlueshiftError where the API server does not say what it serves.
    """
    there = await served(kube)
    kept = [item for item in objects if not manifests.is_hook(item)]
    found = await each(lambda item: _one(kube, there, release, item), kept, at_once=TRIES_AT_ONCE)
    return Drift(
        tuple(field for one in found for field in one.fields),
        {name: why for one in found for name, why in one.unread.items()},
    )


async def _one(kube: KubeApi, served: Served, release: tuple[str, str], item: Raw) -> Drift:
    key = placed(manifests.key(item, release[1]), served)
    path = path_of(key, str(item.get("apiVersion") or "v1"), served)
    try:
        live = await kube.find(path)
        if live is None:
            return Drift((f"{key} is gone",))
        believed = await forced(kube, path, as_helm(item, release))
    except BlueshiftError as error:
        why = "the API server refused the try" if key.kind == "Secret" else error.message
        return Drift(unread={str(key): why})
    left_out = _RUNS.get(key.kind, ())
    fields = _differences(_compared(live), _compared(believed))
    return Drift(tuple(f"{key}: {field}" for field in fields if not field.endswith(left_out)))


def _compared(item: Raw) -> dict[str, Any]:
    """Without what the API server keeps itself."""
    metadata = {name: mapped(item, "metadata", name) for name in ("labels", "annotations")}
    rest = {name: value for name, value in item.items() if name not in ("metadata", "status", "apiVersion")}
    return {**rest, "metadata": metadata}


def _differences(live: Any, believed: Any, at: str = "") -> Iterator[str]:
    """Paths of the fields that differ; never values, some of which are secret."""
    if live == believed:
        return
    if isinstance(live, Mapping) and isinstance(believed, Mapping):
        for name in sorted(live.keys() | believed.keys()):
            yield from _differences(live.get(name), believed.get(name), f"{at}.{name}" if at else str(name))
        return
    named, others = _by_name(live), _by_name(believed)
    if named and others:
        for name in sorted(named.keys() | others.keys()):
            yield from _differences(named.get(name), others.get(name), f"{at}[{name}]")
        return
    yield at


def _by_name(items: Any) -> dict[str, Any]:
    """A list of named things (containers, ports, variables) by their names; empty for another."""
    if not isinstance(items, list) or not all(isinstance(one, Mapping) and one.get("name") for one in items):
        return {}
    found = {str(one["name"]): one for one in items}
    return found if len(found) == len(items) else {}
