"""Names, classes, the webhook, roles, ConfigMaps, scaling and monitoring."""

from __future__ import annotations

from typing import Any

import pytest

from tests.render.conftest import Objects, Render

NAME = "demo-ingress-nginx-controller"
CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "IngressClass", "ValidatingWebhookConfiguration"}


def config(objects: Objects) -> dict[str, str]:
    """Data of the controller's ConfigMap."""
    return objects[("ConfigMap", NAME)]["data"] or {}


@pytest.mark.parametrize(
    ("release", "values", "fullname"),
    [
        ("demo", {}, "demo-ingress-nginx"),
        ("my-ingress-nginx", {}, "my-ingress-nginx"),
        ("demo", {"nameOverride": "edge"}, "demo-edge"),
        ("demo", {"fullnameOverride": "whole"}, "whole"),
    ],
)
def test_names_come_from_the_release(
    render: Render, release: str, values: dict[str, Any], fullname: str
) -> None:
    objects = render(values, release=release)
    assert {
        ("Deployment", f"{fullname}-controller"),
        ("ClusterRole", fullname),
        ("ClusterRoleBinding", fullname),
        ("ServiceAccount", fullname),
        ("ValidatingWebhookConfiguration", f"{fullname}-admission"),
    } <= objects.keys()


def test_two_releases_share_only_the_ingress_class(render: Render) -> None:
    first, second = (
        {key for key in render(release=release) if key[0] in CLUSTER_SCOPED} for release in ("one", "two")
    )
    assert first & second == {("IngressClass", "nginx")}


def test_namespace_override_moves_every_namespaced_object(render: Render) -> None:
    objects = render({"namespaceOverride": "elsewhere"})
    namespaces = {
        item["metadata"].get("namespace") for (kind, _), item in objects.items() if kind not in CLUSTER_SCOPED
    }
    assert namespaces == {"elsewhere"}
    webhook = objects[("ValidatingWebhookConfiguration", "demo-ingress-nginx-admission")]["webhooks"][0]
    assert webhook["clientConfig"]["service"]["namespace"] == "elsewhere"


def test_the_ingress_class(render: Render) -> None:
    settings = {"name": "edge", "default": True, "controllerValue": "lab.test/x", "aliases": ["old"]}
    objects = render({"controller": {"ingressClassResource": settings}})
    main, alias = objects[("IngressClass", "edge")], objects[("IngressClass", "old")]
    assert main["spec"]["controller"] == alias["spec"]["controller"] == "lab.test/x"
    assert main["metadata"]["annotations"] == {"ingressclass.kubernetes.io/is-default-class": "true"}
    assert "annotations" not in alias["metadata"]


def test_the_ingress_class_can_be_left_out_with_its_aliases(render: Render) -> None:
    settings = {"enabled": False, "aliases": ["old"]}
    objects = render({"controller": {"ingressClassResource": settings}})
    assert not [kind for kind, _ in objects if kind == "IngressClass"]


def test_the_webhook_fails_closed_and_trusts_the_services_certificate(render: Render) -> None:
    objects = render()
    webhook = objects[("ValidatingWebhookConfiguration", "demo-ingress-nginx-admission")]["webhooks"][0]
    secret = objects[("Secret", "demo-ingress-nginx-admission")]["data"]
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["clientConfig"]["caBundle"] == secret["ca"]
    assert webhook["clientConfig"]["service"]["name"] == f"{NAME}-admission"
    assert ("Service", f"{NAME}-admission") in objects


def test_webhook_settings(render: Render) -> None:
    settings = {"failurePolicy": "Ignore", "namespaceSelector": {"matchLabels": {"a": "b"}}}
    objects = render({"controller": {"admissionWebhooks": settings}})
    webhook = objects[("ValidatingWebhookConfiguration", "demo-ingress-nginx-admission")]["webhooks"][0]
    assert (webhook["failurePolicy"], webhook["namespaceSelector"]) == ("Ignore", {"matchLabels": {"a": "b"}})


def test_the_webhook_can_be_left_out_whole(render: Render) -> None:
    objects = render({"controller": {"admissionWebhooks": {"enabled": False}}})
    assert not [name for _, name in objects if "admission" in name]
    assert "volumes" not in objects[("Deployment", NAME)]["spec"]["template"]["spec"]


@pytest.mark.parametrize("kind", ["ClusterRole", "Role"])
def test_status_is_written_only_where_the_controller_may(render: Render, kind: str) -> None:
    def writes_status(objects: Objects) -> bool:
        rules = objects[(kind, "demo-ingress-nginx")]["rules"]
        return any("ingresses/status" in rule["resources"] for rule in rules)

    assert writes_status(render())
    assert not writes_status(render({"controller": {"extraArgs": {"update-status": "false"}}}))


