"""What kinds an API server serves, as Helm's `.Capabilities.APIVersions` has it."""

from __future__ import annotations

from typing import Any

from blueshift.cluster.api import KubeApi

# Aggregated discovery (KEP-3352), stable since Kubernetes 1.30 and on by default since 1.27.
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def api_versions(kube: KubeApi) -> tuple[str, ...]:
    """`group/version` and `group/version/Kind` of everything served, sorted; the core group has no group."""
    found: set[str] = set()
    for root in ("/api", "/apis"):
        answer = await kube.get(root, accept=f"{_AGGREGATED},application/json")
        if answer.get("kind") == "APIGroupDiscoveryList":
            found |= _aggregated(answer)
        else:
            found |= await _one_by_one(kube, root, answer)
    return tuple(sorted(found))


def _aggregated(answer: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for group in answer["items"]:
        for version in group["versions"]:
            name = "/".join(part for part in (group["metadata"].get("name"), version["version"]) if part)
            kinds = (
                one["responseKind"]["kind"]
                for one in version.get("resources") or ()
                if one.get("responseKind")
            )
            found |= {name, *(f"{name}/{kind}" for kind in kinds)}
    return found


async def _one_by_one(kube: KubeApi, root: str, answer: dict[str, Any]) -> set[str]:
    """As servers before 1.27 tell it: one request for each version."""
    groups = (one["groupVersion"] for group in answer.get("groups") or () for one in group["versions"])
    found: set[str] = set()
    for name in (*(answer.get("versions") or ()), *groups):
        resources = (await kube.get(f"{root}/{name}")).get("resources") or ()
        found |= {name, *(f"{name}/{one['kind']}" for one in resources if "/" not in one["name"])}
    return found
