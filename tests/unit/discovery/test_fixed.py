"""What one release alone can have, found in rendered objects."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.fixed import fixed


def service(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "web", "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def pods(kind: str = "Deployment", annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"annotations": annotations}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": "web"},
        "spec": {"template": template},
    }


PORT = {"name": "proxy", "ports": [{"containerPort": 80, "hostPort": 8080}]}


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (service(loadBalancerIP="192.0.2.1"), "Service t/web: loadBalancerIP 192.0.2.1"),
        (service(clusterIP="10.0.0.9"), "Service t/web: clusterIP 10.0.0.9"),
        (service(clusterIPs=["10.0.0.9", "fd00::9"]), "Service t/web: clusterIPs 10.0.0.9, fd00::9"),
        (service(externalIPs=["192.0.2.2"]), "Service t/web: externalIPs 192.0.2.2"),
        (service(healthCheckNodePort=30001), "Service t/web: healthCheckNodePort 30001"),
        (service(ports=[{"port": 80, "nodePort": 30080}]), "Service t/web: nodePort 30080"),
        (
            service({"external-dns.alpha.kubernetes.io/hostname": "a.example"}),
            "annotation external-dns.alpha.kubernetes.io/hostname: external-dns would publish",
        ),
        (
            service({"service.beta.kubernetes.io/aws-load-balancer-eip-allocations": "eipalloc-1"}),
            "aws-load-balancer-eip-allocations: it claims an address that the primary holds",
        ),
        (pods(hostNetwork=True), "Deployment t/web: hostNetwork"),
        (pods("DaemonSet", containers=[PORT]), "DaemonSet t/web: hostPort 8080 of container proxy"),
        (pods(initContainers=[PORT]), "hostPort 8080"),
        (pods(annotations={"external-dns.alpha.kubernetes.io/hostname": "a.example"}), "external-dns would"),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [PORT]}},
            "Pod t/p: hostPort 8080",
        ),
    ],
)
def test_what_is_asked_for_is_named(item: dict[str, Any], said: str) -> None:
    (found,) = fixed([item], "t")
    assert said in found


@pytest.mark.parametrize(
    "item",
    [
        service(clusterIP="None", clusterIPs=["None"]),
        service(clusterIP="", loadBalancerIP="", externalIPs=[], healthCheckNodePort=0),
        service(ports=[{"port": 80, "nodePort": None}], type="LoadBalancer"),
        service({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}),
        pods(containers=[{"name": "c", "ports": [{"containerPort": 80}]}], hostNetwork=False),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"clusterIP": "x"}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "empty"}},
    ],
)
def test_what_anybody_can_have_is_not(item: dict[str, Any]) -> None:
    assert fixed([item], "t") == ()
