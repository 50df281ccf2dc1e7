"""What kinds an API server serves: as Helm's `.Capabilities.APIVersions` has it, and as which resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from blueshift.cluster.api import KubeApi

# Aggregated discovery (KEP-3352), stable since Kubernetes 1.30 and on by default since 1.27.
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Resource(NamedTuple):
    """Where the objects of a kind are."""

    plural: str
    namespaced: bool


class Served(NamedTuple):
    """Everything that is served."""

    versions: frozenset[str]
    """`group/version` and `group/version/Kind`; the core group has no group."""
    resources: Mapping[tuple[str, str], Resource]
    """By group and kind: no version of a kind has another name or scope."""


async def served(kube: KubeApi) -> Served:
    """What the API server says of itself."""
    versions: set[str] = set()
    resources: dict[tuple[str, str], Resource] = {}
    for root in ("/api", "/apis"):
        answer = await kube.get(root, accept=f"{_AGGREGATED},application/json")
        aggregated = answer.get("kind") == "APIGroupDiscoveryList"
        found = _aggregated(answer) if aggregated else await _one_by_one(kube, root, answer)
        for version, kinds in found.items():
            versions |= {version, *(f"{version}/{kind}" for kind in kinds)}
            group = version.rpartition("/")[0]
            resources |= {(group, kind): resource for kind, resource in kinds.items()}
    return Served(frozenset(versions), resources)


async def api_versions(kube: KubeApi) -> tuple[str, ...]:
    """`group/version` and `group/version/Kind` of everything served, sorted."""
    return tuple(sorted((await served(kube)).versions))


def _aggregated(answer: dict[str, Any]) -> dict[str, dict[str, Resource]]:
    """Version → kind → resource, as in the APIGroupDiscoveryList."""
    found: dict[str, dict[str, Resource]] = {}
    for group in answer["items"]:
        for version in group["versions"]:
            name = "/".join(part for part in (group["metadata"].get("name"), version["version"]) if part)
            found[name] = {
                one["responseKind"]["kind"]: Resource(one["resource"], one.get("scope") != "Cluster")
                for one in version.get("resources") or ()
                if one.get("responseKind")
            }
    return found


async def _one_by_one(kube: KubeApi, root: str, answer: dict[str, Any]) -> dict[str, dict[str, Resource]]:
    """As servers before 1.27 tell it: one request for each version, which gives an APIResourceList."""
    groups = (one["groupVersion"] for group in answer.get("groups") or () for one in group["versions"])
    found: dict[str, dict[str, Resource]] = {}
    for name in (*(answer.get("versions") or ()), *groups):
        resources = (await kube.get(f"{root}/{name}")).get("resources") or ()
        found[name] = {
            one["kind"]: Resource(one["name"], one["namespaced"])
            for one in resources
            if "/" not in one["name"]
        }
    return found
