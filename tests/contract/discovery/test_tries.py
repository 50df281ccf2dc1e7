"""Objects of a revision tried on a real API server: conflicts, refusals, warnings; nothing is stored."""

from __future__ import annotations

from typing import Any

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.versions import served
from blueshift.discovery.apply import applied, as_helm
from blueshift.discovery.drift import drift
from blueshift.discovery.immutable import immutable
from blueshift.discovery.seen_apply import Applied, Drift, Owned


def deployment(namespace: str, replicas: int = 1, label: str = "web") -> dict[str, Any]:
    pod = {"containers": [{"name": "web", "image": "none", "resources": {"limits": {"cpu": "1000m"}}}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": label}},
            "template": {"metadata": {"labels": {"app": label}}, "spec": pod},
        },
    }


def path(namespace: str) -> str:
    return paths.apis("apps/v1", "deployments", namespace, "web")


async def installed(kube: KubeApi, namespace: str) -> dict[str, Any]:
    """As Helm 3 makes it: by the client."""
    collection = paths.apis("apps/v1", "deployments", namespace)
    return await kube.create(collection, deployment(namespace), fieldManager="helm")


async def tried(kube: KubeApi, namespace: str, *new: dict[str, Any]) -> Applied:
    return await applied(kube, await served(kube), ("web", namespace), [], new)


async def test_a_field_of_another_manager_is_named_and_nothing_is_stored(
    kube: KubeApi, namespace: str
) -> None:
    await installed(kube, namespace)
    changed = await kube.patch(path(namespace), {"spec": {"replicas": 5}}, fieldManager="kubectl-edit")
    found = await tried(kube, namespace, deployment(namespace, replicas=3))
    assert found == Applied((Owned(f"Deployment {namespace}/web", ".spec.replicas", "kubectl-edit"),))
    after = await kube.get(path(namespace))
    assert after["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"]


async def test_what_helm_wrote_by_the_client_is_no_conflict(kube: KubeApi, namespace: str) -> None:
    await installed(kube, namespace)
    assert await tried(kube, namespace, deployment(namespace, replicas=3)) == Applied()


async def test_an_immutable_field_is_refused_as_the_comparison_says(kube: KubeApi, namespace: str) -> None:
    await installed(kube, namespace)
    old, new = deployment(namespace), deployment(namespace, label="other")
    assert immutable([old], [new], namespace) == (f"Deployment {namespace}/web: spec.selector",)
    found = await tried(kube, namespace, new)
    assert "field is immutable" in found.refused[f"Deployment {namespace}/web"]


async def test_a_deprecated_api_is_warned_of_and_one_that_is_gone_is_not_served(
    kube: KubeApi, namespace: str
) -> None:
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web"}, "subsets": []}
    gone = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}}
    found = await tried(kube, namespace, endpoints, gone)
    assert "v1 Endpoints is deprecated" in found.deprecated[f"Endpoints {namespace}/web"]
    assert found.unserved == (f"PodDisruptionBudget {namespace}/web (policy/v1beta1)",)
    assert msgspec.structs.replace(found, deprecated={}, unserved=()) == Applied()


async def test_drift_is_what_the_manifest_sets_and_the_server_writes_otherwise_is_none(
    kube: KubeApi, namespace: str
) -> None:
    await installed(kube, namespace)
    release = ("web", namespace)
    marked = (await drift(kube, release, [deployment(namespace)])).fields
    assert {one.partition("metadata.")[2].partition(".")[0] for one in marked} == {"annotations", "labels"}
    await kube.patch(path(namespace), as_helm(deployment(namespace), release), fieldManager="helm")
    assert await drift(kube, release, [deployment(namespace)]) == Drift()
    image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "other"}]
    await kube.patch(path(namespace), image, "json", fieldManager="kubectl-edit")
    found = await drift(kube, release, [deployment(namespace)])
    assert found == Drift((f"Deployment {namespace}/web: spec.template.spec.containers[web].image",))
