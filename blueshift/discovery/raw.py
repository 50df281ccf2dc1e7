"""Reading of Kubernetes objects as they come from the API: plain mappings, any field may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Raw = Mapping[str, Any]
"""An object as its JSON; of lists, one item."""

RUN_LABEL = "blueshift.dev/run"
"""On what a run has made, the temporary release above all; its value is the run's id."""


def dig(found: Raw, *path: str) -> Any:
    """The value at a path of keys, or None where a part of it is missing."""
    here: Any = found
    for key in path:
        if not isinstance(here, Mapping):
            return None
        here = here.get(key)
    return here


def listed(found: Raw, *path: str) -> Sequence[Any]:
    """The list at a path of keys; empty where it is missing or null."""
    return dig(found, *path) or ()


def mapped(found: Raw, *path: str) -> Mapping[str, Any]:
    """The mapping at a path of keys; empty where it is missing or null."""
    return dig(found, *path) or {}


def name(found: Raw) -> str:
    """`metadata.name`."""
    return str(dig(found, "metadata", "name") or "")


def namespace(found: Raw) -> str:
    """`metadata.namespace`; empty for what is cluster-scoped."""
    return str(dig(found, "metadata", "namespace") or "")


def uid(found: Raw) -> str:
    """`metadata.uid`."""
    return str(dig(found, "metadata", "uid") or "")


def ref(found: Raw) -> str:
    """`namespace/name`, or the name alone for what is cluster-scoped."""
    return "/".join(part for part in (namespace(found), name(found)) if part)


def labels(found: Raw) -> Mapping[str, str]:
    """`metadata.labels`."""
    return mapped(found, "metadata", "labels")


def annotated(found: Raw) -> Mapping[str, str]:
    """`metadata.annotations`."""
    return mapped(found, "metadata", "annotations")


def selects(selector: Mapping[str, str], pod_labels: Mapping[str, str]) -> bool:
    """Whether a Service's or workload's equality selector matches; an empty one selects nothing."""
    return bool(selector) and all(pod_labels.get(key) == value for key, value in selector.items())


def pod_labels(workload: Raw) -> Mapping[str, str]:
    """Labels of the pods that a Deployment or DaemonSet makes."""
    return mapped(workload, "spec", "template", "metadata", "labels")


def containers(workload: Raw) -> Sequence[Raw]:
    """Containers of the pods that a Deployment or DaemonSet makes."""
    return listed(workload, "spec", "template", "spec", "containers")


def matches(selector: Raw | None, of: Mapping[str, str]) -> bool:
    """Whether a LabelSelector matches labels: an empty one matches all, none at all nothing."""
    if selector is None:
        return False
    wanted = mapped(selector, "matchLabels")
    return all(of.get(key) == value for key, value in wanted.items()) and all(
        satisfies(one, of) for one in listed(selector, "matchExpressions")
    )


def satisfies(requirement: Raw, of: Mapping[str, str]) -> bool:
    """One requirement of a label or node selector; `Gt` and `Lt` compare whole numbers (nodes alone)."""
    value, values = of.get(str(requirement["key"])), list(listed(requirement, "values"))
    match requirement["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as way:
            if value is None or not value.lstrip("-").isdigit():
                return False
            return int(value) > int(values[0]) if way == "Gt" else int(value) < int(values[0])
    return False
