"""Rendered pods as facts: what they need, with the defaults of the API."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.pods import Container, Pods, RenderedService, rendered_pods, rendered_services, share
from blueshift.discovery.quantity import amounts, spoken, whole
from blueshift.errors import BlueshiftError

MIB = 2**20
REQUESTS = {"requests": {"cpu": "100m", "memory": "90Mi"}}


def workload(kind: str = "Deployment", spec: dict[str, Any] | None = None, **pod: Any) -> dict[str, Any]:
    containers = [{"name": "controller", "image": "r/controller:v1", "resources": REQUESTS}]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers, **pod}}
    return {"kind": kind, "metadata": {"name": "web"}, "spec": {"template": template, **(spec or {})}}


def one(*objects: dict[str, Any]) -> Pods:
    return rendered_pods(objects, "tmp")[0]


@pytest.mark.parametrize(
    ("resource", "text", "number"),
    [
        ("cpu", "100m", 100),
        ("cpu", "2", 2000),
        ("requests.cpu", "0.5", 500),
        ("cpu", "1n", 1),
        ("memory", "90Mi", 90 * MIB),
        ("memory", "1e3", 1000),
        ("memory", "2E", 2 * 10**18),
        ("memory", "100m", 1),
        ("pods", "110", 110),
    ],
)
def test_quantities(resource: str, text: str, number: int) -> None:
    assert whole(resource, text) == number


@pytest.mark.parametrize("text", ["", "1KiB", "x", "1 Gi", None])
def test_what_is_no_quantity_is_said(text: Any) -> None:
    with pytest.raises(BlueshiftError, match="no quantity"):
        whole("memory", text)


def test_amounts_are_spoken_as_they_are_written() -> None:
    assert amounts({"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"}) == {
        "cpu": 1000,
        "memory": 1024 * MIB,
    }
    spoke = [spoken("requests.cpu", 250), spoken("limits.memory", 90 * MIB), spoken("pods", 3)]
    assert spoke == ["250m", "90Mi", "3"]


def test_a_deployment_with_the_defaults_of_the_api() -> None:
    found = one(workload(spec={"replicas": 4}))
    assert (found.title, found.replicas, found.labels) == ("Deployment tmp/web", 4, {"app": "web"})
    assert found.containers == (
        Container("r/controller:v1", "IfNotPresent", {"cpu": 100, "memory": 90 * MIB}),
    )
    assert (found.surging(4), found.away(4), found.away(3)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("spec", "surging", "away"),
    [
        ({"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}, 1, 0),
        ({"strategy": {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "0%"}}}, 2, 0),
        ({"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}, 0, 1),
        ({"strategy": {"type": "Recreate"}}, 0, 3),
    ],
)
def test_what_a_rollout_may_do(spec: dict[str, Any], surging: int, away: int) -> None:
    found = one(workload(spec=spec))
    assert (found.surging(3), found.away(3)) == (surging, away)


def test_a_daemonset_lets_one_go_and_surges_nowhere() -> None:
    found = one(workload("DaemonSet"))
    assert (found.replicas, found.surging(5), found.away(5)) == (1, 0, 1)


@pytest.mark.parametrize(
    "scaler",
    [
        {
            "kind": "HorizontalPodAutoscaler",
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 3},
        },
        {"kind": "ScaledObject", "spec": {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 3}},
    ],
)
def test_an_autoscaler_has_its_least(scaler: dict[str, Any]) -> None:
    assert one(workload(), scaler).replicas == 3
    assert one(workload(spec={"replicas": 5}), scaler).replicas == 5


def test_a_pod_needs_the_greater_of_its_containers_and_each_init_container() -> None:
    init = [
        {"name": "a", "image": "a", "resources": {"requests": {"cpu": "1"}}},
        {"name": "b", "image": "b:1", "resources": {"limits": {"cpu": "50m"}}, "restartPolicy": "Always"},
    ]
    found = one(workload(initContainers=init))
    assert found.needs("requests") == {"cpu": 1000, "memory": 90 * MIB}
    assert found.needs("limits") == {"cpu": 50, "memory": 0}
    assert [part.once for part in found.containers] == [True, False, False]
    assert found.containers[1].requests == {"cpu": 50}, "a limit alone is the request too"


@pytest.mark.parametrize(
    ("image", "pull"),
    [
        ("nginx", "Always"),
        ("r:5000/nginx", "Always"),
        ("r/nginx:latest", "Always"),
        ("r/nginx:1", "IfNotPresent"),
        ("r/nginx@sha256:1", "IfNotPresent"),
    ],
)
def test_when_an_image_is_pulled(image: str, pull: str) -> None:
    assert one(workload(containers=[{"image": image}])).containers[0].pull == pull
    stated = workload(containers=[{"image": image, "imagePullPolicy": "Never"}])
    assert one(stated).containers[0].pull == "Never"


def test_where_pods_may_be_is_kept_as_far_as_it_is_required() -> None:
    term = {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}
    apart = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
    affinity = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]},
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": term}],
        },
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]},
    }
    rules = [{"topologyKey": "a"}, {"topologyKey": "b", "whenUnsatisfiable": "ScheduleAnyway"}]
    found = one(
        workload(
            affinity=affinity,
            topologySpreadConstraints=rules,
            nodeSelector={"os": "linux"},
            tolerations=[{"operator": "Exists"}],
            imagePullSecrets=[{"name": "pull"}],
            hostNetwork=True,
            containers=[{"image": "a", "ports": [{"containerPort": 1}, {"hostPort": 80}]}],
        )
    )
    assert (found.node_terms, found.apart, found.spread) == ((term,), (apart,), (rules[0],))
    assert (found.node_selector, found.tolerations) == ({"os": "linux"}, ({"operator": "Exists"},))
    assert (found.pull_secrets, found.host_network, found.host_ports) == (("pull",), True, (80,))


def test_services_and_the_node_ports_that_are_fixed() -> None:
    service = {
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "far"},
        "spec": {"type": "LoadBalancer", "ports": [{"nodePort": 30080}, {}], "healthCheckNodePort": 30100},
    }
    plain = {"kind": "Service", "metadata": {"name": "b"}, "spec": {}}
    assert rendered_services([service, plain, workload()], "tmp") == (
        RenderedService("web", "far", "LoadBalancer", (30080, 30100)),
        RenderedService("b", "tmp"),
    )


def test_shares_round_as_kubernetes_does() -> None:
    assert [share("25%", 2, up=up) for up in (True, False)] == [1, 0]
    assert share("3", 2, up=True) == 3
