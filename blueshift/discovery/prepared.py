"""A namespace for the temporary that was made before the run, so that rights can be given in it alone.

Who may make namespaces and act in each has the cluster; so `blueshift rbac` prints the namespace with a mark,
and a run takes it as it is and leaves it, empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from blueshift.cluster import paths
from blueshift.cluster.errors import Forbidden
from blueshift.playbook.config import Release

if TYPE_CHECKING:  # client libraries that a plan does not need
    from blueshift.cluster.api import KubeApi

PREPARED = "blueshift.dev/prepared-for"
"""Label of the namespace; its value is the release."""
# Labels that decide whether pods are admitted or changed at admission: the copy needs the same.
_ADMISSION = (
    "pod-security.kubernetes.io/",
    "istio.io/",
    "istio-injection",
    "linkerd.io/",
    "kuma.io/",
    "consul.hashicorp.com/",
)


def mark(release: Release) -> str:
    """The label's value: 63 characters of a small alphabet."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{release.namespace}.{release.name}")[:63].strip("-._")


def admission(marks: Mapping[str, str] | None) -> dict[str, str]:
    """Of a namespace's labels or annotations those that its pods' admission goes by."""
    return {key: value for key, value in (marks or {}).items() if key.startswith(_ADMISSION)}


def prepared_for(namespace: Mapping[str, Any], release: Release) -> bool:
    """Whether a namespace was made for the temporary of this release."""
    labels = namespace["metadata"].get("labels") or {}
    return bool(labels.get(PREPARED) == mark(release))


async def is_prepared(kube: KubeApi, name: str, release: Release) -> bool:
    """Whether the namespace of that name was; one that may not be looked at was not."""
    try:
        found = await kube.find(paths.core("namespaces", None, name))
    except Forbidden:  # the check of rights says so
        return False
    return found is not None and prepared_for(found, release)
