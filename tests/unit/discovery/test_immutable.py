"""What the API server lets nobody change, found in two renderings."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.immutable import immutable, readdressed
from blueshift.helm import manifests


def thing(kind: str, hook: bool = False, **fields: Any) -> dict[str, Any]:
    marks = {"annotations": {"helm.sh/hook": "pre-upgrade"}} if hook else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "web", **marks}, **fields}


def spec(kind: str, **fields: Any) -> dict[str, Any]:
    return thing(kind, spec=fields)


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        (spec("Deployment", selector={"a": 1}), spec("Deployment", selector={"a": 2}), ["spec.selector"]),
        (spec("DaemonSet", selector={"a": 1}), spec("DaemonSet", selector={"a": 2}), ["spec.selector"]),
        (spec("StatefulSet", serviceName="a"), spec("StatefulSet", serviceName="b"), ["spec.serviceName"]),
        (spec("Job", template={"a": 1}), spec("Job", template={"a": 2}), ["spec.template"]),
        (spec("IngressClass", controller="a"), spec("IngressClass", controller="b"), ["spec.controller"]),
        (spec("Service", clusterIP="1.2.3.4"), spec("Service", clusterIP="1.2.3.5"), ["spec.clusterIP"]),
        (
            spec("Service", type="LoadBalancer"),
            spec("Service", type="LoadBalancer", loadBalancerClass="x"),
            ["spec.loadBalancerClass"],
        ),
        (
            spec("PersistentVolumeClaim", volumeMode="Block"),
            spec("PersistentVolumeClaim"),
            ["spec.volumeMode"],
        ),
        (
            thing("RoleBinding", roleRef={"name": "a"}),
            thing("RoleBinding", roleRef={"name": "b"}),
            ["roleRef"],
        ),
        (thing("Secret", type="kubernetes.io/tls"), thing("Secret"), ["type"]),
        (
            thing("ConfigMap", immutable=True, data={"a": "1"}),
            thing("ConfigMap", immutable=True, data={"a": "2"}),
            ["data"],
        ),
    ],
    ids=lambda one: one["kind"] if isinstance(one, dict) else "",
)
def test_what_must_not_change(old: dict[str, Any], new: dict[str, Any], fields: list[str]) -> None:
    found = immutable([old], [new], "ns")
    assert [one.partition(": ")[2] for one in found] == fields
    assert not immutable([new], [new], "ns")
    assert not immutable([], [new], "ns")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (spec("Service", clusterIP="1.2.3.4"), spec("Service")),
        (spec("Service", clusterIP="1.2.3.4"), spec("Service", type="ExternalName")),
        (spec("StatefulSet"), spec("StatefulSet", podManagementPolicy="OrderedReady")),
        (spec("PersistentVolumeClaim"), spec("PersistentVolumeClaim", storageClassName="fast")),
        (thing("Secret"), thing("Secret", type="Opaque")),
        (thing("ConfigMap", data={"a": "1"}), thing("ConfigMap", data={"a": "2"})),
        (spec("Deployment", replicas=1), spec("Deployment", replicas=2)),
        (thing("Job", True, spec={"template": 1}), thing("Job", True, spec={"template": 2})),
    ],
)
def test_what_may_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert not immutable([old], [new], "ns")


def test_a_service_that_is_balanced_no_more_loses_its_address() -> None:
    balanced, plain = spec("Service", type="LoadBalancer"), spec("Service", type="NodePort")
    assert readdressed([balanced], [plain], "ns") == ("Service ns/web",)
    assert not readdressed([balanced], [balanced], "ns")
    assert not readdressed([plain], [balanced], "ns")


def test_what_helm_keeps_is_not_deleted() -> None:
    kept = thing("Service")
    kept["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    assert not manifests.diff([kept], [], "ns").deleted
    assert manifests.diff([thing("Service")], [], "ns").deleted
