"""Two releases with a class each on a real API server: seen as groups, upgraded one by one, in order."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.dns.records import Change, RecordSet
from blueshift.lab.charts import chart
from tests.contract import apiserver as server_of
from tests.contract.apiserver import ApiServer
from tests.contract.app.front import NAMESPACE, POINT, RELEASE, VALUES, Front, install
from tests.contract.dns.bind import WRITER, ZONE, Bind

INSIDE = "inside"
WORKLOAD = f"{INSIDE}-ingress-nginx-controller"
ADDRESS = "192.0.2.60"
GROUPS = {
    "internal": {"release": {"name": INSIDE, "namespace": INSIDE}},
    "public": {"release": {"name": RELEASE, "namespace": NAMESPACE}},
}
UNTOUCHED = "the other groups are as they were (revisions, workloads, Services, IngressClasses)"


def helm(server: ApiServer, verb: str, **controller: Any) -> None:
    """The second release, of a class of its own, and what a cluster would have made around it."""
    own = {"name": INSIDE, "controllerValue": "example.com/inside"}
    values = {"controller": {**VALUES["controller"], "ingressClassResource": own, **controller}}
    subprocess.run(
        [
            *(str(server.helm), "--kubeconfig", server.kubeconfig, verb, INSIDE, str(chart("4.11.3"))),
            *("-n", INSIDE, "--create-namespace", "-f", "-"),
        ],
        input=json.dumps(values),
        text=True,
        check=True,
        capture_output=True,
    )
    asyncio.run(patched(server, paths.apis("apps/v1", "deployments", INSIDE, WORKLOAD), READY))
    reached(server, ADDRESS)


READY = {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


def reached(server: ApiServer, *addresses: str) -> None:
    points = [{"ip": address} for address in addresses]
    service = paths.core("services", INSIDE, WORKLOAD)
    asyncio.run(patched(server, service, {"loadBalancer": {"ingress": points}}))


async def patched(server: ApiServer, path: str, status: dict[str, Any]) -> None:
    kube = await KubeApi.connect(SystemClock(), kubeconfig=server.kubeconfig)
    try:
        await kube.patch(f"{path}/status", {"status": status})
    finally:
        await kube.close()


async def ingress(server: ApiServer) -> None:
    kube = await KubeApi.connect(SystemClock(), kubeconfig=server.kubeconfig)
    path = {
        "path": "/",
        "pathType": "Prefix",
        "backend": {"service": {"name": "wiki", "port": {"number": 80}}},
    }
    rule = {"host": f"wiki.{ZONE}", "http": {"paths": [path]}}
    body = {"metadata": {"name": "wiki"}, "spec": {"ingressClassName": INSIDE, "rules": [rule]}}
    try:
        await kube.create(paths.apis("networking.k8s.io/v1", "ingresses", INSIDE), body)
    finally:
        await kube.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Of its own: a second release would be seen by the tests of the first."""
    with server_of.running(tmp_path_factory.mktemp("groups")) as started:
        install(started)
        helm(started, "install")
        asyncio.run(ingress(started))
        yield started


async def named(bind: Bind) -> None:
    """The record of its host; the zone's file has those of the first release."""
    wanted = RecordSet(f"wiki.{ZONE}", "A", 300, (ADDRESS,))
    (found,) = await bind.backend().read([(wanted.name, "A")])
    if found is None:
        await bind.backend().swap([Change(wanted.name, "A", None, wanted)])


@pytest.fixture
def estate(server: ApiServer, bind: Bind, tmp_path: Path) -> Front:
    (tmp_path / "update.key").write_text(WRITER)
    asyncio.run(named(bind))
    found = Front(server, bind, tmp_path)
    settings = json.loads(found.settings(groups=GROUPS).read_text())
    del settings["release"]
    (tmp_path / "blueshift.yaml").write_text(json.dumps(settings))
    (tmp_path / "walk.yaml").write_text(
        "name: walk\ngroups: [internal, public]\n"
        "between: {message: all is green, within: 1s, otherwise: open}\nsteps: [preflight, snapshot]\n"
    )
    return found