def test_the_role_names_the_leader_lease(render: Render) -> None:
    rules = render({"controller": {"electionID": "mine"}})[("Role", "demo-ingress-nginx")]["rules"]
    assert [rule["resourceNames"] for rule in rules if "resourceNames" in rule] == [["mine"]]


def test_rbac_and_service_account_can_be_brought_along(render: Render) -> None:
    objects = render({"rbac": {"create": False}, "serviceAccount": {"create": False, "name": "own"}})
    assert not {kind for kind, _ in objects} & {"Role", "RoleBinding", "ClusterRole", "ServiceAccount"}
    assert objects[("Deployment", NAME)]["spec"]["template"]["spec"]["serviceAccountName"] == "own"


def test_rbac_of_one_namespace_only(render: Render) -> None:
    kinds = {kind for kind, _ in render({"rbac": {"scope": True}})}
    assert "Role" in kinds
    assert not kinds & {"ClusterRole", "ClusterRoleBinding"}


def test_the_configmap(render: Render) -> None:
    values = {
        "config": {"keep-alive": 20, "use-proxy-protocol": "true", "server-snippet": "# {{ .Release.Name }}"},
        "allowSnippetAnnotations": True,
        "addHeaders": {"X-A": "1"},
        "proxySetHeaders": {"X-B": "2"},
    }
    objects = render({"controller": values})
    assert config(objects) == {
        "allow-snippet-annotations": "true",
        "keep-alive": "20",
        "use-proxy-protocol": "true",
        "server-snippet": "# demo",
        "add-headers": "ingress/demo-ingress-nginx-custom-add-headers",
        "proxy-set-headers": "ingress/demo-ingress-nginx-custom-proxy-headers",
    }
    assert objects[("ConfigMap", "demo-ingress-nginx-custom-add-headers")]["data"] == {"X-A": "1"}
    assert objects[("ConfigMap", "demo-ingress-nginx-custom-proxy-headers")]["data"] == {"X-B": "2"}


@pytest.mark.parametrize(
    ("values", "rendered"),
    [
        ({"replicaCount": 1}, False),
        ({"replicaCount": 2}, True),
        ({"autoscaling": {"enabled": True, "minReplicas": 1}}, False),
        ({"autoscaling": {"enabled": True, "minReplicas": 2}}, True),
        ({"keda": {"enabled": True, "minReplicas": 2}}, True),
        ({"kind": "DaemonSet", "replicaCount": 2}, False),
    ],
)
def test_a_disruption_budget_only_for_more_than_one_pod(
    render: Render, values: dict[str, Any], rendered: bool
) -> None:
    assert (("PodDisruptionBudget", NAME) in render({"controller": values})) is rendered


def test_the_disruption_budgets_bound(render: Render) -> None:
    low = render({"controller": {"replicaCount": 2}})[("PodDisruptionBudget", NAME)]["spec"]
    high = render({"controller": {"replicaCount": 2, "maxUnavailable": 1}})[("PodDisruptionBudget", NAME)]
    assert low["minAvailable"] == 1
    assert high["spec"]["maxUnavailable"] == 1
    assert "minAvailable" not in high["spec"]


def test_an_autoscaler(render: Render) -> None:
    settings = {
        "enabled": True,
        "minReplicas": 3,
        "maxReplicas": 5,
        "targetMemoryUtilizationPercentage": None,
    }
    spec = render({"controller": {"autoscaling": settings}})[("HorizontalPodAutoscaler", NAME)]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 5)
    assert [metric["resource"]["name"] for metric in spec["metrics"]] == ["cpu"]


def test_keda_takes_the_place_of_the_autoscaler(render: Render) -> None:
    values = {"autoscaling": {"enabled": True}, "keda": {"enabled": True, "minReplicas": 4}}
    objects = render({"controller": values})
    assert ("HorizontalPodAutoscaler", NAME) not in objects
    assert objects[("ScaledObject", NAME)]["spec"]["minReplicaCount"] == 4


def test_monitoring_objects_need_metrics(render: Render) -> None:
    settings = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
    monitors = {"ServiceMonitor", "PrometheusRule"}
    assert not monitors & {kind for kind, _ in render({"controller": {"metrics": settings}})}
    settings["enabled"] = True  # type: ignore[assignment]
    assert monitors <= {kind for kind, _ in render({"controller": {"metrics": settings}})}


def test_a_network_policy_admits_the_containers_ports(render: Render) -> None:
    objects = render({"controller": {"networkPolicy": {"enabled": True}}})
    ports = objects[("NetworkPolicy", NAME)]["spec"]["ingress"][0]["ports"]
    assert {port["port"] for port in ports} == {80, 443, 8443}


def test_a_default_backend(render: Render) -> None:
    objects = render({"defaultBackend": {"enabled": True}})
    assert ("Service", "demo-ingress-nginx-defaultbackend") in objects
    args = objects[("Deployment", NAME)]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--default-backend-service=$(POD_NAMESPACE)/demo-ingress-nginx-defaultbackend" in args
