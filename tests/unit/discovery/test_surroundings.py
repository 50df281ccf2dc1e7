"""The looks around the primary together: whose namespace, whose pods, which budgets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.cluster import paths
from blueshift.discovery.found import UNSEEN
from blueshift.discovery.pods import Container, Pods
from blueshift.discovery.policies import POLICIES
from blueshift.discovery.primary import Primary
from blueshift.discovery.surroundings import surroundings
from blueshift.discovery.world import Rendered
from tests.unit.discovery.fakes import FakeKube

LABELS = {"app": "nginx", "instance": "web"}
PRIMARY = cast(
    Primary,
    SimpleNamespace(
        raw={"spec": {"template": {"metadata": {"labels": LABELS}}}},
        pods=(),
        workload=SimpleNamespace(namespace="ingress", image="r/c:1"),
        release=SimpleNamespace(name="web"),
    ),
)
CONTROLLER = Pods(
    "Deployment", "tmp", "tmp", labels={"app": "nginx"}, containers=(Container("r/c:1", "Always"),)
)
BACKEND = Pods(
    "Deployment", "back", "tmp", labels={"app": "back"}, containers=(Container("r/b:1", "Always"),)
)
TEMPORARY = Rendered(pods=(CONTROLLER, BACKEND))
BUDGETS = paths.apis("policy/v1", "poddisruptionbudgets", "ingress")
QUOTAS = paths.core("resourcequotas", "tmp")


def space(name: str, **labels: str) -> dict[str, Any]:
    return {paths.core("namespaces", None, name): {"metadata": {"name": name, "uid": "u", "labels": labels}}}


async def found(objects: dict[str, Any], *forbidden: str, temporary: Rendered = TEMPORARY) -> dict[str, Any]:
    own = space("ingress", **{"istio-injection": "enabled", "team": "edge"})
    kube = FakeKube({**space("kube-system"), **own, **objects}, forbidden)
    return await surroundings(
        kube.api, PRIMARY, "tmp", temporary=temporary, harden=Rendered(), target=Rendered()
    )


async def test_a_namespace_that_a_run_makes_has_the_primarys_admission_labels_and_no_others() -> None:
    assert (await found({}))["cluster-spread"]["spaces"]["tmp"] == {
        "istio-injection": "enabled",
        "kubernetes.io/metadata.name": "tmp",
        "app.kubernetes.io/managed-by": "blueshift",
    }
    assert (await found(space("tmp", team="a")))["cluster-spread"]["spaces"]["tmp"] == {"team": "a"}


async def test_quotas_are_looked_for_where_the_namespace_exists() -> None:
    quota = {"metadata": {"name": "q", "namespace": "tmp"}, "spec": {"hard": {"pods": "1"}}}
    assert not (await found({QUOTAS: [quota]}, QUOTAS))["cluster-quota"]["quotas"]
    (seen,) = (await found({**space("tmp"), QUOTAS: [quota]}))["cluster-quota"]["quotas"]
    assert seen["left"] == {"pods": 1}
    assert UNSEEN in (await found({**space("tmp"), QUOTAS: [quota]}, QUOTAS))["cluster-quota"]


@pytest.mark.parametrize(
    ("selector", "selects"),
    [
        ({}, True),
        (None, False),
        ({"matchLabels": {"app": "nginx"}}, True),
        ({"matchLabels": {"a": "b"}}, False),
    ],
)
async def test_budgets_that_select_the_primarys_pods(selector: Any, selects: bool) -> None:
    budget = {
        "metadata": {"name": "b", "namespace": "ingress"},
        "spec": {"selector": selector, "maxUnavailable": 0},
    }
    seen = (await found({BUDGETS: [budget]}))["cluster-pdb"]["budgets"]
    assert [(one["name"], one["least"], one["most"]) for one in seen] == [("ingress/b", "", "0")] * selects


async def test_policies_are_asked_about_the_controllers_pods_and_not_about_others() -> None:
    of_back = {
        "namespaceSelector": {},
        "podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
    }
    alone = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "back"}}}
    of_primary = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"instance": "web"}}}
    for peers, number in (([of_primary, alone], 1), ([of_primary, of_back], 0)):
        spec = {"podSelector": {}, "ingress": [{"from": peers}]}
        policy = {"metadata": {"name": "p", "namespace": "shop"}, "spec": spec}
        seen = (await found({POLICIES: [policy]}))["cluster-network-policy"]
        assert len(seen["closed"]) == number


async def test_of_a_temporary_that_does_not_render_nobody_knows_who_admits_it() -> None:
    seen = await found({}, temporary=Rendered(error="boom"))
    assert "it renders none" in seen["cluster-network-policy"][UNSEEN]


async def test_signs_and_identity() -> None:
    seen = await found({})
    assert seen["cluster-mesh"]["name"] == "Istio"
    assert seen["cluster-identity"] == {"uid": "u"}
