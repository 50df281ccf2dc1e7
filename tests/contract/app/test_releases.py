"""Releases as people have them: carried, or refused by one check among all the others.

Helm, the API server and the chart are real.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract import apiserver as server_of
from tests.contract.apiserver import ApiServer
from tests.contract.app.front import VALUES, WORKLOAD, Front, helm, install
from tests.contract.dns.bind import WRITER, Bind

VERSION = "4.11.3"
INTERNAL: dict[str, Any] = {
    "external": {"enabled": False},
    "internal": {
        "enabled": True,
        "annotations": {"external-dns.alpha.kubernetes.io/hostname": "www.shop.test"},
        "ipFamilyPolicy": "PreferDualStack",
    },
}

LOAD_BALANCER = {**INTERNAL["internal"], "type": "LoadBalancer"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One for all of them: the release is upgraded to what each test asks for."""
    with server_of.running(tmp_path_factory.mktemp("releases")) as server:
        install(server, version=VERSION)
        yield server


def front(server: ApiServer, bind: Bind, folder: Path, controller: Mapping[str, Any]) -> Front:
    (folder / "update.key").write_text(WRITER)
    made = Front(server, bind, folder)
    made.settings()
    helm(server, "upgrade", VERSION, {"controller": {**VALUES["controller"], **controller}})
    return made


def test_an_internal_service_that_is_alone_is_the_one_that_names_move_by(
    server: ApiServer, bind: Bind, tmp_path: Path
) -> None:
    own = front(server, bind, tmp_path, {"service": INTERNAL})
    done = own.blueshift("check", "-o", "json")
    assert done.returncode == 0, done.stderr
    told = [one["sentence"] for one in json.loads(done.stdout) if one["check"] == "cluster-lb-address"]
    assert told[0] == f"Service front/{WORKLOAD}-internal has 192.0.2.1 and 2001:db8::1"
    plan = own.blueshift("plan", "-o", "json")
    assert plan.returncode == 0, plan.stderr
    moved = {
        change["what"]
        for step in json.loads(plan.stdout)["steps"]
        if "/shift-to-temporary/wave" in step["id"]
        for change in step["plan"]["changes"]
    }
    assert {"www.shop.test", "h1.shop.test"} < moved
    assert len(moved) == 4
    made = own.blueshift("temporary", "render").stdout
    assert "name: front-blueshift-ingress-nginx-controller-internal" in made
    assert "ipFamilyPolicy: RequireDualStack" in made
    assert "hostname: www.shop.test" not in made


def test_a_release_without_any_service_is_refused_by_a_check_and_all_others_are_shown(
    server: ApiServer, bind: Bind, tmp_path: Path
) -> None:
    own = front(server, bind, tmp_path, {"service": {"enabled": False}, "hostNetwork": True})
    done = own.blueshift("check", "-o", "json")
    assert done.returncode == 3, done.stderr
    found = json.loads(done.stdout)
    assert {one["check"] for one in found if one["stops"]} >= {"cluster-lb-address"}
    assert len({one["check"] for one in found}) > 40
    refused = own.blueshift("plan")
    assert refused.returncode == 3
    assert "no Service leads to the pods of front on ports 80 or 443" in refused.stdout + refused.stderr


PEOPLES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "an NLB that sends PROXY headers": (
        {
            "config": {"use-proxy-protocol": "true"},
            "service": {
                "ipFamilyPolicy": "PreferDualStack",
                "externalTrafficPolicy": "Local",
                "annotations": {
                    "service.beta.kubernetes.io/aws-load-balancer-type": "nlb",
                    "service.beta.kubernetes.io/aws-load-balancer-proxy-protocol": "*",
                    "service.beta.kubernetes.io/aws-load-balancer-eip-allocations": "eipalloc-1",
                },
            },
        },
        set(),
    ),
    "its nodes' ports": (
        {"hostPort": {"enabled": True}, "service": {"type": "ClusterIP"}},
        {"cluster-lb-address", "dns-hosts"},
    ),
    "numbers in quotes": (
        {
            "autoscaling": {"enabled": True, "minReplicas": "2", "maxReplicas": "6"},
            "terminationGracePeriodSeconds": "60",
            "minReadySeconds": "5",
        },
        set(),
    ),
    "an image of a company's own": (
        {
            "image": {"registry": "mirror.corp.test", "image": "platform/nginx", "tag": "1.11.3-corp2"},
            "extraVolumes": [{"name": "ca", "secret": {"secretName": "corp-ca"}}],
            "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}],
            "podAnnotations": None,
        },
        set(),
    ),
    "an internal load balancer beside a ClusterIP": (
        {"service": {"type": "ClusterIP", "internal": LOAD_BALANCER}},
        set(),
    ),
}


@pytest.mark.parametrize("name", PEOPLES)
def test_values_as_people_write_them(server: ApiServer, bind: Bind, tmp_path: Path, name: str) -> None:
    controller, stops = PEOPLES[name]
    own = front(server, bind, tmp_path, controller)
    done = own.blueshift("check", "-o", "json")
    assert done.returncode == (3 if stops else 0), done.stderr
    assert {one["check"] for one in json.loads(done.stdout) if one["stops"]} == stops
