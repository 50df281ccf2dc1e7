"""What kinds an API server serves, as Helm's `.Capabilities.APIVersions` has it."""

from __future__ import annotations

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


def _aggregated(answer: dict[str, object]) -> set[str]:
    found: set[str] = set()
    groups: list[dict[str, dict[str, str]]] = answer["items"]  # type: ignore[assignment]
    for group in groups:
        for version in group["versions"]:
            name = _name(group["metadata"].get("name", ""), version["version"])  # type: ignore[index]
            found.add(name)
            kinds = version.get("resources", [])  # type: ignore[attr-defined]
            found |= {f"{name}/{one['responseKind']['kind']}" for one in kinds if one.get("responseKind")}
    return found


async def _one_by_one(kube: KubeApi, root: str, answer: dict[str, object]) -> set[str]:
    """As older servers tell it: one request for each version."""
    found: set[str] = set()
    groups: list[dict[str, list[dict[str, str]]]] = answer.get("groups", [])  # type: ignore[assignment]
    versions: list[str] = answer.get("versions", [])  # type: ignore[assignment]
    for name in [*versions, *(one["groupVersion"] for group in groups for one in group["versions"])]:
        found.add(name)
        resources = (await kube.get(f"{root}/{name}")).get("resources", [])
        found |= {f"{name}/{one['kind']}" for one in resources if "/" not in one["name"]}
    return found


def _name(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version
