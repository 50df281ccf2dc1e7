"""A revision before it is made, without helm: what is changed, and what stands in its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from blueshift.cluster import paths
from blueshift.controllers.registry import load
from blueshift.discovery.render import RELEASE_NAME, RELEASE_NAMESPACE, rendered
from blueshift.discovery.world import Rendered, ValueChange
from blueshift.helm import manifests
from blueshift.helm.charts import Chart
from blueshift.helm.client import Helm
from blueshift.helm.errors import ChartError
from tests.unit.discovery.fakes import FakeKube

CHART = Chart(Path("/nowhere"), "ingress-nginx", "4.12.1", "1.12.1", "", {}, "digest")
CHANGES = (ValueChange("a.b", "unset", "1", "so that it lives"),)
CLASS = "/apis/networking.k8s.io/v1/ingressclasses/nginx"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/web"


def item(api: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **more}


NEW = [
    item("networking.k8s.io/v1", "IngressClass", "nginx"),
    item("rbac.authorization.k8s.io/v1", "ClusterRole", "web"),
    item("v1", "Service", "web", spec={"type": "LoadBalancer"}),
]


def owned(release: str, namespace: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {RELEASE_NAME: release, RELEASE_NAMESPACE: namespace}}}


class FakeHelm:
    def __init__(self, error: Exception | None = None, objects: list[dict[str, Any]] = NEW) -> None:
        self.error = error
        self.objects = objects

    async def render(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        if self.error:
            raise self.error
        return self.objects


async def run(
    kube: FakeKube,
    old: list[dict[str, Any]] | None = None,
    error: Exception | None = None,
    new: list[dict[str, Any]] = NEW,
) -> Rendered:
    helm = cast(Helm, FakeHelm(error, new))
    return await rendered(
        helm, kube.api, load("ingress-nginx"), ("tmp", "tmp"), CHART, {"x": 1}, changes=CHANGES, old=old or []
    )


async def test_an_install_creates_everything_and_names_why_values_differ() -> None:
    found = await run(FakeKube())
    assert [(one.action, one.object) for one in found.objects] == [
        ("create", "ClusterRole web"),
        ("create", "IngressClass nginx"),
        ("create", "Service tmp/web"),
    ]
    assert found.values == CHANGES
    assert (found.chart, found.chart_version, found.app_version) == ("ingress-nginx", "4.12.1", "1.12.1")
    assert not found.collisions
    assert not found.error
    assert found.unseen == "no workload that the chart ingress-nginx renders is a controller of this kind"


async def test_an_upgrade_shows_what_goes_comes_and_changes() -> None:
    old = [
        item("v1", "Service", "web", spec={"type": "NodePort"}),
        item("v1", "ConfigMap", "gone"),
        NEW[1],
    ]
    found = await run(FakeKube(), old)
    assert [(one.action, one.object) for one in found.objects] == [
        ("delete", "ConfigMap tmp/gone"),
        ("create", "IngressClass nginx"),
        ("change", "Service tmp/web"),
    ]
    assert "+  type: LoadBalancer" in found.objects[2].difference


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({CLASS: owned("web", "ingress")}, ("IngressClass nginx belongs to release ingress/web",)),
        ({CLASS: {"metadata": {}}}, ("IngressClass nginx exists and belongs to no Helm release",)),
        ({CLASS: owned("tmp", "tmp")}, ()),
        ({ROLE: owned("tmp", "elsewhere")}, ("ClusterRole web belongs to release elsewhere/tmp",)),
    ],
)
async def test_what_is_anothers_is_a_collision(there: dict[str, Any], said: tuple[str, ...]) -> None:
    assert (await run(FakeKube(there))).collisions == said


async def test_what_the_release_has_already_is_none() -> None:
    assert not (await run(FakeKube({CLASS: owned("web", "ingress")}), [NEW[0]])).collisions


async def test_a_hook_that_an_install_would_make_over_anothers_object_is_a_collision() -> None:
    hook = {**NEW[1], "metadata": {"name": "web", "annotations": {"helm.sh/hook": "pre-install"}}}
    there = FakeKube({ROLE: owned("web", "ingress")})
    assert (await run(there, new=[hook])).collisions == ("ClusterRole web belongs to release ingress/web",)


async def test_an_install_tells_what_it_asks_for_and_an_upgrade_has_it_already() -> None:
    service = item("v1", "Service", "web", spec={"loadBalancerIP": "192.0.2.1"})
    assert (await run(FakeKube(), new=[service])).fixed == ("Service tmp/web: loadBalancerIP 192.0.2.1",)
    assert not (await run(FakeKube(), [NEW[0]], new=[service])).fixed


async def test_what_may_not_be_looked_at_is_no_pass() -> None:
    (said,) = (await run(FakeKube(forbidden=[CLASS]))).collisions
    assert said == "IngressClass nginx may exist: this user may not look at it"


async def test_a_release_of_the_name_is_a_collision_for_an_install_alone() -> None:
    labels = {"owner": "helm", "name": "tmp", "version": "1", "status": "failed"}
    secrets = {paths.core("secrets", "tmp"): [{"metadata": {"namespace": "tmp", "labels": labels}}]}
    assert (await run(FakeKube(secrets))).collisions == ("release tmp/tmp exists (failed)",)
    assert not (await run(FakeKube(secrets), [*NEW])).collisions


async def test_a_chart_that_does_not_render_is_told_and_not_raised() -> None:
    found = await run(FakeKube(), error=ChartError("values.yaml: boom", place="helm template tmp"))
    assert found.error == "helm template tmp: values.yaml: boom"
    assert found.chart_version == "4.12.1"


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("IngressClass", "ingressclasses"),
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("Endpoints", "endpoints"),
        ("Deployment", "deployments"),
    ],
)
def test_resources_of_kinds(kind: str, resource: str) -> None:
    assert manifests.plural(kind) == resource
