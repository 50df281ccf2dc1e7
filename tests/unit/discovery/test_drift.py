"""Live objects compared with what a dry run of the running manifest makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.cluster.errors import Invalid
from blueshift.discovery.apply import as_helm
from blueshift.discovery.drift import drift
from blueshift.discovery.seen_apply import Drift
from tests.unit.discovery.fakes import FakeKube

RELEASE = ("web", "ns")
PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/ns/deployments/web",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers/web",
    "ScaledObject": "/apis/keda.sh/v1alpha1/namespaces/ns/scaledobjects/web",
    "Secret": "/api/v1/namespaces/ns/secrets/web",
}
VERSIONS = {
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "ScaledObject": "keda.sh/v1alpha1",
    "Secret": "v1",
}


def thing(kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": VERSIONS[kind], "kind": kind, "metadata": {"name": "web"}, **fields}


def pods(image: str, *args: str) -> dict[str, Any]:
    one = {"name": "controller", "image": image, "args": list(args)}
    return {"template": {"spec": {"containers": [one]}}}


async def of(believed: dict[str, Any], live: dict[str, Any] | None, **more: Any) -> Drift:
    path = PATHS[believed["kind"]]
    kube = FakeKube({} if live is None else {path: {**as_helm(live, RELEASE), "status": {"ready": 1}}})
    kube.refuses = more.get("refuses", {})
    return await drift(kube.api, RELEASE, [believed])


@pytest.mark.parametrize(
    ("believed", "live", "fields"),
    [
        (
            thing("Deployment", spec=pods("a:1", "-v")),
            thing("Deployment", spec=pods("a:2", "-x")),
            (".args", ".image"),
        ),
        (thing("Secret", data={"a": "MQ=="}), thing("Secret", data={"a": "Mg=="}), ("data.a",)),
        (thing("Deployment", spec={"replicas": 2}), thing("Deployment", spec={"replicas": 5}), ()),
        (
            thing("HorizontalPodAutoscaler", spec={"minReplicas": 2}),
            thing("HorizontalPodAutoscaler", spec={"minReplicas": 5}),
            (),
        ),
        (
            thing("ScaledObject", spec={"minReplicaCount": 2}),
            thing("ScaledObject", spec={"minReplicaCount": 5}),
            (),
        ),
        (thing("Deployment", spec=pods("a:1")), thing("Deployment", spec=pods("a:1")), ()),
    ],
)
async def test_fields_that_differ(
    believed: dict[str, Any], live: dict[str, Any], fields: tuple[str, ...]
) -> None:
    found = await of(believed, live)
    assert not found.unread
    assert len(found.fields) == len(fields)
    assert all(one.endswith(end) for one, end in zip(found.fields, fields, strict=True))


async def test_an_object_that_is_gone_and_one_that_cannot_be_compared() -> None:
    one = thing("Secret", data={"a": "MQ=="})
    assert await of(one, None) == Drift(("Secret ns/web is gone",))
    refused = await of(one, one, refuses={PATHS["Secret"]: Invalid("the value MQ== is bad")})
    assert refused == Drift(unread={"Secret ns/web": "the API server refused the try"})
