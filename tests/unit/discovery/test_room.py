"""What looks find of nodes, quotas, images and ports."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.cluster import paths
from blueshift.discovery.placement import domains, eligible, meant, nodes_of, tolerated
from blueshift.discovery.pods import Container, Pods, RenderedService
from blueshift.discovery.room import NODES, PODS, SERVICES, ground, images, quotas, room, spelling, taken
from blueshift.discovery.seen_room import Free, Image, Limits, Node, Quota
from blueshift.discovery.world import Rendered
from tests.unit.discovery.fakes import FakeKube

GIB = 2**30
CONTROLLER = Pods("Deployment", "web", "ingress", containers=(Container("r/c:1", "IfNotPresent"),))


def node(name: str = "n1", *, images: tuple[str, ...] = (), **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "zone": "a", "x": "y"}},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "3"},
            "images": [{"names": [image]} for image in images],
        },
    }


def pod(where: str | None, cpu: str, image: str = "a:1") -> dict[str, Any]:
    container = {"image": image, "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    return {
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"nodeName": where, "containers": [container]},
    }


async def test_what_is_free_is_what_is_allocatable_less_what_pods_request() -> None:
    kube = FakeKube({NODES: [node(), node("n2")], PODS: [pod("n1", "500m"), pod("n1", "1"), pod(None, "9")]})
    found = await room(kube.api)
    assert found.free == {"n1": Free(500, 2 * GIB, 1), "n2": Free(2000, 4 * GIB, 3)}
    assert found.autoscaler == ""


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ({PODS: [pod("n1", "1", "registry.k8s.io/autoscaling/cluster-autoscaler:v1.33.0")]}, "pod n/p"),
        ({PODS: [pod("n1", "1", "public.ecr.aws/karpenter/controller:1.0@sha256:1")]}, "pod n/p"),
        (
            {paths.core("configmaps", "kube-system", "cluster-autoscaler-status"): {"metadata": {}}},
            "ConfigMap kube-system/cluster-autoscaler-status",
        ),
        ({PODS: [pod("n1", "1", "r/cluster-autoscaler-exporter-not:1")]}, ""),
    ],
)
async def test_signs_of_an_autoscaler(objects: dict[str, Any], said: str) -> None:
    assert (await room(FakeKube({NODES: [node()], **objects}).api)).autoscaler == said


async def test_nodes_keep_the_labels_that_pods_ask_for_and_the_taints_that_keep_them_away() -> None:
    taints = [{"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "PreferNoSchedule"}]
    kube = FakeKube({NODES: [node(taints=taints)]})
    asked = [Pods("Deployment", "web", "ingress", node_selector={"zone": "a"})]
    found = await ground(kube.api, [pod("n1", "1"), pod("n1", "1")], asked, {"ingress": {"l": "1"}})
    assert found.nodes == (
        Node("n1", {"kubernetes.io/hostname": "n1", "zone": "a"}, ({"key": "a", "effect": "NoSchedule"},)),
    )
    assert (found.pods, found.spaces) == ({"n1": 2}, {"ingress": {"l": "1"}})


def terms(*expressions: dict[str, Any], **more: Any) -> Pods:
    return Pods("Deployment", "w", "n", node_terms=({"matchExpressions": list(expressions), **more},))


HERE = Node("n1", {"zone": "a", "cores": "8"})


@pytest.mark.parametrize(
    ("pods", "wanted"),
    [
        (Pods("Deployment", "w", "n"), True),
        (Pods("Deployment", "w", "n", node_selector={"zone": "b"}), False),
        (terms({"key": "zone", "operator": "In", "values": ["a", "b"]}), True),
        (terms({"key": "zone", "operator": "NotIn", "values": ["a"]}), False),
        (terms({"key": "none", "operator": "NotIn", "values": ["a"]}), True),
        (terms({"key": "none", "operator": "Exists"}), False),
        (terms({"key": "none", "operator": "DoesNotExist"}), True),
        (terms({"key": "cores", "operator": "Gt", "values": ["7"]}), True),
        (terms({"key": "cores", "operator": "Lt", "values": ["8"]}), False),
        (terms(), False),
        (terms(matchFields=[{"key": "metadata.name", "operator": "In", "values": ["n1"]}]), True),
    ],
)
def test_which_nodes_pods_mean(pods: Pods, wanted: bool) -> None:
    assert meant(pods, HERE) is wanted


TAINT = {"key": "role", "value": "edge", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "wanted"),
    [
        ({}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "role", "operator": "Exists"}, True),
        ({"key": "role", "value": "edge", "effect": "NoSchedule"}, True),
        ({"key": "role", "operator": "Equal", "value": "other"}, False),
    ],
)
def test_which_taints_are_tolerated(toleration: dict[str, Any], wanted: bool) -> None:
    pods = Pods("Deployment", "w", "n", tolerations=(toleration,))
    assert tolerated(pods, Node("n1", {}, (TAINT,))) is wanted
    assert eligible(pods, [Node("n2")]) == (Node("n2"),)


def test_domains_are_the_values_of_a_key() -> None:
    assert domains([HERE, Node("n2")], "zone") == {"a"}
    assert nodes_of([], []) == ()


async def test_what_quotas_leave_by_one_name_for_each_limit() -> None:
    quota = {
        "metadata": {"name": "q", "namespace": "ingress"},
        "spec": {
            "hard": {"cpu": "1"},
            "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass"}]},
        },
        "status": {
            "hard": {"cpu": "1", "requests.cpu": "2", "limits.memory": "1Gi", "pods": "4", "secrets": "3"},
            "used": {"cpu": "400m", "requests.cpu": "400m", "pods": "2"},
        },
    }
    limit = {
        "metadata": {"name": "l", "namespace": "ingress"},
        "spec": {
            "limits": [
                {"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "500m"}},
                {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}},
            ]
        },
    }
    kube = FakeKube(
        {paths.core("resourcequotas", "ingress"): [quota], paths.core("limitranges", "ingress"): [limit]}
    )
    found = await quotas(kube.api, ["ingress", "tmp"])
    left = {"requests.cpu": 600, "limits.memory": GIB, "pods": 2}
    assert found.quotas == (Quota("ingress/q", "ingress", left, ("PriorityClass",)),)
    assert found.limits == (Limits("ingress/l", "ingress", "Container", {}, {"cpu": 1000}, {"cpu": 500}, {}),)


@pytest.mark.parametrize(
    ("image", "listed"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("bitnami/nginx:1", "docker.io/bitnami/nginx:1"),
        ("r.io:5000/a/c:v1", "r.io:5000/a/c:v1"),
        ("localhost/c", "localhost/c:latest"),
        ("r.io/a/c:v1@sha256:12", "r.io/a/c@sha256:12"),
    ],
)
def test_how_a_node_lists_an_image(image: str, listed: str) -> None:
    assert spelling(image) == listed


async def test_images_on_nodes_where_the_pods_may_run() -> None:
    away = node("n2", taints=[TAINT])
    kube = FakeKube({NODES: [node(images=("docker.io/r/c:1",)), away]})
    revision = Rendered(pods=(CONTROLLER,))
    found = await images(kube.api, revision, Rendered(), "ingress")
    assert found.images == (Image("r/c:1", "temporary", 1, 1),)


async def test_pull_secrets_are_looked_for_where_an_image_must_be_pulled() -> None:
    pods = Pods("Deployment", "w", "n", containers=CONTROLLER.containers, pull_secrets=("a", "b"))
    secrets = {paths.core("secrets", "ingress"): [{"metadata": {"name": "a"}}]}
    kube = FakeKube({NODES: [node()], **secrets})
    found = await images(kube.api, Rendered(), Rendered(pods=(pods,)), "ingress")
    assert found.images == (Image("r/c:1", "target", 0, 1, False, ("a", "b"), ("ingress/b",)),)


async def test_who_has_node_ports_is_asked_only_where_some_are_fixed() -> None:
    service = {"metadata": {"name": "s", "namespace": "n"}, "spec": {"ports": [{"nodePort": 30080}]}}
    kube = FakeKube({SERVICES: [service]})
    fixed = Rendered(services=(RenderedService("web", "tmp", "LoadBalancer", (30080,)),))
    assert (await taken(kube.api, fixed)).ports == {"30080": "n/s"}
    refused = FakeKube(forbidden=[SERVICES])
    assert (await taken(refused.api, Rendered())).ports == {}
