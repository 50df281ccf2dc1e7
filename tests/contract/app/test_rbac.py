"""The printed roles on a real API server, each bound to a user who has nothing else."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from blueshift.app import roles
from blueshift.app.roles import Prepared, Subject
from blueshift.cli.errors import ExitCode
from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Conflict, Forbidden
from blueshift.discovery.rights import EXEC, LOOKS, RULES, at, permissions, spaces_of
from blueshift.engine import control, words
from blueshift.engine.entries import StoodStill
from blueshift.engine.store import Runs
from blueshift.engine.words import Speaker, Word
from blueshift.helm.manifests import CLUSTER_SCOPED, plural
from blueshift.lab.charts import chart
from tests.contract.apiserver import ApiServer
from tests.contract.app.front import NAMESPACE, RELEASE, Front
from tests.contract.engine.test_fence import journal

NOBODY = (Subject("User", "nobody"),)


@pytest.fixture
async def nobody(apiserver: ApiServer, tmp_path: Path) -> AsyncIterator[KubeApi]:
    config = apiserver.write_kubeconfig(tmp_path / "nobody", token=apiserver.nobody)
    api = await KubeApi.connect(SystemClock(), kubeconfig=config)
    yield api
    await api.close()


async def apply(kube: KubeApi, objects: list[dict[str, Any]]) -> list[str]:
    """Create what is printed, as `kubectl apply` does; the paths."""
    made = []
    for item in objects:
        kind, metadata = item["kind"], item["metadata"]
        space = None if kind in CLUSTER_SCOPED else metadata["namespace"]
        group, _, version = item["apiVersion"].rpartition("/")
        path = (
            paths.apis(f"{group}/{version}", plural(kind), space)
            if group
            else paths.core(plural(kind), space)
        )
        try:
            await kube.create(path, item)
        except Conflict:
            assert kind == "Namespace"
        made.append(f"{path}/{metadata['name']}")
    return made


@pytest.fixture
def state() -> str:
    return f"rbac-{secrets.token_hex(3)}"


async def test_the_approver_approves_and_does_nothing_else(
    kube: KubeApi, nobody: KubeApi, state: str
) -> None:
    space = f"{state}-control"
    await apply(kube, roles.approver(state, space, NOBODY))
    writer = await Runs(kube, SystemClock(), state).create(journal("r1"), {})
    await writer.write(StoodStill("a", "really?", "purge"))
    seen = (await Runs(nobody, SystemClock(), state).open("r1")).journal
    at_once = SystemClock().utc()
    given = await control.approve(nobody, space, seen, "purge", by=Speaker("nobody"), at=at_once)
    assert given.gate == "purge"
    await control.pause(nobody, space, seen, by=Speaker("nobody"), at=at_once)
    await control.turn(nobody, space, seen, "back", by=Speaker("nobody"), at=at_once)
    said = paths.core("configmaps", space, words.name_of("r1", "pause", 1))
    for refused in (
        nobody.patch(said, {"metadata": {"labels": {"x": "y"}}}),
        nobody.delete(said),
        nobody.get(paths.core("secrets", state, "blueshift-run-r1-inputs")),
        nobody.patch(paths.core("configmaps", state, "blueshift-run-r1"), {"data": {"journal.json": "{}"}}),
        nobody.create(paths.core("secrets", space), {"metadata": {"name": "x"}}),
        nobody.create(paths.core("configmaps", state), {"metadata": {"name": "x"}}),
        nobody.list(paths.core("configmaps")),
        nobody.list(paths.core("namespaces")),
    ):
        with pytest.raises(Forbidden):
            await refused


async def test_the_runner_has_every_right_that_is_checked_and_writes_no_words(
    kube: KubeApi, nobody: KubeApi, state: str
) -> None:
    spaces = spaces_of(f"{state}-in", f"{state}-tmp", state)
    rights = at((*RULES, *EXEC, *LOOKS), spaces, "demo", prepared=True)
    for space in (spaces["primary"],):
        await kube.create(paths.core("namespaces"), {"metadata": {"name": space}})
    printed = roles.runner(
        rights,
        state,
        NOBODY,
        spaces=(spaces["state"], spaces["control"]),
        prepared=Prepared(spaces["temporary"], {}, {}),
    )
    made = await apply(kube, printed)
    try:
        assert (await permissions(nobody, rights)).denied == ()
        await Runs(nobody, SystemClock(), state).create(journal("r1"), {})
        word = Word("back", "r1", 0, "nobody", "", SystemClock().utc())
        with pytest.raises(Forbidden):
            await words.say(nobody, spaces["control"], word)
        for group in ("", "apps", "rbac.authorization.k8s.io"):
            for verb in ("create", "update", "patch", "delete", "deletecollection", "escalate", "bind"):
                for resource in ("configmaps", "secrets", "roles", "clusterroles", "rolebindings"):
                    assert not await nobody.can(verb, group, resource, namespace=spaces["control"])
        assert not await nobody.can("list", "", "secrets"), "secrets of the whole cluster"
        assert not await nobody.can("create", "", "namespaces")
    finally:
        for path in made:
            if "clusterrole" in path:
                await kube.delete(path)


async def test_what_is_printed_is_what_the_check_asks_for(
    front: Front, kube: KubeApi, apiserver: ApiServer, tmp_path: Path
) -> None:
    front.settings(
        chart={"path": str(chart("4.12.1"))},
        temporary={"release": "rbac"},
        cluster={"state_namespace": "rbac-state"},
    )
    done = front.blueshift("rbac", "--role", "runner", "--user", "nobody", "-o", "json")
    assert done.returncode == ExitCode.DONE, done.stderr
    printed = json.loads(done.stdout)["items"]
    config = apiserver.write_kubeconfig(tmp_path / "runner", token=apiserver.nobody)
    asked = ("check", "--only", "cluster-rbac", "--only", "cluster-exec", "-o", "json")
    role = next(item for item in printed if item["kind"] == "ClusterRole")
    made = await apply(kube, printed)
    path = next(path for path in made if path.endswith(f"/clusterroles/{role['metadata']['name']}"))
    try:
        done = front.blueshift(*asked, kubeconfig=config)
        assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
        assert {one["outcome"] for one in json.loads(done.stdout)} == {"pass"}
        done = front.blueshift("check", "-o", "json", kubeconfig=config)
        unseen = {one["check"] for one in json.loads(done.stdout) if one["outcome"] == "not-looked"}
        # The node has no image, and no program runs whose version could be asked; all else may be read.
        assert unseen == {"cluster-image-pull", "nginx-custom-image"}
        # The rights that the chart's ClusterRole passes on: without them helm is refused in the middle.
        left = [rule for rule in role["rules"] if "secrets" not in rule["resources"]]
        assert len(left) < len(role["rules"])
        await kube.patch(path, {"rules": left})
        done = front.blueshift(*asked, kubeconfig=config)
        assert done.returncode == ExitCode.REFUSED, done.stdout
        assert "list secrets" in done.stdout
    finally:
        for one in made:
            if "clusterrole" in one:
                await kube.delete(one)


async def test_without_settings_the_release_is_named(front: Front) -> None:
    done = front.blueshift("rbac", "--role", "viewer")
    assert done.returncode == ExitCode.ERROR
    assert "--release NAME -n NAMESPACE" in done.stderr
    done = front.blueshift("rbac", "--role", "viewer", "--release", RELEASE, "-n", NAMESPACE)
    assert done.returncode == ExitCode.DONE, done.stderr
    printed = list(yaml.safe_load_all(done.stdout))
    subjects = {one["name"] for item in printed for one in item.get("subjects", ())}
    assert subjects == {"blueshift:viewer"}
    verbs = {verb for item in printed for rule in item.get("rules", ()) for verb in rule["verbs"]}
    assert verbs == {"get", "list"}
    done = front.blueshift("rbac", "--role", "viewer", "--service-account", "ops")
    assert (done.returncode, "NAMESPACE:NAME" in done.stderr) == (ExitCode.ERROR, True)


async def test_the_viewer_looks_alone(kube: KubeApi, nobody: KubeApi, state: str) -> None:
    spaces = spaces_of(f"{state}-in", f"{state}-tmp", state)
    rights = at((*RULES, *EXEC, *LOOKS), spaces, "demo", prepared=True)
    await kube.create(paths.core("namespaces"), {"metadata": {"name": spaces["primary"]}})
    printed = roles.viewer(
        rights,
        state,
        NOBODY,
        state=state,
        spaces=(spaces["state"], spaces["control"]),
        prepared=Prepared(spaces["temporary"], {}, {}),
    )
    made = await apply(kube, printed)
    try:
        denied = (await permissions(nobody, rights)).denied
        of_exec = {one.verb for one in denied if one.resource == "pods/exec"}
        assert of_exec == {"get", "create"}
        kept = {one for one in denied if one.resource not in ("pods/exec", "secrets")}
        assert not {one.verb for one in kept} & {"get", "list"}
        assert await Runs(nobody, SystemClock(), state).all() == []
        with pytest.raises(Forbidden):
            await Runs(nobody, SystemClock(), state).create(journal("r1"), {})
    finally:
        for path in made:
            if "clusterrole" in path:
                await kube.delete(path)
