"""What values do to the controller's Services."""

from __future__ import annotations

from typing import Any

import pytest

from tests.render.conftest import Objects, Render

NAME = "demo-ingress-nginx-controller"


def services(objects: Objects) -> set[str]:
    """Names of all Services."""
    return {name for kind, name in objects if kind == "Service"}


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({}, "type", "LoadBalancer"),
        ({"type": "NodePort"}, "type", "NodePort"),
        ({"externalTrafficPolicy": "Local"}, "externalTrafficPolicy", "Local"),
        ({"ipFamilyPolicy": "RequireDualStack"}, "ipFamilyPolicy", "RequireDualStack"),
        ({"ipFamilies": ["IPv6", "IPv4"]}, "ipFamilies", ["IPv6", "IPv4"]),
        ({"loadBalancerIP": "198.18.0.9"}, "loadBalancerIP", "198.18.0.9"),
        ({"loadBalancerClass": "lab.test/lb"}, "loadBalancerClass", "lab.test/lb"),
        ({"loadBalancerSourceRanges": ["198.18.0.0/15"]}, "loadBalancerSourceRanges", ["198.18.0.0/15"]),
        ({"clusterIP": "198.19.0.9"}, "clusterIP", "198.19.0.9"),
        ({"clusterIPs": ["198.19.0.9"]}, "clusterIPs", ["198.19.0.9"]),
        ({"externalIPs": ["198.18.0.8"]}, "externalIPs", ["198.18.0.8"]),
        ({"sessionAffinity": "ClientIP"}, "sessionAffinity", "ClientIP"),
        ({"healthCheckNodePort": 30999}, "healthCheckNodePort", 30999),
    ],
)
@pytest.mark.parametrize("internal", [False, True])
def test_a_value_reaches_the_service(
    render: Render, values: dict[str, Any], field: str, expected: object, internal: bool
) -> None:
    if internal:
        values = {"internal": {"enabled": True, "annotations": {"scheme": "internal"}, **values}}
    objects = render({"controller": {"service": values}})
    name = f"{NAME}-internal" if internal else NAME
    assert objects[("Service", name)]["spec"][field] == expected


def test_annotations_may_hold_templates(render: Render) -> None:
    objects = render({"controller": {"service": {"annotations": {"name": "{{ .Release.Name }}"}}}})
    assert objects[("Service", NAME)]["metadata"]["annotations"] == {"name": "demo"}


def test_node_ports(render: Render) -> None:
    service = {"type": "NodePort", "nodePorts": {"http": 30080, "https": 30443, "tcp": {"9000": 30900}}}
    objects = render({"controller": {"service": service}, "tcp": {"9000": "shop/web:80"}})
    ports = {port["name"]: port.get("nodePort") for port in objects[("Service", NAME)]["spec"]["ports"]}
    assert ports == {"http": 30080, "https": 30443, "9000-tcp": 30900}


def test_ports_can_be_closed_and_moved(render: Render) -> None:
    service = {"enableHttp": False, "ports": {"https": 8443}}
    ports = render({"controller": {"service": service}})[("Service", NAME)]["spec"]["ports"]
    assert [(port["name"], port["port"], port["targetPort"]) for port in ports] == [("https", 8443, "https")]


def test_the_service_can_be_left_out(render: Render) -> None:
    assert NAME not in services(render({"controller": {"service": {"enabled": False}}}))
    assert NAME not in services(render({"controller": {"service": {"external": {"enabled": False}}}}))


def test_an_internal_service_needs_annotations(render: Render) -> None:
    """As in the official chart."""
    assert f"{NAME}-internal" not in services(
        render({"controller": {"service": {"internal": {"enabled": True}}}})
    )


def test_the_metrics_service_comes_with_metrics(render: Render) -> None:
    assert f"{NAME}-metrics" not in services(render())
    metrics = {"enabled": True, "port": 10254, "service": {"servicePort": 9913}}
    service = render({"controller": {"metrics": metrics}})[("Service", f"{NAME}-metrics")]
    assert service["spec"]["ports"] == [
        {"name": "metrics", "port": 9913, "protocol": "TCP", "targetPort": "metrics"}
    ]
