"""The lab's own upgrade crosses 1.12: the Ingresses of its application lose nothing by it, a snippet does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from blueshift.cluster.api import KubeApi
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.discovery.seen_sides import Running
from blueshift.discovery.settings import Side
from blueshift.discovery.sides import rendered_side
from blueshift.discovery.world import Rendered
from blueshift.helm.charts import read_chart
from blueshift.lab.application import manifests
from blueshift.lab.certificates import Authority
from blueshift.lab.charts import chart
from blueshift.lab.demo.world import FROM, TO, values
from blueshift.lab.sites import sites
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Finding
from blueshift.preflight.run import run_all
from tests.crash import real_cells, stub, stub_cells
from tests.crash.cells import Cell
from tests.render.conftest import Render
from tests.unit.preflight.worlds import seen, world

PROFILE = IngressNginx()
CLASS = {"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}}
OURS = [one.id for one in CHECKS if one.run.__module__.rpartition(".")[2].startswith("nginx_")]


async def side(render: Render, version: str, given: dict[str, Any]) -> Side:
    """A side as the look makes it, out of what helm renders; nothing is asked of a cluster."""
    objects = list(render(given, version=version).values())
    kube = cast(KubeApi, None)
    return await rendered_side(kube, PROFILE, objects, "ingress", read_chart(chart(version)))


async def findings(
    render: Render, given: dict[str, Any], target: dict[str, Any], ingresses: list[Any]
) -> dict[str, list[Finding]]:
    running, then = await side(render, FROM, given), await side(render, TO, target)
    looks = seen(
        nginx_running=Running(running, f"v{running.settings.version}"),
        nginx_compared=PROFILE.compare(running, then, ingresses, [CLASS]),
    )
    now = Rendered(chart="ingress-nginx", side=running)
    found = run_all(world(findings=looks, temporary=now, harden=now, target=Rendered(side=then)), only=OURS)
    return {check: [one for one in found if one.check == check] for check in OURS}


def application(tmp_path: Path) -> list[Any]:
    made = manifests(sites(), Authority(tmp_path / "ca.pem"), image="echo:1", dual_stack=True)
    ingresses = [one for one in made if one["kind"] == "Ingress"]
    assert len(ingresses) == len(sites())
    return ingresses


async def test_the_demo_crosses_1_12_and_no_check_stops_it(render: Render, tmp_path: Path) -> None:
    given = values(dual_stack=True)
    found = await findings(render, given, given, application(tmp_path))
    assert "the target crosses 1.12" in found["nginx-crossing-1.12"][-1].sentence
    for check, seen_by in found.items():
        assert {one.outcome for one in seen_by} <= {"pass", "info"}, check


async def test_the_cells_of_the_crash_matrix_are_not_stopped_either(render: Render, tmp_path: Path) -> None:
    cell = Cell(cast(Any, None), "c001", ("one.c001.lab.test", "*.wild.c001.lab.test"))
    worlds = [
        (stub.values("c001"), stub_cells._ingresses(cell)),
        (real_cells._values("c001", dual_stack=True), application(tmp_path)),
    ]
    for given, ingresses in worlds:
        found = await findings(render, given, given, ingresses)
        assert not [one for seen_by in found.values() for one in seen_by if one.stops]


SNIPPET = {"controller": {"allowSnippetAnnotations": True}}
ALLOWED = {"controller": {"allowSnippetAnnotations": True, "config": {"annotations-risk-level": "Critical"}}}


@pytest.mark.parametrize(("target", "outcome"), [(SNIPPET, "fail"), (ALLOWED, "pass")])
async def test_a_snippet_is_refused_unless_the_target_allows_it(
    render: Render, tmp_path: Path, target: dict[str, Any], outcome: str
) -> None:
    shop = application(tmp_path)[0]
    shop["metadata"]["annotations"] = {"nginx.ingress.kubernetes.io/configuration-snippet": "return 200;"}
    found = await findings(render, SNIPPET, target, [shop])
    told = [one for one in found["nginx-crossing-1.12"] if one.outcome != "info"]
    assert [one.outcome for one in told] == [outcome]
    if outcome == "fail":
        assert told[0].stops
        assert told[0].objects == (f"{shop['metadata']['namespace']}/{shop['metadata']['name']}",)


async def test_an_empty_config_map_of_the_target_is_not_the_one_that_lives(render: Render) -> None:
    """The chart of 4.15 renders one without data where nothing is set."""
    objects = list(render({}, version=TO).values())
    for one in objects:
        if one["kind"] == "ConfigMap":
            one["data"] = None
    kube = cast(KubeApi, None)  # to ask it would be an error
    found = await rendered_side(kube, PROFILE, objects, "ingress", read_chart(chart(TO)))
    assert (found.settings.keys, found.settings.risk) == ((), "High")


@pytest.mark.parametrize(
    ("mark", "sends"),
    [
        ({"service.beta.kubernetes.io/do-loadbalancer-enable-proxy-protocol": "true"}, True),
        ({"load-balancer.hetzner.cloud/uses-proxyprotocol": "false"}, False),
        ({"x/aws-load-balancer-target-group-attributes": "a=b,proxy_protocol_v2.enabled=true"}, True),
        ({"x/aws-load-balancer-target-group-attributes": "proxy_protocol_v2.enabled=false"}, False),
        ({"x/aws-load-balancer-backend-protocol": "tcp"}, False),
    ],
)
async def test_annotations_that_ask_for_proxy_headers(
    render: Render, mark: dict[str, str], sends: bool
) -> None:
    found = await side(render, TO, {"controller": {"service": {"annotations": mark}}})
    assert bool(found.sends_proxy) is sends


async def test_what_a_chart_sets_is_what_is_in_force(render: Render) -> None:
    given = {
        "controller": {
            "metrics": {"enabled": True},
            "customTemplate": {"configMapName": "own", "configMapKey": "nginx.tmpl"},
            "service": {"annotations": {"service.beta.kubernetes.io/aws-load-balancer-proxy-protocol": "*"}},
            "config": {"use-proxy-protocol": "true", "worker-shutdown-timeout": "60s"},
            "extraArgs": {"shutdown-grace-period": "15", "enable-metrics": "true"},
            "terminationGracePeriodSeconds": 90,
        },
        "tcp": {"9000": "shop/echo:9000"},
        "udp": {"5353": "shop/dns:53"},
    }

    class Kube:
        async def find(self, path: str) -> Any:
            assert path == "/api/v1/namespaces/ingress/configmaps/own"
            return {"data": {"nginx.tmpl": "{{ range $cfg.Plugins }}"}}

    objects = list(render(given, version=TO).values())
    found = await rendered_side(cast(KubeApi, Kube()), PROFILE, objects, "ingress", read_chart(chart(TO)))
    settings = found.settings
    assert (settings.version, settings.risk, settings.strict_paths, settings.webhook) == (
        "1.12.1",
        "High",
        True,
        True,
    )
    assert (settings.grace, settings.worker_shutdown_timeout, settings.shutdown_grace) == (90, 60, 15)
    assert found.streams == {"TCP 9000": "shop/echo:9000", "UDP 5353": "shop/dns:53"}
    assert (settings.template, found.template_uses) == ("ingress/own", ("Lua plugins",))
    assert list(found.sends_proxy) == ["ingress/demo-ingress-nginx-controller"]
    assert found.chart_image == settings.image
    assert found.classes == ("nginx",)
