"""Where a run sees the addresses of its sides."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.cluster import paths
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.discovery.world import Role, ServiceFact
from blueshift.steps.witness import Whereabouts, Witness
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock

LABELS = {"app": "web"}
IMAGE = "registry.k8s.io/ingress-nginx/controller:v1.15.1"


def service(name: str, kind: str, address: str = "") -> dict[str, Any]:
    points = [{"ip": address}] if address else []
    return {
        "metadata": {"name": name, "namespace": "t"},
        "spec": {"type": kind, "selector": LABELS},
        "status": {"loadBalancer": {"ingress": points}},
    }


def workload() -> dict[str, Any]:
    container = {"name": "controller", "image": IMAGE, "args": ["/nginx-ingress-controller"]}
    return {
        "metadata": {"name": "t", "annotations": {"meta.helm.sh/release-name": "t"}},
        "spec": {"template": {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}},
    }


@pytest.mark.parametrize(("role", "address"), [("external", "192.0.2.7"), ("internal", "10.0.0.7")])
async def test_the_temporary_is_reached_by_the_service_that_is_as_the_primarys(
    role: Role, address: str
) -> None:
    kube = FakeKube()
    kube.objects[paths.apis("apps/v1", "deployments", "t", "t")] = workload()
    for one in (
        service("t-controller", "LoadBalancer", "192.0.2.7"),
        service("t-controller-internal", "LoadBalancer", "10.0.0.7"),
        service("t-controller-metrics", "ClusterIP"),
    ):
        kube.objects[paths.core("services", "t", one["metadata"]["name"])] = one
    front = ServiceFact(f"web-{role}", "web", "uid", role, "LoadBalancer", ("192.0.2.1",))
    where = Whereabouts("web", cast(Any, SimpleNamespace()), ("t", "t"), front)
    witness = Witness(cast(Any, kube), IngressNginx(), ManualClock(), where)
    assert (await witness.addresses("temporary")).addresses == (address,)
