"""What `blueshift groups` shows: traffic as far as it is known, findings, and the lines for the settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from blueshift.app import groups as shows
from blueshift.app.groups import Overview, lines, overview
from blueshift.cluster import paths
from blueshift.discovery.ingresses import no_aliases
from blueshift.discovery.raw import Raw
from blueshift.discovery.settings import Settings
from blueshift.dns.registry import settings_type
from blueshift.playbook.config import Release
from blueshift.playbook.groups import load
from blueshift.traffic.metrics import MetricNames
from tests.fakes import ManualClock
from tests.unit.discovery.fakes import FakeKube
from tests.unit.discovery.test_classes import DEPLOYMENTS, workload
from tests.unit.discovery.test_groups import cluster, pods
from tests.unit.preflight.worlds import GROUP, INSIDE, but

CLOCK = ManualClock()
TOP = """chart: {repo: https://charts.test, name: ingress-nginx, version: 4.12.1}
dns:
  settings: {server: ns1.test, key: {file: shared.key}}
"""
SETTINGS = {
    "web": Settings(version="1.11.3", controller="k8s.io/ingress-nginx", ingress_class="nginx"),
    "in": Settings(version="1.12.1", controller="example.com/inside", ingress_class="in"),
}


def container(name: str, since: str) -> dict[str, Any]:
    return {"name": name, "ready": True, "state": {"running": {"startedAt": since}}}


def pod(name: str, age: float, count: int) -> tuple[dict[str, Any], tuple[str, bytes]]:
    since = (CLOCK.utc() - timedelta(seconds=age)).isoformat()
    found = {
        "metadata": {"name": name, "namespace": name},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [container("controller", since)],
        },
    }
    text = f'nginx_ingress_controller_requests{{host="{name}.test",status="200"}} {count}\n'.encode()
    return found, (paths.core("pods", name, f"{name}:10254", "proxy") + "/metrics", text)


def measured() -> dict[str, Any]:
    objects = cluster()
    for item in objects[DEPLOYMENTS]:
        item["spec"]["selector"] = {"matchLabels": {"app": item["metadata"]["name"]}}
    for name, age, count in (("web", 100.0, 900), ("in", 1000.0, 1000)):
        found, (path, text) = pod(name, age, count)
        objects[paths.core("pods", name)] = [found]
        objects[path] = text
    return objects


async def look(
    monkeypatch: pytest.MonkeyPatch,
    objects: dict[str, Any],
    forbidden: tuple[str, ...] = (),
    **names: Release,
) -> Overview:
    def known(found: Raw) -> Any:
        of = SETTINGS.get(found["metadata"]["name"])
        if of is None:
            return None
        return SimpleNamespace(
            name="ingress-nginx",
            settings=lambda *_: of,
            aliases=no_aliases,
            metrics=MetricNames(),
            container_name=lambda _: "controller",
        )

    monkeypatch.setattr(shows, "known", known)
    return await overview(FakeKube(objects, forbidden=forbidden).api, CLOCK, names)


async def test_traffic_is_a_rate_over_the_life_of_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    """By counts alone the old pods of `in` would have the greater share."""
    found = {one.release: one for one in (await look(monkeypatch, measured())).groups}
    assert (found["web/web"].requests_per_second, found["web/web"].share) == (9.0, 0.9)
    assert (found["in/in"].requests_per_second, found["in/in"].share) == (1.0, 0.1)
    assert found["web/web"].by_host == {"web.test": 9.0}


async def test_a_sidecar_that_was_started_anew_makes_no_rate_greater(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = measured()
    statuses = objects[paths.core("pods", "in")][0]["status"]["containerStatuses"]
    statuses.append(container("proxy", (CLOCK.utc() - timedelta(seconds=5)).isoformat()))
    found = {one.release: one for one in (await look(monkeypatch, objects)).groups}
    assert found["in/in"].requests_per_second == 1.0
    del statuses[0]
    found = {one.release: one for one in (await look(monkeypatch, objects)).groups}
    assert found["in/in"].unmeasured == "pod in does not tell since when its controller runs"


async def test_a_share_of_what_is_not_known_in_all_is_no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await look(monkeypatch, measured(), forbidden=(paths.core("pods", "in"),))
    found = {one.release: one for one in seen.groups}
    assert (found["web/web"].requests_per_second, found["web/web"].share) == (9.0, None)
    assert (found["in/in"].requests_per_second, found["in/in"].unmeasured) == (None, "not yours")


async def test_leaks_are_told_as_the_check_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = measured()
    assert (await look(monkeypatch, objects)).findings == ()
    objects[paths.core("services")][1]["status"]["loadBalancer"]["ingress"] = [{"ip": "192.0.2.1"}]
    (leak,) = (await look(monkeypatch, objects)).findings
    assert (leak.check, leak.outcome, leak.stops) == ("class-groups", "warn", False)
    assert leak.sentence.startswith("192.0.2.1 is the address of public (web/web) and inside (in/in)")


async def test_a_group_whose_release_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await look(monkeypatch, measured(), front=Release("web", "web"), old=Release("web", "elsewhere"))
    (missing,) = seen.findings
    assert "name the group old, and this cluster has no ingress controller of its release elsewhere/web" in (
        missing.sentence
    )


async def test_no_pods_have_no_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    objects = measured()
    idle = pods(workload("in", "in"))
    idle["spec"]["replicas"] = 0
    objects[DEPLOYMENTS][1] = idle
    found = {one.release: one for one in (await look(monkeypatch, objects)).groups}
    assert (found["in/in"].idle, found["in/in"].requests_per_second, found["in/in"].share) == (True, 0.0, 0.0)


def test_the_lines_name_every_release_once() -> None:
    taken = but(INSIDE, named=False, name="nginx", release="two/web")
    text = lines((GROUP, INSIDE, taken, but(GROUP, run="r1", release="t/t"), but(GROUP, release="")))
    assert yaml.safe_load(text) == {
        "groups": {
            "nginx": {"release": {"name": "web", "namespace": "ingress"}},
            "inside": {"release": {"name": "web", "namespace": "inside"}},
            "nginx-2": {"release": {"name": "web", "namespace": "two"}},
        }
    }
    assert "  corp-example-org-v2:" in lines((but(GROUP, name="Corp.example.org+v2"), INSIDE))


def test_no_line_takes_a_name_that_the_settings_give() -> None:
    own = but(GROUP, named=False, name="internal", release="one/web")
    named = but(INSIDE, named=True, name="internal", release="two/web")
    text = lines((own, but(own, name="old", release="three/web"), named), ("internal", "old"))
    assert [line.split(":")[0].strip() for line in text.splitlines()[1:]] == [
        "internal-2",
        "old-2",
        "internal",
    ]


@pytest.mark.parametrize("word", ["123", "1e3", "1.5", "0x10", "on", "null", "web"])
def test_the_lines_are_read_as_the_names_that_they_are(tmp_path: Path, word: str) -> None:
    namespace = word.replace(".", "-")
    one = but(GROUP, named=False, name=word, release=f"{namespace}/{word}")
    text = lines((one, but(INSIDE, named=False, name="inside")))
    assert list(yaml.safe_load(text)["groups"]) == [namespace, "inside"]
    file = tmp_path / "blueshift.yaml"
    file.write_text(f"{TOP}{text}\n")
    assert load(file, settings_type).releases == {
        namespace: Release(word, namespace),
        "inside": Release("web", "inside"),
    }


def test_where_nothing_is_to_be_named_there_are_no_lines() -> None:
    assert lines((GROUP,)) == ""
    assert lines((but(GROUP, named=True), INSIDE)) == ""
