"""Who else serves the primary's Ingresses, out of workloads, classes and flags."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift.cluster.errors import Forbidden
from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE
from blueshift.discovery.classes import sharing
from blueshift.discovery.controllers import controllers
from blueshift.discovery.ingresses import classes_of, served
from blueshift.discovery.primary import Primary
from blueshift.discovery.seen_classes import Other, Sharing
from tests.unit.discovery.fakes import FakeKube
from tests.unit.discovery.test_objects import ingress

NGINX = "k8s.io/ingress-nginx"
DEPLOYMENTS, DAEMONS = "/apis/apps/v1/deployments", "/apis/apps/v1/daemonsets"
CLASS_LIST = "/apis/networking.k8s.io/v1/ingressclasses"
INGRESS_LIST = "/apis/networking.k8s.io/v1/ingresses"
CLASSES = (
    {"metadata": {"name": "public"}, "spec": {"controller": NGINX}},
    {"metadata": {"name": "inside"}, "spec": {"controller": "example.com/inside"}},
)
INGRESSES = (
    ingress("named", "a.test", ingressClassName="public"),
    ingress("noted", "b.test", annotations={"kubernetes.io/ingress.class": "nginx"}),
    ingress("bare", "c.test"),
    ingress("inside", "d.test", ingressClassName="inside"),
)
TEMPORARY = ("web-blue", "web-blue")


def flags(**changes: Any) -> SimpleNamespace:
    base = {"controller": NGINX, "ingress_class": "nginx", "watches": ""}
    return SimpleNamespace(**{**base, "classless": False, "class_by_name": False, **changes})


def workload(name: str, release: str = "", **spec: Any) -> dict[str, Any]:
    marks = {RELEASE_NAME: release, RELEASE_NAMESPACE: release} if release else {}
    return {
        "metadata": {"name": name, "namespace": name, "uid": name, "annotations": marks},
        "spec": spec,
    }


async def look(
    other: SimpleNamespace, *, mine: SimpleNamespace | None = None, release: str = "two", **spec: Any
) -> Sharing:
    own: Any = mine or flags()
    primary = SimpleNamespace(
        settings=own,
        release=SimpleNamespace(name="web", namespace="web"),
        workload=SimpleNamespace(uid="web"),
        ingress_classes=CLASSES,
        served=served(INGRESSES, classes_of(CLASSES, own.controller), own),
    )
    others = [workload("web"), workload("two", release, **spec), workload("app")]
    known = SimpleNamespace(settings=lambda _workload, _config: other)

    def recognise(found: Any) -> Any:
        return None if found["metadata"]["name"] == "app" else known

    kube = FakeKube({DEPLOYMENTS: others, CLASS_LIST: CLASSES, INGRESS_LIST: INGRESSES})
    seen = await controllers(kube.api, recognise)
    return sharing(cast(Primary, primary), seen, TEMPORARY)


async def test_the_same_controller_serves_the_same_ingresses() -> None:
    (found,) = (await look(flags())).others
    assert found == Other(
        "Deployment two/two",
        "two/two",
        ("class public", "annotation kubernetes.io/ingress.class: nginx"),
        ("shop/named", "shop/noted"),
    )


APART = {
    "another class": flags(controller="example.com/inside", ingress_class="inside"),
    "another namespace": flags(watches="two"),
}


@pytest.mark.parametrize("other", APART.values(), ids=APART)
async def test_what_is_apart_shares_nothing(other: SimpleNamespace) -> None:
    assert await look(other, mine=flags(watches="shop")) == Sharing(1)


async def test_the_default_of_the_old_annotation_is_shared_between_two_classes() -> None:
    """`--controller-class` alone does not part them: `--ingress-class` is nginx in both."""
    (found,) = (await look(flags(controller="example.com/inside"))).others
    assert found.marks == ("annotation kubernetes.io/ingress.class: nginx",)
    assert found.ingresses == ("shop/noted",)


async def test_both_serve_ingresses_without_a_class() -> None:
    other = flags(controller="example.com/inside", ingress_class="inside", classless=True)
    (found,) = (await look(other, mine=flags(classless=True))).others
    assert found.ingresses == ("shop/bare",)
    assert not (await look(other)).others


async def test_a_class_by_name_is_served_without_its_controller() -> None:
    other = flags(controller="example.com/x", ingress_class="public", class_by_name=True)
    (found,) = (await look(other)).others
    assert (found.marks, found.ingresses) == (("class public",), ("shop/named",))


async def test_a_namespace_within_all_overlaps() -> None:
    (found,) = (await look(flags(watches="two"))).others
    assert found.ingresses == ()


async def test_the_temporary_and_the_idle_are_told_apart() -> None:
    (found,) = (await look(flags(), release="web-blue")).others
    assert (found.temporary, found.idle) == (True, False)
    (found,) = (await look(flags(), replicas=0)).others
    assert (found.temporary, found.idle) == (False, True)


async def test_workloads_of_the_primarys_own_release_are_the_primary() -> None:
    assert await look(flags(), release="web") == Sharing(0)


async def test_without_the_right_nothing_is_said() -> None:
    kube = FakeKube(forbidden=[DAEMONS])
    with pytest.raises(Forbidden):
        await controllers(kube.api, lambda _: None)


async def test_services_are_a_right_that_is_not_needed() -> None:
    kube = FakeKube({DEPLOYMENTS: [workload("two")]}, forbidden=["/api/v1/services"])
    known = SimpleNamespace(settings=lambda _workload, _config: flags())
    seen = await controllers(kube.api, lambda _: cast(Any, known))
    assert (len(seen.found), seen.unseen) == (1, "not yours")
