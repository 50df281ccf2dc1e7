"""external-dns is known by its image, its flags and its TXT records."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.cluster import paths
from blueshift.cluster.errors import Forbidden
from blueshift.discovery.external_dns import covers, instances, owner_in, ownership, txt_names
from blueshift.discovery.seen import Instance
from blueshift.discovery.world import NameFact
from blueshift.dns.records import RecordSet
from tests.unit.discovery.fakes import FakeDns, FakeKube

DEPLOYMENTS = paths.apis("apps/v1", "deployments")
OWNED = '"heritage=external-dns,external-dns/owner=prod,external-dns/resource=ingress/a/b"'


def workload(image: str, *args: str, command: tuple[str, ...] = ()) -> dict[str, Any]:
    container = {"name": "x", "image": image, "args": list(args), "command": list(command)}
    return {
        "kind": "Deployment",
        "metadata": {"name": "dns", "namespace": "kube-system"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def name(text: str, state: Any = "move") -> NameFact:
    return NameFact(text, "example.test", state, (text,))


@pytest.mark.parametrize(
    ("image", "command", "is_one"),
    [
        ("registry.k8s.io/external-dns/external-dns:v0.22.0", (), True),
        ("docker.io/bitnami/external-dns@sha256:aa", (), True),
        ("registry.local/mirror:1", ("/external-dns",), True),
        ("example.test/not-external-dns-at-all:1", (), False),
        ("nginx:1", (), False),
    ],
)
def test_recognised(image: str, command: tuple[str, ...], is_one: bool) -> None:
    assert bool(instances([workload(image, command=command)])) is is_one


def test_flags() -> None:
    args = ["--source=ingress", "--source", "service", "--domain-filter=a.test", "--policy=upsert-only"]
    (found,) = instances([workload("external-dns:1", *args, "--txt-prefix=own-", "--registry=dynamodb")])
    assert found == Instance(
        "kube-system/dns",
        sources=("ingress", "service"),
        policy="upsert-only",
        registry="dynamodb",
        domains=("a.test",),
        prefix="own-",
    )


@pytest.mark.parametrize(
    ("instance", "covered"),
    [
        (Instance("x"), True),
        (Instance("x", domains=("example.test",)), True),
        (Instance("x", domains=("test",)), True),
        (Instance("x", domains=("ample.test",)), False),
        (Instance("x", domains=(".shop.example.test",)), False),
        (Instance("x", domains=("example.test",), excluded=("shop.example.test",)), False),
        (Instance("x", pattern=r"^shop\."), True),
        (Instance("x", pattern="other"), False),
        (Instance("x", pattern="(?P>broken"), True),
    ],
)
def test_covers(instance: Instance, covered: bool) -> None:
    assert covers(instance, "shop.example.test") is covered


def test_txt_names_old_new_and_as_told() -> None:
    assert txt_names("shop.example.test") == (
        "shop.example.test",
        "a-shop.example.test",
        "aaaa-shop.example.test",
    )
    told = txt_names("shop.example.test", [Instance("x", prefix="own-", suffix="-z")])
    assert "own-a-shop-z.example.test" in told
    templated = txt_names("shop.example.test", [Instance("x", prefix="%{record_type}.own.")])
    assert "aaaa.own.shop.example.test" in templated


def test_owner() -> None:
    assert owner_in(RecordSet("a", "TXT", 1, (OWNED,))) == "prod"
    assert owner_in(RecordSet("a", "TXT", 1, ('"heritage=external-dns"',))) == "?"
    assert owner_in(RecordSet("a", "TXT", 1, ('"v=spf1 -all"',))) == ""


async def test_owned_names_are_those_that_move_and_have_its_txt() -> None:
    dns = FakeDns(
        RecordSet("a-shop.example.test", "TXT", 300, (OWNED,)),
        RecordSet("a-old.example.test", "TXT", 300, (OWNED,)),
    )
    names = [name("shop.example.test"), name("blog.example.test"), name("old.example.test", "elsewhere")]
    seen = await ownership(FakeKube().api, dns, names)
    assert seen.records == {"shop.example.test": "prod"}


async def test_a_zones_apex_is_asked_within_the_zone_alone() -> None:
    dns = FakeDns(RecordSet("example.test", "TXT", 300, (OWNED,)))
    assert (await ownership(FakeKube().api, dns, [name("example.test")])).records == {"example.test": "prod"}


async def test_the_prefix_of_a_running_one_is_used() -> None:
    dns = FakeDns(RecordSet("own-a-shop.example.test", "TXT", 300, (OWNED,)))
    kube = FakeKube({DEPLOYMENTS: [workload("external-dns:1", "--txt-prefix=own-")]})
    seen = await ownership(kube.api, dns, [name("shop.example.test")])
    assert seen.records == {"shop.example.test": "prod"}
    assert [one.workload for one in seen.instances] == ["kube-system/dns"]


async def test_without_the_right_to_list_nothing_is_known() -> None:
    with pytest.raises(Forbidden):
        await ownership(FakeKube(forbidden=[DEPLOYMENTS]).api, FakeDns(), [])
