"""An ordinary upgrade between the lab's charts, up, down or in place, is stopped by no check of Helm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from blueshift.lab.charts import VERSIONS, chart
from blueshift.lab.demo.world import values
from tests.contract import apiserver as server_of
from tests.contract.apiserver import ApiServer
from tests.contract.app.front import VALUES, Front, install
from tests.contract.dns.bind import WRITER, Bind

WEBHOOK = {"admissionWebhooks": {"enabled": True}}
DEMO = VALUES["controller"] | values(dual_stack=False)["controller"] | WEBHOOK
"""The demo's values, with all that the chart renders for them."""


@pytest.fixture(scope="module", params=VERSIONS)
def released(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A release of one version, on an API server of its own: the one that tests share has the oldest."""
    with server_of.running(tmp_path_factory.mktemp("ordinary")) as server:
        install(server, version=request.param, **DEMO)
        yield server


@pytest.mark.parametrize("target", VERSIONS)
def test_no_check_of_helm_stops_it(released: ApiServer, bind: Bind, tmp_path: Path, target: str) -> None:
    (tmp_path / "update.key").write_text(WRITER)
    front = Front(released, bind, tmp_path)
    changed = {"controller": {"replicaCount": 3, "config": {"keep-alive": "30"}}}
    front.settings(chart={"path": str(chart(target))}, values={"inline": changed})
    done = front.blueshift("check", "-o", "json")
    found = [one for one in json.loads(done.stdout) if one["area"] == "helm"]
    assert {one["check"] for one in found} >= {"helm-render", "helm-immutable-field", "helm-ssa-conflict"}
    odd = [one for one in found if one["stops"] or one["outcome"] not in ("pass", "info")]
    assert not odd, done.stderr
