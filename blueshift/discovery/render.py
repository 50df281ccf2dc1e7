"""A revision before it is made: rendered, compared with what is there, and tried for collisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Forbidden
from blueshift.cluster.versions import Served, served
from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE, applied
from blueshift.discovery.fixed import fixed
from blueshift.discovery.found import each
from blueshift.discovery.immutable import immutable, readdressed
from blueshift.discovery.placed import path_of, placed
from blueshift.discovery.pods import rendered_pods, rendered_services
from blueshift.discovery.profile import Knowledge
from blueshift.discovery.raw import Raw, annotated
from blueshift.discovery.rendered_rights import needed
from blueshift.discovery.settings import Side
from blueshift.discovery.sides import rendered_side
from blueshift.discovery.world import ObjectChange, Rendered, ValueChange
from blueshift.errors import BlueshiftError
from blueshift.helm import manifests, records
from blueshift.helm import values as helm_values
from blueshift.helm.charts import Chart
from blueshift.helm.client import Helm
from blueshift.helm.manifests import Key

RECORD = "record"
"""The source of a chart that is rebuilt from Helm's record of the running release."""


async def rendered(
    helm: Helm,
    kube: KubeApi,
    known: Knowledge,
    release: tuple[str, str],
    chart: Chart,
    values: Mapping[str, Any],
    *,
    changes: Sequence[ValueChange] = (),
    old: Sequence[Raw] = (),
    source: str = RECORD,
    tried: bool = True,
) -> Rendered:
    """What a revision of `release` (name, namespace) would change.

    `old` are the objects of the revision before it, hooks too, empty for an install; `changes` are what
    Blueshift set in `values`; `source` is as in `Rendered`; `tried` is false where `old` is only rendered
    and not in the cluster. A chart that does not render is told in `error`; what the API server or the
    machine fails at is raised.
    """
    name, namespace = release
    result = Rendered(
        chart=chart.name,
        chart_version=chart.version,
        app_version=chart.app_version,
        values_hash=helm_values.digest(values),
        values=tuple(changes),
        kube_version=chart.kube_version,
        source=source,
    )
    try:
        new = await helm.render(name, namespace, chart, values, is_upgrade=bool(old))
    except BlueshiftError as error:
        return msgspec.structs.replace(result, error=str(error))
    there = await served(kube)
    difference = manifests.diff(old, new, namespace)
    side, unseen = await _side(kube, known, new, namespace, chart)
    # Hooks are no part of a difference; an install makes those too, and may delete what has their names.
    hooks = () if old else (manifests.key(item, namespace) for item in new if manifests.is_hook(item))
    versions = {manifests.key(item, namespace): str(item.get("apiVersion") or "v1") for item in new}
    return msgspec.structs.replace(
        result,
        objects=(
            *(ObjectChange("delete", str(placed(key, there))) for key in difference.deleted),
            *(ObjectChange("create", str(placed(key, there))) for key in difference.created),
            *(
                ObjectChange("change", str(placed(change.key, there)), change.diff)
                for change in difference.changed
            ),
        ),
        collisions=(
            *(() if old else await _left_over(kube, release)),
            *await collisions(
                kube, there, release, [(key, versions[key]) for key in sorted({*difference.created, *hooks})]
            ),
        ),
        fixed=() if old else fixed(new, namespace),
        rights=needed(old, new, namespace, there),
        pods=rendered_pods(new, namespace),
        services=rendered_services(new, namespace),
        side=side,
        unseen=unseen,
        immutable=immutable(old, new, namespace),
        readdressed=readdressed(old, new, namespace),
        applied=await applied(kube, there, release, old, new) if old and tried else None,
    )


async def _side(
    kube: KubeApi, known: Knowledge, objects: Sequence[Raw], namespace: str, chart: Chart
) -> tuple[Side | None, str]:
    try:
        return await rendered_side(kube, known, objects, namespace, chart), ""
    except BlueshiftError as error:
        return None, error.message


async def _left_over(kube: KubeApi, release: tuple[str, str]) -> tuple[str, ...]:
    """A release of the name that an install is about to take."""
    there = await records.history(kube, release[1], release[0])
    return (f"release {release[1]}/{release[0]} exists ({there[-1].status})",) if there else ()


async def collisions(
    kube: KubeApi, served: Served, release: tuple[str, str], created: Sequence[tuple[Key, str]]
) -> tuple[str, ...]:
    """Which of the objects to be created (with their apiVersion) exist and are not this release's.

    Helm refuses those at install ("invalid ownership metadata"), with some of the others already made.
    """

    async def taken(item: tuple[Key, str]) -> str:
        key, version = placed(item[0], served), item[1]
        if await _is_missing(kube, key.namespace):
            return ""
        try:
            there = await kube.find(path_of(key, version, served))
        except Forbidden:
            return f"{key} may exist: this user may not look at it"
        return "" if there is None else ownership(key, there, release)

    return tuple(filter(None, await each(taken, created)))


async def _is_missing(kube: KubeApi, space: str) -> bool:
    """Whether that namespace surely is not there, and so nothing in it."""
    try:
        return bool(space) and await kube.find(paths.core("namespaces", None, space)) is None
    except Forbidden:
        return False


def ownership(key: Key, there: Raw, release: tuple[str, str]) -> str:
    """Whose an existing object is, as a sentence; empty if it is this release's."""
    marks = annotated(there)
    owner = (marks.get(RELEASE_NAME, ""), marks.get(RELEASE_NAMESPACE, ""))
    if owner == release:
        return ""
    if not owner[0]:
        return f"{key} exists and belongs to no Helm release"
    return f"{key} belongs to release {owner[1]}/{owner[0]}"
