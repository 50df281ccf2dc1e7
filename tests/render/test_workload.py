"""What values do to the controller's pods and their command line."""

from __future__ import annotations

from typing import Any

import pytest

from tests.render.conftest import Objects, Render

NAME = "demo-ingress-nginx-controller"


def workload(objects: Objects) -> dict[str, Any]:
    """The Deployment's or DaemonSet's spec."""
    found = objects.get(("Deployment", NAME)) or objects[("DaemonSet", NAME)]
    spec: dict[str, Any] = found["spec"]
    return spec


def pod(objects: Objects) -> dict[str, Any]:
    """The pod's spec."""
    spec: dict[str, Any] = workload(objects)["template"]["spec"]
    return spec


def container(objects: Objects) -> dict[str, Any]:
    """The controller's container."""
    found: dict[str, Any] = pod(objects)["containers"][0]
    return found


@pytest.mark.parametrize(
    ("values", "argument"),
    [
        ({}, "--publish-service=$(POD_NAMESPACE)/demo-ingress-nginx-controller"),
        ({"publishService": {"pathOverride": "edge/other"}}, "--publish-service=edge/other"),
        (
            {
                "service": {
                    "external": {"enabled": False},
                    "internal": {"enabled": True, "annotations": {"a": "b"}},
                }
            },
            "--publish-service=$(POD_NAMESPACE)/demo-ingress-nginx-controller-internal",
        ),
        ({}, "--election-id=demo-ingress-nginx-leader"),
        ({"electionID": "mine"}, "--election-id=mine"),
        ({"electionTTL": "10s"}, "--election-ttl=10s"),
        ({"disableLeaderElection": True}, "--disable-leader-election=true"),
        (
            {"ingressClassResource": {"controllerValue": "lab.test/other"}},
            "--controller-class=lab.test/other",
        ),
        ({"ingressClass": "old"}, "--ingress-class=old"),
        ({"ingressClassByName": True}, "--ingress-class-by-name=true"),
        ({"watchIngressWithoutClass": True}, "--watch-ingress-without-class=true"),
        ({"scope": {"enabled": True}}, "--watch-namespace=$(POD_NAMESPACE)"),
        ({"scope": {"enabled": True, "namespace": "shop"}}, "--watch-namespace=shop"),
        ({"scope": {"namespaceSelector": "team=a"}}, "--watch-namespace-selector=team=a"),
        ({"reportNodeInternalIp": True}, "--report-node-internal-ip-address=true"),
        ({"metrics": {"enabled": True}}, "--enable-metrics=true"),
        ({}, "--enable-metrics=false"),
        ({"enableAnnotationValidations": True}, "--enable-annotation-validation=true"),
        ({"admissionWebhooks": {"port": 9443}}, "--validating-webhook=:9443"),
        ({"containerPort": {"http": 8080, "https": 8443}}, "--http-port=8080"),
        ({"configMapNamespace": "conf"}, "--configmap=conf/demo-ingress-nginx-controller"),
        ({"extraArgs": {"update-status": "false"}}, "--update-status=false"),
        ({"extraArgs": {"shutdown-grace-period": 5}}, "--shutdown-grace-period=5"),
        ({"extraArgs": {"enable-ssl-passthrough": ""}}, "--enable-ssl-passthrough"),
    ],
)
def test_a_value_becomes_an_argument(render: Render, values: dict[str, Any], argument: str) -> None:
    assert argument in container(render({"controller": values}))["args"]


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"publishService": {"enabled": False}}, "--publish-service"),
        ({"admissionWebhooks": {"enabled": False}}, "--validating-webhook"),
        ({"ingressClass": ""}, "--ingress-class"),
    ],
)
def test_a_value_takes_an_argument_away(render: Render, values: dict[str, Any], flag: str) -> None:
    assert flag in {argument.partition("=")[0] for argument in container(render())["args"]}
    assert flag not in {a.partition("=")[0] for a in container(render({"controller": values}))["args"]}


def test_the_defaults_that_a_drain_rests_on(render: Render) -> None:
    objects = render()
    assert container(objects)["lifecycle"] == {"preStop": {"exec": {"command": ["/wait-shutdown"]}}}
    assert pod(objects)["terminationGracePeriodSeconds"] == 300
    assert container(objects)["readinessProbe"]["httpGet"]["port"] == 10254


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({"terminationGracePeriodSeconds": 60}, "terminationGracePeriodSeconds", 60),
        ({"hostNetwork": True}, "hostNetwork", True),
        ({"nodeSelector": {"role": "edge"}}, "nodeSelector", {"role": "edge", "kubernetes.io/os": "linux"}),
        ({"tolerations": [{"operator": "Exists"}]}, "tolerations", [{"operator": "Exists"}]),
        ({"dnsPolicy": "Default"}, "dnsPolicy", "Default"),
        ({"priorityClassName": "high"}, "priorityClassName", "high"),
        (
            {"topologySpreadConstraints": [{"labelSelector": "{{ .Release.Name }}"}]},
            "topologySpreadConstraints",
            [{"labelSelector": "demo"}],
        ),
        (
            {"affinity": {"podAntiAffinity": {"name": '{{ include "ingress-nginx.name" . }}'}}},
            "affinity",
            {"podAntiAffinity": {"name": "ingress-nginx"}},
        ),
        ({"sysctls": {"net.core.somaxconn": "8192"}}, "securityContext",
         {"sysctls": [{"name": "net.core.somaxconn", "value": "8192"}]}),
    ],
)  # fmt: skip
def test_a_value_reaches_the_pod(
    render: Render, values: dict[str, Any], field: str, expected: object
) -> None:
    assert pod(render({"controller": values}))[field] == expected


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({"lifecycle": {"preStop": {"exec": None, "sleep": {"seconds": 5}}}}, "lifecycle",
         {"preStop": {"sleep": {"seconds": 5}}}),
        ({"image": {"registry": "r.test", "tag": "v9", "digest": "sha256:0"}}, "image",
         "r.test/ingress-nginx/controller:v9@sha256:0"),
        ({"image": {"repository": "r.test/whole", "tag": "v9"}}, "image", "r.test/whole:v9"),
        ({"image": {"pullPolicy": "Never"}}, "imagePullPolicy", "Never"),
        ({"resources": {"requests": {"cpu": "1", "memory": None}}}, "resources", {"requests": {"cpu": "1"}}),
        ({"containerSecurityContext": {"runAsUser": 7}}, "securityContext", {"runAsUser": 7}),
    ],
)  # fmt: skip
def test_a_value_reaches_the_container(
    render: Render, values: dict[str, Any], field: str, expected: object
) -> None:
    assert container(render({"controller": values}))[field] == expected


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({"replicaCount": 3}, "replicas", 3),
        ({"minReadySeconds": 20}, "minReadySeconds", 20),
        ({"progressDeadlineSeconds": 90}, "progressDeadlineSeconds", 90),
        ({"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}, "strategy",
         {"rollingUpdate": {"maxUnavailable": 0}}),
    ],
)  # fmt: skip
def test_a_value_reaches_the_deployment(
    render: Render, values: dict[str, Any], field: str, expected: object
) -> None:
    assert workload(render({"controller": values}))[field] == expected


