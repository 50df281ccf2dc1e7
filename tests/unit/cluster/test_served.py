"""What an API server says of its kinds, in the form of all at once and in that of one version each."""

from __future__ import annotations

import pytest

from blueshift.cluster.versions import Resource, served
from tests.unit.discovery.fakes import FakeKube

AT_ONCE = {
    "/api": {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {},
                "versions": [
                    {
                        "version": "v1",
                        "resources": [
                            {"resource": "pods", "responseKind": {"kind": "Pod"}, "scope": "Namespaced"},
                            {"resource": "nodes", "responseKind": {"kind": "Node"}, "scope": "Cluster"},
                        ],
                    }
                ],
            }
        ],
    },
    "/apis": {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {"name": "metallb.io"},
                "versions": [
                    {
                        "version": "v1",
                        "resources": [
                            {"resource": "pools", "responseKind": {"kind": "Pool"}, "scope": "Cluster"}
                        ],
                    }
                ],
            }
        ],
    },
}
ONE_BY_ONE = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {
        "resources": [
            {"name": "pods", "kind": "Pod", "namespaced": True},
            {"name": "pods/eviction", "kind": "Eviction", "namespaced": True},
            {"name": "nodes", "kind": "Node", "namespaced": False},
        ]
    },
    "/apis": {"kind": "APIGroupList", "groups": [{"versions": [{"groupVersion": "metallb.io/v1"}]}]},
    "/apis/metallb.io/v1": {"resources": [{"name": "pools", "kind": "Pool", "namespaced": False}]},
}


@pytest.mark.parametrize("answers", [AT_ONCE, ONE_BY_ONE])
async def test_both_forms_say_the_same(answers: dict[str, object]) -> None:
    found = await served(FakeKube(answers).api)
    assert found.versions == {"v1", "v1/Pod", "v1/Node", "metallb.io/v1", "metallb.io/v1/Pool"}
    assert found.resources == {
        ("", "Pod"): Resource("pods", namespaced=True),
        ("", "Node"): Resource("nodes", namespaced=False),
        ("metallb.io", "Pool"): Resource("pools", namespaced=False),
    }
