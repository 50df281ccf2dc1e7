"""Traffic groups out of plain objects: who takes what, under which name, and by what a change is seen."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from blueshift.cluster import paths
from blueshift.discovery.controllers import controllers
from blueshift.discovery.groups import groups
from blueshift.discovery.ingresses import no_aliases
from blueshift.discovery.raw import Raw
from blueshift.discovery.seen_groups import Group, Groups, changes
from blueshift.playbook.config import Release
from tests.unit.discovery.fakes import FakeKube
from tests.unit.discovery.test_classes import (
    CLASSES,
    DAEMONS,
    DEPLOYMENTS,
    INGRESSES,
    flags,
    workload,
)
from tests.unit.discovery.test_objects import HTTP, service

INSIDE = "example.com/inside"
SERVICES = paths.core("services")
REVISION = {"metadata": {"labels": {"owner": "helm", "name": "web", "version": "4", "status": "deployed"}}}
FLAGS = {
    "web": flags(version="1.11.3", classless=True),
    "in": flags(version="1.12.1", controller=INSIDE, ingress_class="in", watches=""),
}


def pods(found: dict[str, Any], **labels: str) -> dict[str, Any]:
    spec = {
        **found["spec"],
        "replicas": 2,
        "template": {"metadata": {"labels": {"app": found["metadata"]["name"]}}},
    }
    return {**found, "metadata": {**found["metadata"], "labels": labels}, "spec": spec}


def front(name: str, address: str) -> dict[str, Any]:
    found = service(name, HTTP, selector={"app": name})
    found["metadata"]["namespace"] = name
    found["status"] = {"loadBalancer": {"ingress": [{"ip": address}]}}
    return found


def cluster() -> dict[str, Any]:
    return {
        DEPLOYMENTS: [pods(workload("web", "web")), pods(workload("in", "in")), workload("app")],
        DAEMONS: [],
        SERVICES: [front("web", "192.0.2.1"), front("in", "192.0.2.2")],
        paths.apis("networking.k8s.io/v1", "ingressclasses"): list(CLASSES),
        paths.apis("networking.k8s.io/v1", "ingresses"): list(INGRESSES),
        paths.core("secrets", "web"): [REVISION],
    }


def knows(found: Raw) -> Any:
    of = FLAGS.get(found["metadata"]["name"])
    if of is None:
        return None
    return SimpleNamespace(name="ingress-nginx", settings=lambda *_: of, aliases=no_aliases)


async def look(objects: dict[str, Any], forbidden: tuple[str, ...] = (), **names: Release) -> Groups:
    kube = FakeKube(objects, forbidden=forbidden)
    return await groups(kube.api, await controllers(kube.api, knows), names)


def by_release(seen: Groups) -> dict[str, Group]:
    return {one.release: one for one in seen.groups}


async def test_a_group_is_a_class_with_its_release_hosts_and_addresses() -> None:
    found = by_release(await look(cluster()))
    web, inside = found["web/web"], found["in/in"]
    assert (web.name, web.classes, web.addresses) == ("public", ("public",), ("192.0.2.1",))
    assert web.hosts == ("a.test", "b.test", "c.test")
    assert (web.unclassed, web.noted) == (("shop/bare",), ("shop/noted",))
    assert (inside.name, inside.hosts, inside.addresses) == ("inside", ("d.test",), ("192.0.2.2",))
    assert (web.revision, inside.revision) == (4, None)
    assert sorted(web.digests) == ["Deployment web/web", "IngressClass public", "Service web/web"]


async def test_a_class_of_nobody_who_is_known_is_told() -> None:
    objects = cluster()
    path = paths.apis("networking.k8s.io/v1", "ingressclasses")
    objects[path].append({"metadata": {"name": "alb"}, "spec": {"controller": "ingress.k8s.aws/alb"}})
    assert (await look(objects)).unserved == {"alb": "ingress.k8s.aws/alb"}


async def test_settings_name_groups() -> None:
    found = by_release(await look(cluster(), front=Release("web", "web")))
    assert [(one.name, one.named) for one in found.values()] == [("front", True), ("inside", False)]


async def test_both_kinds_of_one_release_are_one_group() -> None:
    objects = cluster()
    objects[DAEMONS] = [pods(workload("in", "web"))]
    found = by_release(await look(objects))
    assert found["web/web"].workloads == ("Deployment web/web", "DaemonSet in/in")
    assert found["web/web"].classes == ("inside", "public")


async def test_a_workload_that_no_helm_made_is_a_group_as_well() -> None:
    objects = cluster()
    objects[DEPLOYMENTS] = [pods(workload("web"))]
    (only,) = (await look(objects)).groups
    assert (only.release, only.who, only.revision) == ("", "public (Deployment web/web)", None)


async def test_a_temporary_release_is_known_by_its_run() -> None:
    objects = cluster()
    objects[DEPLOYMENTS][1] = pods(workload("in", "in"), **{"blueshift.dev/run": "1129-0300-abcd"})
    seen = await look(objects)
    assert by_release(seen)["in/in"].run == "1129-0300-abcd"
    assert [one.release for one in seen.others("x/x")] == ["web/web"]


async def test_what_may_not_be_read_is_not_known_and_hides_nothing_else() -> None:
    seen = await look(cluster(), forbidden=(SERVICES, paths.core("secrets", "web")))
    assert seen.unseen == "not yours"
    assert [(one.revision, one.addresses) for one in seen.groups] == [(None, ()), (None, ())]
    assert len(by_release(seen)["web/web"].hosts) == 3


async def change(objects: dict[str, Any]) -> list[str]:
    before, now = by_release(await look(cluster())), by_release(await look(objects))
    return list(changes(before["web/web"], now.get("web/web")))


async def test_replicas_are_an_autoscalers_and_no_change() -> None:
    objects = cluster()
    objects[DEPLOYMENTS][0]["spec"]["replicas"] = 9
    objects[DEPLOYMENTS][0]["metadata"]["generation"] = 12
    assert await change(objects) == []


def _image(objects: dict[str, Any]) -> None:
    objects[DEPLOYMENTS][0]["spec"]["template"]["spec"] = {"containers": [{"image": "b"}]}


def _address(objects: dict[str, Any]) -> None:
    objects[SERVICES][0]["status"]["loadBalancer"]["ingress"] = [{"ip": "192.0.2.9"}]


def _class(objects: dict[str, Any]) -> None:
    path = paths.apis("networking.k8s.io/v1", "ingressclasses")
    objects[path] = copy.deepcopy(objects[path])
    objects[path][0]["spec"]["parameters"] = {"name": "x"}


def _revision(objects: dict[str, Any]) -> None:
    labels = {**REVISION["metadata"]["labels"], "version": "5"}
    objects[paths.core("secrets", "web")] = [{"metadata": {"labels": labels}}]


def _service(objects: dict[str, Any]) -> None:
    del objects[SERVICES][0]


def _gone(objects: dict[str, Any]) -> None:
    del objects[DEPLOYMENTS][0]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_image, ["Deployment web/web is another"]),
        (_address, ["Service web/web is another"]),
        (_class, ["IngressClass public is another"]),
        (_revision, ["revision 4 → 5"]),
        (_service, ["Service web/web is gone"]),
        (_gone, ["it is gone"]),
    ],
)
async def test_a_change_of_another_group_is_seen(spoil: Any, says: list[str]) -> None:
    objects = cluster()
    spoil(objects)
    assert await change(objects) == says
