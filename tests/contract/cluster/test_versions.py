"""What the API server serves is found by one request or by many, with the same result."""

from __future__ import annotations

import pytest

from blueshift.cluster import versions
from blueshift.cluster.api import KubeApi


async def test_both_ways_of_discovery_agree(kube: KubeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = await versions.api_versions(kube)
    assert {"v1", "v1/Pod", "apps/v1", "apps/v1/Deployment", "networking.k8s.io/v1/Ingress"} <= set(at_once)
    resources = (await versions.served(kube)).resources
    assert resources["", "Endpoints"] == versions.Resource("endpoints", namespaced=True)
    assert resources["apiregistration.k8s.io", "APIService"].namespaced is False
    monkeypatch.setattr(versions, "_AGGREGATED", "application/json")
    assert await versions.api_versions(kube) == at_once
    assert (await versions.served(kube)).resources == resources