def shown(estate: Front) -> dict[str, Any]:
    done = estate.blueshift("groups", "-o", "json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_groups_of_the_cluster_and_their_leak(estate: Front) -> None:
    seen = shown(estate)
    found = {one["name"]: one for one in seen["groups"]}
    assert list(found) == ["public", "internal"], "those with most hosts first"
    inside, public = found["internal"], found["public"]
    assert (inside["release"], inside["classes"], inside["hosts"]) == (
        f"{INSIDE}/{INSIDE}",
        [INSIDE],
        [f"wiki.{ZONE}"],
    )
    assert (inside["addresses"], inside["revision"]) == ([ADDRESS], 1)
    assert public["addresses"] == [point["ip"] for point in POINT]
    assert seen["findings"] == []

    reached(estate.server, POINT[0]["ip"])
    try:
        (leak,) = shown(estate)["findings"]
        assert "192.0.2.1 is the address of" in leak["sentence"]
        done = estate.blueshift("check", "--group", "internal", "--only", "class-groups", "-o", "json")
        assert [one["sentence"] for one in json.loads(done.stdout)] == [leak["sentence"]]
    finally:
        reached(estate.server, ADDRESS)


def test_a_walk_is_a_run_for_each_group_and_leaves_the_other_alone(estate: Front) -> None:
    done = estate.blueshift("upgrade", "--yes", "--playbook", "./walk.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stderr.index("group internal (1 of 2)") < done.stderr.index("group public (2 of 2)")
    runs = json.loads(estate.blueshift("status", "-o", "json").stdout)
    tracks = {journal["release"]: journal["track"] for journal in runs}
    assert tracks[INSIDE] == ["forward/preflight", "forward/snapshot"]
    assert tracks[RELEASE] == ["forward/before-public", "forward/preflight", "forward/snapshot"]
    told = {journal["release"]: journal["said"] for journal in runs}
    assert told[INSIDE].endswith(f"{UNTOUCHED}: public ({NAMESPACE}/{RELEASE})")
    assert told[RELEASE].endswith(f"{UNTOUCHED}: internal ({INSIDE}/{INSIDE})")
    (gate,) = next(journal for journal in runs if journal["release"] == RELEASE)["approvals"]
    assert (gate["gate"], gate["by"]) == ("before-public", "the playbook")


def test_a_group_that_somebody_changes_meanwhile_is_named(estate: Front) -> None:
    steps = estate.playbook("preflight", "snapshot", "gate: {id: look, message: go on}")
    parked = estate.blueshift("upgrade", "--yes", "--group", "public", "--playbook", steps, "--park")
    assert parked.returncode == 75, parked.stderr
    run = estate.run_in(parked.stderr)
    helm(estate.server, "upgrade", minReadySeconds=9)
    assert estate.blueshift("approve", run, "look", "--no-wait").returncode == 0
    done = estate.blueshift("resume", run)
    assert done.returncode == 0, done.stderr
    said = json.loads(estate.blueshift("status", run, "-o", "json").stdout)["said"]
    assert "ATTENTION: of the other groups (internal (inside/inside)) not all is as it was" in said
    assert "internal (inside/inside): revision 1 → 2" in said
    assert f"Deployment {INSIDE}/{WORKLOAD} is another" in said
    assert said in done.stderr, "it is in the last words of the command too"


def test_a_plan_names_what_it_does_not_touch(estate: Front) -> None:
    plan = estate.blueshift("plan", "--group", "internal", "-o", "json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout)["untouched"] == [f"public ({NAMESPACE}/{RELEASE}): class nginx, 5 hosts"]


def test_a_plan_file_is_of_its_group(estate: Front) -> None:
    steps = estate.playbook("preflight", "snapshot")
    plan = estate.blueshift("plan", "--group", "internal", "--playbook", steps, "-o", "plan.json")
    assert plan.returncode == 0, plan.stderr
    done = estate.blueshift("upgrade", "--plan", "plan.json", "--yes")
    assert done.returncode == 0, done.stderr
    run = estate.run_in(done.stderr)
    assert json.loads(estate.blueshift("status", run, "-o", "json").stdout)["release"] == INSIDE


def test_rights_are_printed_for_the_group_of_a_release(estate: Front) -> None:
    done = estate.blueshift(
        "rbac", "--role", "viewer", "--release", INSIDE, "--namespace", INSIDE, "-o", "json"
    )
    assert done.returncode == 0, done.stderr
    spaces = {one["metadata"].get("namespace") for one in json.loads(done.stdout)["items"]}
    assert INSIDE in spaces
    assert NAMESPACE not in spaces
