"""The objects of a revision, tried as Helm 4 applies them: on the server, as a dry run that stores nothing.

`helm upgrade --dry-run=server` returns 0 where the upgrade itself then fails on a conflict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Conflict, Invalid
from blueshift.cluster.versions import Served
from blueshift.discovery.found import each
from blueshift.discovery.helm_history import MANAGER
from blueshift.discovery.placed import path_of, placed
from blueshift.discovery.raw import Raw, listed, mapped
from blueshift.discovery.seen_apply import Applied, Owned
from blueshift.errors import BlueshiftError
from blueshift.helm import manifests

RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
TRIES_AT_ONCE = 4
"""Dry runs cost the API server what writes cost it, webhooks too."""
_MANAGED = {"app.kubernetes.io/managed-by": "Helm"}


async def applied(
    kube: KubeApi, served: Served, release: tuple[str, str], old: Sequence[Raw], new: Sequence[Raw]
) -> Applied:
    """Try `new`. Of `old`, the revision before it, only the apiVersions are looked at: Helm reads its objects
    by them and fails where one is served no more."""
    namespace = release[1]
    kept = [item for item in new if not manifests.is_hook(item)]
    lost = [item for item in (*old, *new) if f"{_version(item)}/{item['kind']}" not in served.versions]
    tried = await each(
        lambda item: _try(kube, served, release, item), _without(kept, lost), at_once=TRIES_AT_ONCE
    )
    return Applied(
        conflicts=tuple(owned for one in tried for owned in one.conflicts),
        refused={name: why for one in tried for name, why in one.refused.items()},
        deprecated={name: why for one in tried for name, why in one.deprecated.items()},
        unserved=tuple(
            dict.fromkeys(f"{manifests.key(item, namespace)} ({_version(item)})" for item in lost)
        ),
        untried={name: why for one in tried for name, why in one.untried.items()},
    )


def as_helm(item: Raw, release: tuple[str, str]) -> dict[str, Any]:
    """An object with the marks that Helm sets (pkg/action: setMetadataVisitor)."""
    metadata = mapped(item, "metadata")
    marks = {RELEASE_NAME: release[0], RELEASE_NAMESPACE: release[1]}
    return {
        **item,
        "metadata": {
            **metadata,
            "labels": {**(metadata.get("labels") or {}), **_MANAGED},
            "annotations": {**(metadata.get("annotations") or {}), **marks},
        },
    }


async def forced(kube: KubeApi, path: str, body: Raw) -> Raw:
    """What an apply that takes every field makes of an object.

    Force decides conflicts alone: without one, a try for a revision that changes nothing of it is the same.
    """
    try:
        return (await kube.try_apply(path, body, manager=MANAGER))[0]
    except Conflict:
        return (await kube.try_apply(path, body, manager=MANAGER, force=True))[0]


def _version(item: Raw) -> str:
    return str(item.get("apiVersion") or "v1")


def _without(items: Sequence[Raw], left_out: Sequence[Raw]) -> list[Raw]:
    return [item for item in items if not any(item is one for one in left_out)]


async def _try(kube: KubeApi, served: Served, release: tuple[str, str], item: Raw) -> Applied:
    key = placed(manifests.key(item, release[1]), served)
    name, path, body = str(key), path_of(key, _version(item), served), as_helm(item, release)
    owned: tuple[Owned, ...] = ()
    try:
        try:
            _, warnings = await kube.try_apply(path, body, manager=MANAGER)
        except Conflict as error:
            owned = tuple(_owned(name, error.status))
            # What else there is to say, it says when all is forced.
            _, warnings = await kube.try_apply(path, body, manager=MANAGER, force=True)
    except Invalid as error:
        return Applied(owned, refused={name: _hidden(item, error)})
    except BlueshiftError as error:
        return Applied(owned, untried={name: error.message})
    old = [text for text in warnings if "deprecated" in text]
    return Applied(owned, deprecated={name: "; ".join(old)} if old else {})


def _hidden(item: Raw, error: Invalid) -> str:
    """The server's words, but of a Secret the fields alone: the words may hold its values."""
    if item.get("kind") != "Secret":
        return error.message
    causes = listed(error.status, "details", "causes")
    return "invalid: " + (", ".join(str(one.get("field")) for one in causes) or "the API server takes it not")


def _owned(name: str, status: Raw) -> Iterator[Owned]:
    """Fields of others. What Helm wrote by the client is Helm's: 4 takes it over itself (csaupgrade)."""
    for one in listed(status, "details", "causes"):
        # `conflict with "kubectl-edit" using apps/v1` (apimachinery: managedfields/internal/conflict.go)
        said = re.match(r'conflict with "(.*?)"', str(one.get("message")))
        if one.get("reason") == "FieldManagerConflict" and said and said[1] != MANAGER:
            yield Owned(name, str(one.get("field")), said[1])