def test_revision_history_limit(render: Render) -> None:
    assert workload(render({"revisionHistoryLimit": 3}))["revisionHistoryLimit"] == 3


def test_a_daemonset_has_no_replicas_and_names_its_strategy_otherwise(render: Render) -> None:
    values = {"kind": "DaemonSet", "updateStrategy": {"type": "OnDelete"}, "replicaCount": 3}
    objects = render({"controller": values})
    assert ("Deployment", NAME) not in objects
    assert "replicas" not in workload(objects)
    assert workload(objects)["updateStrategy"] == {"type": "OnDelete"}


def test_an_autoscaler_leaves_the_replicas_alone(render: Render) -> None:
    assert "replicas" not in workload(render({"controller": {"autoscaling": {"enabled": True}}}))
    assert "replicas" not in workload(render({"controller": {"keda": {"enabled": True}}}))


def test_host_ports(render: Render) -> None:
    ports = container(render({"controller": {"hostPort": {"enabled": True, "ports": {"http": 8080}}}}))[
        "ports"
    ]
    assert {port["name"]: port.get("hostPort") for port in ports} == {
        "http": 8080,
        "https": 443,
        "webhook": None,
    }


def test_extra_environment_volumes_and_containers(render: Render) -> None:
    values = {
        "extraEnvs": [{"name": "FOO", "value": "1"}],
        "extraVolumes": [{"name": "v", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "v", "mountPath": "/v"}],
        "extraContainers": [{"name": "side"}],
        "extraInitContainers": [{"name": "before"}],
    }
    objects = render({"controller": values})
    assert {"name": "FOO", "value": "1"} in container(objects)["env"]
    assert {"name": "v", "mountPath": "/v"} in container(objects)["volumeMounts"]
    assert {"name": "v", "emptyDir": {}} in pod(objects)["volumes"]
    assert [one["name"] for one in pod(objects)["containers"]] == ["controller", "side"]
    assert pod(objects)["initContainers"] == [{"name": "before"}]


def test_a_custom_template_is_mounted_over_the_images_own(render: Render) -> None:
    values = {"customTemplate": {"configMapName": "mine", "configMapKey": "t"}}
    objects = render({"controller": values})
    mounts = {mount["name"]: mount["mountPath"] for mount in container(objects)["volumeMounts"]}
    assert mounts["nginx-template-volume"] == "/etc/nginx/template"
    volume = next(v for v in pod(objects)["volumes"] if v["name"] == "nginx-template-volume")
    assert volume["configMap"] == {"name": "mine", "items": [{"key": "t", "path": "nginx.tmpl"}]}


def test_pod_labels_and_annotations(render: Render) -> None:
    values = {"podLabels": {"a": "1"}, "podAnnotations": {"b": "2"}, "labels": {"c": "3"}}
    objects = render({"controller": values, "commonLabels": {"d": "4"}})
    template = workload(objects)["template"]["metadata"]
    assert {"a": "1", "c": "3", "d": "4"}.items() <= template["labels"].items()
    assert template["annotations"] == {"b": "2"}
    assert "d" not in workload(objects)["selector"]["matchLabels"]


def test_image_pull_secrets(render: Render) -> None:
    assert pod(render({"imagePullSecrets": [{"name": "s"}]}))["imagePullSecrets"] == [{"name": "s"}]


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_tcp_and_udp_services(render: Render, protocol: str) -> None:
    objects = render({protocol: {"9000": "shop/web:80"}})
    assert objects[("ConfigMap", f"demo-ingress-nginx-{protocol}")]["data"] == {"9000": "shop/web:80"}
    flag = f"--{protocol}-services-configmap=$(POD_NAMESPACE)/demo-ingress-nginx-{protocol}"
    assert flag in container(objects)["args"]
    opened = {"name": f"9000-{protocol}", "containerPort": 9000, "protocol": protocol.upper()}
    assert opened in container(objects)["ports"]
    service = objects[("Service", NAME)]["spec"]["ports"]
    assert {"name": f"9000-{protocol}", "port": 9000, "protocol": protocol.upper(),
            "targetPort": f"9000-{protocol}"} in service  # fmt: skip
