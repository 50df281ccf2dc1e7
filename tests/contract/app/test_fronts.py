"""Releases whose clients come in otherwise than by an external LoadBalancer: carried, or refused by one check
among all the others. Helm, the API server and the chart are real."""

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
INTERNAL = {
    "external": {"enabled": False},
    "internal": {
        "enabled": True,
        "annotations": {"external-dns.alpha.kubernetes.io/hostname": "www.shop.test"},
        "ipFamilyPolicy": "PreferDualStack",
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One for all of them: the release is upgraded to what each test asks for."""
    with server_of.running(tmp_path_factory.mktemp("fronts")) as server:
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
