"""A revision before it is made, without helm: what is changed, and what stands in its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from blueshift.cluster import paths
from blueshift.cluster.errors import Conflict, Forbidden, Invalid
from blueshift.cluster.versions import Resource, Served
from blueshift.controllers.registry import load
from blueshift.discovery import apply, render
from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE
from blueshift.discovery.render import rendered
from blueshift.discovery.seen_apply import Applied, Owned
from blueshift.discovery.world import Rendered, ValueChange
from blueshift.helm import manifests
from blueshift.helm.charts import Chart
from blueshift.helm.client import Helm
from blueshift.helm.errors import ChartError
from tests.unit.discovery.fakes import FakeKube

CHART = Chart(Path("/nowhere"), "ingress-nginx", "4.12.1", "1.12.1", ">=1.28.0-0", {}, "digest")
CHANGES = (ValueChange("a.b", "unset", "1", "so that it lives"),)
CLASS = "/apis/networking.k8s.io/v1/ingressclasses/nginx"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/web"

POOL = "/apis/metallb.io/v1/ipaddresspools/web"
SERVED = Served(
    frozenset(
        (
            *("v1/Service", "v1/ConfigMap", "v1/Secret", "metallb.io/v1/IPAddressPool"),
            *("networking.k8s.io/v1/IngressClass", "rbac.authorization.k8s.io/v1/ClusterRole"),
        )
    ),
    {("metallb.io", "IPAddressPool"): Resource("ipaddresspools", namespaced=False)},
)


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


@pytest.fixture(autouse=True)
def _served(monkeypatch: pytest.MonkeyPatch) -> None:
    async def discovery(_: Any) -> Served:
        return SERVED

    monkeypatch.setattr(render, "served", discovery)


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
    assert (found.kube_version, found.source) == (">=1.28.0-0", "record")
    assert not found.collisions
    assert not found.error
    assert found.unseen == "no workload that the chart ingress-nginx renders is a controller of this kind"


async def test_a_kind_that_only_the_server_knows_to_have_no_namespace_is_found_where_it_is() -> None:
    pool = item("metallb.io/v1", "IPAddressPool", "web")
    there = FakeKube({POOL: owned("other", "b")})
    found = await run(there, new=[pool])
    assert [one.object for one in found.objects] == ["IPAddressPool web"]
    assert found.collisions == ("IPAddressPool web belongs to release b/other",)
    assert {right.namespace for right in found.rights} == {""}
    there.warns = {POOL: ("v1 is deprecated",)}
    tried = (await run(there, [pool], new=[pool])).applied
    assert tried == Applied(deprecated={"IPAddressPool web": "v1 is deprecated"})


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


WEB = "/api/v1/namespaces/tmp/services/web"
CONFLICT = {
    "details": {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "kubectl-edit" using v1',
                "field": ".spec.type",
            }
        ]
    }
}


async def test_what_the_server_says_to_a_try_is_kept() -> None:
    kube = FakeKube()
    kube.refuses = {
        WEB: Conflict("conflict", status=CONFLICT),
        CLASS: Invalid("spec.controller: field is immutable"),
    }
    kube.warns = {ROLE: ("v1 ClusterRole is deprecated", "something else")}
    old = [item("policy/v1beta1", "PodDisruptionBudget", "web")]
    found = (await run(kube, old)).applied
    assert found == Applied(
        conflicts=(Owned("Service tmp/web", ".spec.type", "kubectl-edit"),),
        refused={"IngressClass nginx": "spec.controller: field is immutable"},
        deprecated={"ClusterRole web": "v1 ClusterRole is deprecated"},
        unserved=("PodDisruptionBudget tmp/web (policy/v1beta1)",),
    )


async def test_a_conflict_with_what_helm_wrote_by_the_client_is_none() -> None:
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "helm" using v1', "field": ".a"}
    kube = FakeKube()
    kube.refuses = {WEB: Conflict("conflict", status={"details": {"causes": [cause]}})}
    kube.warns = {WEB: ("v1 is deprecated",)}
    assert (await run(kube, [NEW[0]])).applied == Applied(deprecated={"Service tmp/web": "v1 is deprecated"})


async def test_the_servers_words_about_a_secret_are_not_kept() -> None:
    secret = item("v1", "Secret", "web", data={"key": "c2VjcmV0"})
    kube = FakeKube()
    status = {"details": {"causes": [{"field": "data[key]", "message": "secret"}]}}
    kube.refuses = {"/api/v1/namespaces/tmp/secrets/web": Invalid("the value secret is bad", status=status)}
    found = await apply.applied(kube.api, SERVED, ("tmp", "tmp"), [], [secret])
    assert found == Applied(refused={"Secret tmp/web": "invalid: data[key]"})


async def test_what_may_not_be_tried_is_told_and_an_install_is_not_tried() -> None:
    kube = FakeKube()
    kube.refuses = {WEB: Forbidden("not yours")}
    assert (await run(kube, [NEW[0]])).applied == Applied(untried={"Service tmp/web": "not yours"})
    assert (await run(kube)).applied is None


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
