"""Fields that the API server lets nobody change, compared between two renderings of the same object.

From Kubernetes 1.37, pkg/apis/*/validation: `Validate…Update` of each kind. Helm finds out at the apply, with
a part of the other objects changed already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from blueshift.discovery.raw import Raw, dig, mapped
from blueshift.helm import manifests
from blueshift.helm.manifests import Key

_ROLE = {"roleRef": None}
_SELECTOR = {"spec.selector": None}
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "Deployment": _SELECTOR,
    "DaemonSet": _SELECTOR,
    "ReplicaSet": _SELECTOR,
    "StatefulSet": {
        **_SELECTOR,
        "spec.serviceName": None,
        "spec.podManagementPolicy": "OrderedReady",
        "spec.volumeClaimTemplates": None,
    },
    "Job": {**_SELECTOR, "spec.template": None, "spec.completionMode": "NonIndexed"},
    "IngressClass": {"spec.controller": None},
    "PersistentVolumeClaim": {
        **_SELECTOR,
        "spec.accessModes": None,
        "spec.storageClassName": None,
        "spec.volumeName": None,
        "spec.volumeMode": "Filesystem",
        "spec.dataSource": None,
    },
    "RoleBinding": _ROLE,
    "ClusterRoleBinding": _ROLE,
    "StorageClass": {
        "provisioner": None,
        "parameters": None,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    },
    "PriorityClass": {"value": None, "preemptionPolicy": "PreemptLowerPriority"},
    "Secret": {"type": "Opaque"},
    "CustomResourceDefinition": {"spec.scope": None, "spec.group": None},
}
"""Kind → field and what the API server sets where it is left out; None where that is not known."""
_ALLOCATED = ("spec.clusterIP", "spec.healthCheckNodePort")
"""Of Services: what is left out is given back by the API server, so only another value is a change."""
_WITH_ADDRESS = ("ClusterIP", "NodePort", "LoadBalancer")


def immutable(old: Iterable[Raw], new: Iterable[Raw], namespace: str) -> tuple[str, ...]:
    """Each such field that differs, as `Deployment ns/name: spec.selector`; hooks are made anew and left out.

    An object in both is changed in place by Helm, whatever differs. Values are not told: some are secret.
    """
    return tuple(
        f"{key}: {field}"
        for key, before, after in _both(old, new, namespace)
        for field in _changed(before, after)
    )


def readdressed(old: Iterable[Raw], new: Iterable[Raw], namespace: str) -> tuple[str, ...]:
    """Services that stay and give their load balancer's address back, as `Service ns/name`."""
    return tuple(
        str(key)
        for key, before, after in _both(old, new, namespace)
        if key.kind == "Service" and _balanced(before) and not _balanced(after)
    )


def _both(old: Iterable[Raw], new: Iterable[Raw], namespace: str) -> Iterator[tuple[Key, Raw, Raw]]:
    before = {manifests.key(item, namespace): item for item in old if not manifests.is_hook(item)}
    for item in new:
        key = manifests.key(item, namespace)
        if key in before and not manifests.is_hook(item):
            yield key, before[key], item


def _changed(old: Raw, new: Raw) -> Iterator[str]:
    for field, default in _FIELDS.get(str(new["kind"]), {}).items():
        before = _at(old, field, default)
        # Where it was left out and the default is not known, what it became may be what is asked for now.
        if before is not None and before != _at(new, field, default):
            yield field
    if new["kind"] == "Service":
        yield from _service(old, new)
    if new["kind"] in ("ConfigMap", "Secret") and old.get("immutable"):
        yield from (
            one for one in ("data", "stringData", "binaryData") if mapped(old, one) != mapped(new, one)
        )


def _service(old: Raw, new: Raw) -> Iterator[str]:
    if {_type(old), _type(new)} <= set(_WITH_ADDRESS):
        for field in _ALLOCATED:
            before, after = _at(old, field, None), _at(new, field, None)
            if before and after and before != after:
                yield field
    kind = "spec.loadBalancerClass"
    if _balanced(old) and _balanced(new) and _at(old, kind, "") != _at(new, kind, ""):
        yield kind


def _at(item: Raw, field: str, default: Any) -> Any:
    found = dig(item, *field.split("."))
    return default if found is None else found


def _type(service: Raw) -> str:
    return str(dig(service, "spec", "type") or "ClusterIP")


def _balanced(service: Raw) -> bool:
    return _type(service) == "LoadBalancer"
