"""KubeApi against a real API server: what every caller relies on."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from blueshift.clock import SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import ApiUnreachable, Conflict, Forbidden, Invalid, NotFound, Unauthorized
from blueshift.cluster.rules import NOWHERE, Rules
from blueshift.errors import BlueshiftError
from tests.contract.apiserver import ApiServer, free_ports


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def test_identity_is_the_cluster_and_not_its_address(kube: KubeApi, apiserver: ApiServer) -> None:
    cluster = await kube.identity()
    system = await kube.get(paths.core("namespaces", None, "kube-system"))
    assert cluster.uid == system["metadata"]["uid"]
    assert cluster.version.startswith("v1.")
    assert (cluster.server, cluster.context) == (f"https://127.0.0.1:{apiserver.port}", "contract")


async def test_a_missing_object_is_none_to_find_and_an_error_to_get(kube: KubeApi, namespace: str) -> None:
    path = paths.core("configmaps", namespace, "absent")
    assert await kube.find(path) is None
    with pytest.raises(NotFound, match="absent"):
        await kube.get(path)


async def test_create_twice_is_a_conflict(kube: KubeApi, namespace: str) -> None:
    collection = paths.core("configmaps", namespace)
    await kube.create(collection, config_map("one", a="1"))
    with pytest.raises(Conflict):
        await kube.create(collection, config_map("one", a="2"))
    assert (await kube.get(paths.core("configmaps", namespace, "one")))["data"] == {"a": "1"}


async def test_replace_compares_and_swaps(kube: KubeApi, namespace: str) -> None:
    path = paths.core("configmaps", namespace, "one")
    first = await kube.create(paths.core("configmaps", namespace), config_map("one", a="1"))
    await kube.replace(path, {**first, "data": {"a": "2"}})
    with pytest.raises(Conflict):
        await kube.replace(path, {**first, "data": {"a": "3"}})
    assert (await kube.get(path))["data"] == {"a": "2"}


async def test_list_reads_every_page_and_names_the_kind(kube: KubeApi, namespace: str) -> None:
    for number in range(7):
        await kube.create(paths.core("configmaps", namespace), config_map(f"m{number}"))
    found = await kube.list(paths.core("configmaps", namespace), limit=3)
    assert {item["metadata"]["name"] for item in found} >= {f"m{number}" for number in range(7)}
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("v1", "ConfigMap")}


async def test_patches_of_every_kind(kube: KubeApi, namespace: str) -> None:
    path = paths.core("configmaps", namespace, "one")
    await kube.create(paths.core("configmaps", namespace), config_map("one", a="1", b="1"))
    assert (await kube.patch(path, {"data": {"a": None}}))["data"] == {"b": "1"}
    assert (await kube.patch(path, {"data": {"c": "1"}}, "strategic"))["data"] == {"b": "1", "c": "1"}
    replaced = await kube.patch(path, [{"op": "replace", "path": "/data/b", "value": "2"}], "json")
    assert replaced["data"] == {"b": "2", "c": "1"}
    with pytest.raises(Conflict, match="conflict with"):
        await kube.patch(path, config_map("one", b="3"), "apply", fieldManager="test")
    forced = await kube.patch(path, config_map("one", b="3"), "apply", fieldManager="test", force=True)
    assert forced["data"]["b"] == "3"


async def test_a_dry_run_changes_nothing(kube: KubeApi, namespace: str) -> None:
    await kube.create(paths.core("configmaps", namespace), config_map("one"), dryRun="All")
    assert await kube.find(paths.core("configmaps", namespace, "one")) is None


async def test_delete_only_the_very_object(kube: KubeApi, namespace: str) -> None:
    path = paths.core("configmaps", namespace, "one")
    made = await kube.create(paths.core("configmaps", namespace), config_map("one"))
    with pytest.raises(Conflict):
        await kube.delete(path, uid=str(uuid4()))
    await kube.delete(path, uid=made["metadata"]["uid"])
    with pytest.raises(NotFound):
        await kube.delete(path)


async def test_a_wrong_object_is_invalid(kube: KubeApi, namespace: str) -> None:
    with pytest.raises(Invalid):
        await kube.create(paths.core("configmaps", namespace), config_map("Not A Name"))


async def test_rights_are_asked_and_refusals_told(
    apiserver: ApiServer, kube: KubeApi, tmp_path: Path
) -> None:
    kubeconfig = apiserver.write_kubeconfig(tmp_path / "nobody", token=apiserver.nobody)
    nobody = await KubeApi.connect(SystemClock(), kubeconfig=kubeconfig)
    try:
        assert await kube.can("create", "apps", "deployments", namespace="default")
        assert not await nobody.can("create", "apps", "deployments", namespace="default")
        with pytest.raises(Forbidden, match="nobody"):
            await nobody.list(paths.core("secrets"))
    finally:
        await nobody.close()


async def test_rules_are_told_at_once_and_a_role_of_one_namespace_is_no_right_elsewhere(
    apiserver: ApiServer, kube: KubeApi, namespace: str, tmp_path: Path
) -> None:
    rbac, name = "rbac.authorization.k8s.io/v1", f"rules-{namespace}"
    kubeconfig = apiserver.write_kubeconfig(tmp_path / "nobody", token=apiserver.nobody)
    nobody = await KubeApi.connect(SystemClock(), kubeconfig=kubeconfig)
    meta, user = {"metadata": {"name": name}}, {"kind": "User", "name": "nobody"}
    for kind, space, rule in (
        ("Role", namespace, {"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["*"]}),
        ("ClusterRole", None, {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}),
    ):
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        low = kind.lower()
        await kube.create(paths.apis(rbac, f"{low}s", space), {**meta, "rules": [rule]})
        bound = {**meta, "roleRef": ref, "subjects": [user]}
        await kube.create(paths.apis(rbac, f"{low}bindings", space), bound)
    try:
        here = everywhere = Rules()
        for _ in range(50):  # the authorizer hears of roles by its watch
            here, everywhere = await nobody.rules(namespace), await nobody.rules(NOWHERE)
            if here.allow("patch", "apps", "deployments/scale") and everywhere.allow("list", "", "nodes"):
                break
            await SystemClock().sleep(0.1)
        for rules, space in ((here, namespace), (everywhere, None)):
            for verb, group, resource, sub in (
                ("patch", "apps", "deployments", "scale"),
                ("patch", "apps", "deployments", None),
                ("list", "", "nodes", None),
                ("delete", "", "nodes", None),
            ):
                one = await nobody.can(verb, group, resource, namespace=space, subresource=sub)
                assert rules.allow(verb, group, f"{resource}/{sub}" if sub else resource) == one
        assert here.allow("patch", "apps", "deployments/scale")
        assert not everywhere.allow("patch", "apps", "deployments/scale")
        assert everywhere.allow("list", "", "nodes")
    finally:
        await nobody.close()
        for kind in ("clusterrolebindings", "clusterroles"):
            await kube.delete(paths.apis(rbac, kind, None, name))


async def test_an_unknown_token_is_unauthorized(apiserver: ApiServer, tmp_path: Path) -> None:
    kubeconfig = apiserver.write_kubeconfig(tmp_path / "wrong", token="wrong")
    with pytest.raises(Unauthorized, match="does not accept this user") as caught:
        await KubeApi.connect(SystemClock(), kubeconfig=kubeconfig)
    assert caught.value.hint


async def test_no_server_there_is_unreachable(apiserver: ApiServer, tmp_path: Path) -> None:
    kubeconfig = apiserver.write_kubeconfig(tmp_path / "gone", token="x", port=free_ports(1)[0])
    with pytest.raises(ApiUnreachable, match="cannot be reached") as caught:
        await KubeApi.connect(SystemClock(), kubeconfig=kubeconfig)
    assert caught.value.hint


async def test_an_unknown_context_names_those_there_are(apiserver: ApiServer) -> None:
    with pytest.raises(BlueshiftError, match="no context other") as caught:
        await KubeApi.connect(SystemClock(), kubeconfig=apiserver.kubeconfig, context="other")
    assert caught.value.hint
    assert "contract" in caught.value.hint
    assert caught.value.place == apiserver.kubeconfig
