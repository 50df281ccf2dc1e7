"""A file laid over a live object, as `kubectl apply` would: what the file does not name stays, unless an
earlier apply named it. So that the API server's own defaults are no difference, nor what others put in."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from blueshift.discovery.raw import Raw, annotated, mapped

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_BY = ("mountPath", "containerPort", "port", "name")
"""Keys by which items of two lists are the same: of mounts, a container's ports, a Service's ports, all
else."""
_Lists = Mapping[str, str]
"""Field of a kind → the key by which its items are merged (`patchMergeKey` of Kubernetes' API types). What
is only in the live list stays there; every other list is the file's alone."""
_POD: _Lists = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "schedulingGates": "name",
    "resourceClaims": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "ports": "containerPort",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
}
_WEBHOOKS: _Lists = {"webhooks": "name", "matchConditions": "name"}
_MERGED: Mapping[tuple[str, str], _Lists] = {
    **{("", kind): _POD for kind in ("Pod", "PodTemplate", "ReplicationController")},
    **{("apps", kind): _POD for kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")},
    **{("batch", kind): _POD for kind in ("Job", "CronJob")},
    ("", "Service"): {"ports": "port"},
    ("", "ServiceAccount"): {"secrets": "name"},
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _WEBHOOKS,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _WEBHOOKS,
}
"""API group and kind → its lists. Of custom resources kubectl merges none."""


def laid_over(live: Raw, file: Raw) -> dict[str, Any]:
    """What a live object becomes. Text in `stringData` of a Secret becomes its data."""
    try:
        before = json.loads(annotated(live).get(LAST_APPLIED, "{}"))
    except ValueError:
        before = {}
    before = before if isinstance(before, Mapping) else {}
    group, _, _ = str(file.get("apiVersion", "")).rpartition("/")
    lists = _MERGED.get((group, str(file.get("kind"))), {})
    result = _mapping(live, encoded(file), encoded(before), lists)
    # Kubernetes keeps these itself.
    return {**result, "metadata": {**result["metadata"], "annotations": _marks(result)}}


def encoded(item: Raw) -> Raw:
    """A Secret as the API server keeps it; anything else as it is."""
    if item.get("kind") != "Secret" or not mapped(item, "stringData"):
        return item
    plain = {
        key: base64.b64encode(str(text).encode()).decode() for key, text in mapped(item, "stringData").items()
    }
    rest = {key: value for key, value in item.items() if key != "stringData"}
    return {**rest, "data": {**mapped(item, "data"), **plain}}


def _marks(item: Raw) -> dict[str, str]:
    return {key: value for key, value in annotated(item).items() if key != LAST_APPLIED}


def _over(live: Any, file: Any, before: Any, lists: _Lists, by: str | None = None) -> Any:
    """`by` is the key of a list that is merged."""
    if isinstance(live, Mapping) and isinstance(file, Mapping):
        return _mapping(live, file, before if isinstance(before, Mapping) else {}, lists)
    key = by if by and _have(by, live) and _have(by, file) else _same_by(live, file)
    if key is None:
        return file
    had = {one[key]: one for one in before} if _have(key, before) else {}
    there = {one[key]: one for one in live}
    named = [
        _over(there[one[key]], one, had.get(one[key], {}), lists) if one[key] in there else one
        for one in file
    ]
    if key != by:
        return named
    gone = {*(one[key] for one in file), *had}
    return _put_in([one for one in live if one[key] not in gone], named, key, list(there))


def _put_in(others: Sequence[Raw], named: Sequence[Raw], key: str, order: Sequence[Any]) -> list[Raw]:
    """The file's order with the others at their places of the live list, as the API server puts them
    (`mergeSortedSlice` of apimachinery's strategicpatch)."""
    at = {value: place for place, value in enumerate(order)}
    result, left = [], list(others)
    for one in named:
        while left and at[left[0][key]] < at.get(one[key], -1):
            result.append(left.pop(0))
        result.append(one)
    return [*result, *left]


def _mapping(live: Raw, file: Raw, before: Raw, lists: _Lists) -> dict[str, Any]:
    kept = {key: value for key, value in live.items() if key in file or key not in before}
    named = {
        key: _over(live[key], value, before.get(key), lists, lists.get(key))
        if live.get(key) is not None
        else value
        for key, value in file.items()
        if value is not None
    }
    dropped = {key for key, value in file.items() if value is None}
    return {**{key: value for key, value in kept.items() if key not in dropped}, **named}


def _same_by(first: Any, second: Any) -> str | None:
    return next((key for key in _BY if first and second and _have(key, first) and _have(key, second)), None)


def _have(key: str, items: Any) -> bool:
    """Whether it is a list of mappings that all have the key."""
    return isinstance(items, list | tuple) and all(
        isinstance(one, Mapping) and isinstance(one.get(key), str | int) for one in items
    )
