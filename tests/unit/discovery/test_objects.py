"""Workload, Services, Ingresses and owner, out of objects as the API returns them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from blueshift.discovery.ingresses import classes_of, host_facts, hostless, published, served
from blueshift.discovery.owner import flux_release, owner
from blueshift.discovery.services import service_facts
from blueshift.discovery.workload import choose, workload_fact

LABELS = {"app": "web", "version": "1"}


def ingress(name: str, *hosts: str, **spec: Any) -> dict[str, Any]:
    notes = spec.pop("annotations", {})
    rules = [{"host": host, "http": {"paths": [{"path": "/a"}]}} for host in hosts]
    return {
        "metadata": {"name": name, "namespace": spec.pop("namespace", "shop"), "annotations": notes},
        "spec": {"rules": rules, **spec},
    }


def scope(**changes: Any) -> Any:
    base = {"ingress_class": "nginx", "class_by_name": False, "classless": False, "watches": ""}
    return SimpleNamespace(**{**base, **changes})


BY_CLASS = ingress("by-class", ingressClassName="public")
BY_NOTE = ingress("by-note", annotations={"kubernetes.io/ingress.class": "nginx"})
OTHERS = ingress("others", ingressClassName="traefik")
OTHERS_NOTE = ingress(
    "others-note", ingressClassName="public", annotations={"kubernetes.io/ingress.class": "x"}
)
NONE = ingress("none")
FAR = ingress("far", ingressClassName="public", namespace="far")
BY_NAME = ingress("by-name", ingressClassName="nginx")
ALL = [BY_CLASS, BY_NOTE, OTHERS, OTHERS_NOTE, NONE, FAR, BY_NAME]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {"by-class", "by-note", "far"}),
        ({"classless": True}, {"by-class", "by-note", "far", "none"}),
        ({"watches": "far"}, {"far"}),
        ({"class_by_name": True}, {"by-class", "by-note", "far", "by-name"}),
    ],
)
def test_which_ingresses_are_served(changes: dict[str, Any], wanted: set[str]) -> None:
    found = served(ALL, ["public"], scope(**changes))
    assert {one["metadata"]["name"] for one in found} == wanted


def test_classes_by_controller() -> None:
    mine = {"metadata": {"name": "public"}, "spec": {"controller": "k8s.io/ingress-nginx"}}
    other = {"metadata": {"name": "traefik"}, "spec": {"controller": "traefik.io/ingress-controller"}}
    assert classes_of([mine, other], "k8s.io/ingress-nginx") == ("public",)


def test_hosts_once_with_all_their_ingresses_paths_and_tls() -> None:
    secured = ingress("b", "Shop.test", tls=[{"hosts": ["shop.test"]}])
    (alias, shop) = host_facts(
        [ingress("a", "shop.test"), secured], lambda found: ["Alias.test"][: "tls" in found["spec"]]
    )
    assert (shop.host, shop.ingresses, shop.paths, shop.tls) == (
        "shop.test",
        ("shop/a", "shop/b"),
        ("/a",),
        True,
    )
    assert (alias.host, alias.paths, alias.tls) == ("alias.test", ("/a",), False)


def test_ingresses_that_serve_any_host() -> None:
    found = [
        ingress("a", "x.test"),
        ingress("b", defaultBackend={"service": {}}),
        {**NONE, "spec": {"rules": [{"http": {}}]}},
    ]
    assert hostless(found) == ("shop/b", "shop/none")
    assert host_facts([found[1]]) == ()


def test_published_addresses() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"hostname": "lb.test"}]}}
    assert published([{**NONE, "status": status}, {**NONE, "status": {}}]) == ("1.1.1.1", "lb.test")


def service(name: str, *ports: dict[str, Any], **changes: Any) -> dict[str, Any]:
    spec = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": list(ports), **changes}
    points = [{"ip": "198.18.0.50"}, {"ip": "2001:2:0::50"}]
    return {
        "metadata": {"name": name, "namespace": "ingress", "uid": name},
        "spec": spec,
        "status": {"loadBalancer": {"ingress": points}},
    }


HTTP = {"name": "http", "port": 80, "targetPort": "http"}
HTTPS = {"name": "https", "port": 8443, "targetPort": "https"}
WEBHOOK = {"name": "https-webhook", "port": 443, "targetPort": "webhook"}


def test_services_that_lead_clients_to_the_pods() -> None:
    found = service_facts(
        [
            service("a-internal", HTTP),
            service("web", HTTP, HTTPS),
            service("web-admission", WEBHOOK, type="ClusterIP"),
            service("web-metrics", {"name": "metrics", "port": 10254}),
            service("headless", HTTP, clusterIP="None"),
            service("other", HTTP, selector={"app": "other"}),
            service("empty", HTTP, selector={}),
            service("aa-in-cluster", HTTP, type="ClusterIP"),
        ],
        {"metadata": {"name": "web"}, "spec": {"template": {"metadata": {"labels": LABELS}}}},
    )
    assert [(one.name, one.role) for one in found] == [
        ("web", "external"),
        ("aa-in-cluster", "external"),
        ("a-internal", "internal"),
    ]
    assert (found[0].ipv4, found[0].ipv6, found[0].http, found[0].https) == (
        ("198.18.0.50",),
        ("2001:2::50",),
        80,
        8443,
    )


def workload(**changes: Any) -> dict[str, Any]:
    containers = [
        {"name": "mesh", "image": "mesh:1"},
        {
            "name": "controller",
            "image": "ctl:1",
            "args": ["/nginx-ingress-controller", "--x"],
            "lifecycle": {"preStop": {"exec": {"command": ["/wait-shutdown"]}}},
        },
    ]
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "ingress", "uid": "u", "generation": 3},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": containers, "terminationGracePeriodSeconds": 300}},
        },
        "status": {"readyReplicas": 2},
        **changes,
    }


def scaler(kind: str, name: str) -> dict[str, Any]:
    target = {"kind": kind, "name": name}
    return {"metadata": {"name": "hpa"}, "spec": {"scaleTargetRef": target, "minReplicas": 2}}


def test_a_service_that_is_called_as_the_workload_is_the_release_s_first() -> None:
    internal = {"metadata": {"name": "x-internal"}, "spec": {"template": {"metadata": {"labels": LABELS}}}}
    found = service_facts([service("x-internal", HTTP), service("x-internal-internal", HTTP)], internal)
    assert [(one.name, one.role) for one in found] == [
        ("x-internal", "external"),
        ("x-internal-internal", "internal"),
    ]


def test_a_deployment() -> None:
    fact = workload_fact(
        workload(), [scaler("Deployment", "other"), scaler("Deployment", "web")], "controller"
    )
    assert (fact.replicas, fact.ready, fact.image, fact.grace) == (3, 2, "ctl:1", 300)
    assert (fact.hpa, fact.hpa_min, fact.prestop) == ("hpa", 2, ("/wait-shutdown",))
    assert fact.args == ("/nginx-ingress-controller", "--x")
    assert fact.scaled_object == ""


def test_kedas_autoscaler_belongs_to_its_scaled_object() -> None:
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web-scaled"}
    made = scaler("Deployment", "web")
    made["metadata"]["ownerReferences"] = [{"apiVersion": "x/v1", "kind": "Other", "name": "o"}, owner]
    fact = workload_fact(workload(), [made], "controller")
    assert (fact.hpa, fact.scaled_object, fact.sleeps) == ("hpa", "web-scaled", False)


@pytest.mark.parametrize(
    ("spec", "sleeps"),
    [
        ({}, True),
        ({"minReplicaCount": 0}, True),
        ({"minReplicaCount": 2}, False),
        ({"minReplicaCount": 2, "idleReplicaCount": 0}, True),
    ],
)
def test_keda_may_take_a_workload_to_no_pod(spec: dict[str, Any], sleeps: bool) -> None:
    assert workload_fact(workload(), [], "controller", {"spec": spec}).sleeps is sleeps


def test_a_daemonset_counts_by_its_own_status() -> None:
    daemon = workload(kind="DaemonSet", status={"desiredNumberScheduled": 4, "numberReady": 4})
    fact = workload_fact(daemon, [scaler("Deployment", "web")], "controller")
    assert (fact.replicas, fact.ready, fact.hpa) == (4, 4, "")


def test_defaults_of_kubernetes_where_nothing_is_written() -> None:
    bare = workload(spec={"template": {"spec": {"containers": []}}}, status={})
    fact = workload_fact(bare, [], "controller")
    assert (fact.replicas, fact.ready, fact.grace) == (1, 0, 30)


def test_the_controller_among_other_workloads() -> None:
    backend = workload(metadata={"name": "default-backend"})
    found = choose([backend, workload()], lambda one: one["metadata"]["name"] == "web")
    assert found is not None
    assert found["metadata"]["name"] == "web"
    assert choose([backend], lambda _: None) is None


def marked(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    return {"metadata": {"labels": labels or {}, "annotations": annotations or {}}}


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (marked({"app.kubernetes.io/instance": "web", "app.kubernetes.io/managed-by": "Helm"}), ""),
        (marked(annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:a/b"}), "argocd:shop"),
        (marked({"argocd.argoproj.io/instance": "shop"}), "argocd:shop"),
        (
            marked({"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "flux"}),
            "flux:flux/web",
        ),
    ],
)
def test_owners(found: dict[str, Any], wanted: str) -> None:
    assert owner([marked(), found]) == wanted


def test_a_flux_object_names_its_release() -> None:
    def release(**spec: str) -> dict[str, Any]:
        return {"metadata": {"name": "web", "namespace": "flux"}, "spec": spec}

    assert flux_release([release(targetNamespace="ingress")], "ingress-web", "ingress") == "flux:flux/web"
    assert (
        flux_release([release(releaseName="w", targetNamespace="ingress")], "w", "ingress") == "flux:flux/web"
    )
    assert flux_release([release()], "web", "flux") == "flux:flux/web"
    assert flux_release([release()], "web", "ingress") == ""


def test_the_official_controllers_objects(samples: Path) -> None:
    text = (samples / "ingress-nginx-1.15.1" / "objects.yaml").read_text()
    items = [item for document in yaml.safe_load_all(text) for item in (document or {}).get("items") or ()]
    deployment = next(item for item in items if item["kind"] == "Deployment")
    fact = workload_fact(deployment, [], "controller")
    assert (fact.replicas, fact.ready, fact.prestop, fact.grace) == (2, 2, ("/wait-shutdown",), 300)
    services = [item for item in items if item["kind"] == "Service"]
    (front,) = [one for one in service_facts(services, deployment) if one.type == "LoadBalancer"]
    assert front.addresses == ("198.18.0.50", "2001:2::50")
    assert owner(items) == ""
    text = (samples / "ingress-nginx-1.15.1" / "ingresses.yaml").read_text()
    found = [item for document in yaml.safe_load_all(text) for item in (document or {}).get("items") or ()]
    hosts = host_facts(served(found, ["nginx"], scope()))
    assert "*.wild.example.com" in {host.host for host in hosts}
    assert any(host.tls for host in hosts)
