"""Rendered objects: which they are, and how two sets of them differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from blueshift.helm import yaml
from blueshift.helm.hidden import told_apart
from blueshift.helm.values import redacted
from blueshift.masks import HIDDEN

Raw = Mapping[str, Any]


class Key(msgspec.Struct, frozen=True, order=True):
    """Which object: without the version of its API, which an upgrade may change under the same object."""

    kind: str
    namespace: str
    """Empty for cluster-scoped kinds."""
    name: str
    group: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class ObjectChange(msgspec.Struct, frozen=True):
    """An object that is in both sets and differs; `diff` is a unified diff with secrets masked."""

    key: Key
    diff: str


class Changes(msgspec.Struct, frozen=True):
    """What an upgrade does to the objects of a release."""

    created: tuple[Key, ...] = ()
    changed: tuple[ObjectChange, ...] = ()
    deleted: tuple[Key, ...] = ()


# Kinds without a namespace that charts of ingress controllers render; what is missing here is known by the
# API's discovery (discovery/placed.py).
CLUSTER_SCOPED = frozenset(
    {
        "APIService",
        "CSIDriver",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "GatewayClass",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "Namespace",
        "PersistentVolume",
        "PodSecurityPolicy",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)


def parse(manifest: str, place: str) -> list[dict[str, Any]]:
    """The objects in a manifest, lists taken apart. Raises BlueshiftError with a place for broken YAML."""
    found: list[dict[str, Any]] = []
    for document in yaml.load_all(manifest, place):
        if document.get("kind") == "List":
            found += document.get("items") or ()
        elif document:
            found.append(document)
    return found


def key(item: Raw, namespace: str) -> Key:
    """Which object this is; `namespace` is the release's, for objects that name none."""
    metadata, kind = item.get("metadata") or {}, str(item["kind"])
    group = str(item.get("apiVersion") or "").rpartition("/")[0]
    where = "" if kind in CLUSTER_SCOPED else str(metadata.get("namespace") or namespace)
    return Key(kind, where, str(metadata.get("name") or ""), group)


def plural(kind: str) -> str:
    """The resource of a kind, as Kubernetes guesses it too (apimachinery: UnsafeGuessKindToResource)."""
    low = kind.lower()
    if low == "endpoints":
        return low
    if low.endswith("s"):
        return low + "es"
    return low[:-1] + "ies" if low.endswith("y") else low + "s"


def is_hook(item: Raw) -> bool:
    """Whether Helm runs it at a moment of its own instead of keeping it as part of the release."""
    return "helm.sh/hook" in ((item.get("metadata") or {}).get("annotations") or {})


def diff(old: Iterable[Raw], new: Iterable[Raw], namespace: str) -> Changes:
    """What goes, comes and changes from one rendered set to the other; hooks are left out."""
    before = {key(item, namespace): item for item in old if not is_hook(item)}
    after = {key(item, namespace): item for item in new if not is_hook(item)}
    both = sorted(before.keys() & after.keys())
    return Changes(
        created=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(
            ObjectChange(one, _difference(before[one], after[one]))
            for one in both
            if before[one] != after[one]
        ),
        deleted=tuple(sorted(one for one in before.keys() - after.keys() if not _stays(before[one]))),
    )


def _stays(item: Raw) -> bool:
    """Whether Helm leaves it where it is when a chart renders it no more (pkg/kube: ResourcePolicyAnno)."""
    marks = (item.get("metadata") or {}).get("annotations") or {}
    return bool(marks.get("helm.sh/resource-policy") == "keep")


def _difference(old: Raw, new: Raw) -> str:
    shown_old, shown_new = yaml.dump(masked(old, new, "before")), yaml.dump(masked(new, old, "after"))
    lines = difflib.unified_diff(shown_old.splitlines(), shown_new.splitlines(), lineterm="", n=2)
    return "\n".join(list(lines)[2:]) or f"only the order of what is hidden differs ({HIDDEN})"


def masked(item: Raw, other: Raw, label: str) -> Raw:
    """A Secret without its values, another object without what looks like a secret, such as an environment
    variable of that name. What is hidden and differs from `other`'s has `label` behind it."""
    if item.get("kind") != "Secret":
        return dict(told_apart(redacted(item), item, redacted(other), other, label))
    result = dict(item)
    for field in ("data", "stringData"):
        values, others = item.get(field), other.get(field) or {}
        if isinstance(values, Mapping):
            result[field] = {
                name: HIDDEN if name in others and others[name] == value else f"{HIDDEN} ({label})"
                for name, value in values.items()
            }
    return result
