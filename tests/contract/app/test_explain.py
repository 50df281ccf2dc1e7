"""`explain` on a real API server: a file against what is live, and values against the running ones."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from tests.contract.app.front import NAMESPACE, VALUES, Front

CONFIG = "front-ingress-nginx-controller"


def said(front: Front, *arguments: str) -> dict[str, Any]:
    front.settings()
    done = front.blueshift("explain", *arguments, "-o", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def effects(found: dict[str, Any]) -> dict[str, str]:
    return {change["object"]: change["effect"] for change in found["changes"]}


def values(**controller: Any) -> dict[str, Any]:
    """The running ones with some of the controller's changed."""
    given: dict[str, Any] = copy.deepcopy(VALUES)
    given["controller"] |= controller
    return given


@pytest.mark.parametrize(
    ("controller", "expected"),
    [
        ({}, {}),
        ({"config": {"keep-alive": "60"}}, {f"ConfigMap front/{CONFIG}": "reload"}),
        ({"config": {"keep-alive": "75"}}, {f"ConfigMap front/{CONFIG}": "nothing"}),
        ({"extraEnvs": [{"name": "A", "value": "b"}]}, {f"Deployment front/{CONFIG}": "new pods"}),
        ({"extraArgs": {"v": "3"}}, {f"Deployment front/{CONFIG}": "new pods"}),
        ({"resources": {"requests": {"cpu": "1"}}}, {f"Deployment front/{CONFIG}": "new pods"}),
        ({"terminationGracePeriodSeconds": 600}, {f"Deployment front/{CONFIG}": "new pods"}),
        ({"minReadySeconds": 7}, {f"Deployment front/{CONFIG}": "nothing"}),
        (
            {"service": {"ipFamilyPolicy": "PreferDualStack", "annotations": {"a": "b"}}},
            {f"Service front/{CONFIG}": "nothing"},
        ),
    ],
)
async def test_values(front: Front, controller: dict[str, Any], expected: dict[str, str]) -> None:
    before = await front.state()
    (front.folder / "new.yaml").write_text(json.dumps(values(**controller)))
    found = said(front, "--values", "new.yaml")
    assert effects(found) == expected, found
    assert found["version"] == "1.11.3"
    assert await front.state() == before


async def test_a_file_against_what_is_live(front: Front) -> None:
    """As it is there with all that the API server added: only what the file changes counts."""
    kube = await KubeApi.connect(SystemClock(), kubeconfig=front.server.kubeconfig)
    try:
        live = (await kube.list(paths.apis("networking.k8s.io/v1", "ingresses")))[0]
        config = await kube.get(paths.core("configmaps", NAMESPACE, CONFIG))
        workload = await kube.get(paths.apis("apps/v1", "deployments", NAMESPACE, CONFIG))
    finally:
        await kube.close()
    name = f"Ingress {live['metadata']['namespace']}/{live['metadata']['name']}"
    metadata = {key: live["metadata"][key] for key in ("name", "namespace")}
    ingress = {
        "apiVersion": live["apiVersion"],
        "kind": "Ingress",
        "metadata": metadata,
        "spec": live["spec"],
    }
    template = workload["spec"]["template"]["spec"]
    bare = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": CONFIG, "namespace": NAMESPACE},
        "spec": {
            "template": {
                "spec": {"containers": [{"name": "controller", "image": template["containers"][0]["image"]}]}
            }
        },
    }
    file = front.folder / "change.yaml"
    file.write_text("\n---\n".join(json.dumps(one) for one in (ingress, bare)))
    assert effects(said(front, "-f", "change.yaml")) == {}
    ingress["metadata"] = metadata | {"annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "3m"}}
    bare["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.lab.test/other:1"  # type: ignore[index]
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG, "namespace": NAMESPACE},
        "data": {"keep-alive": "60"},
    }
    file.write_text("\n---\n".join(json.dumps(one) for one in (ingress, bare, settings)))
    found = said(front, "-f", "change.yaml")
    assert effects(found) == {
        name: "reload",
        f"Deployment front/{CONFIG}": "new pods",
        f"ConfigMap front/{CONFIG}": "reload",
    }
    assert found["effect"] == "new pods"
    assert found["assumed"] == []
    assert config["data"].get("keep-alive") is None
    assert effects(said(front, "-f", "change.yaml", "--delete"))[name] == "reload"


def test_an_object_without_a_namespace_is_in_the_one_that_is_given(front: Front) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "b"}}
    (front.folder / "change.yaml").write_text(json.dumps(secret))
    assert effects(said(front, "-f", "change.yaml", "-n", NAMESPACE)) == {f"Secret {NAMESPACE}/x": "nothing"}
