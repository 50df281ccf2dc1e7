"""Rights that follow from rendered objects: by name, both ways, and never more than the chart passes on."""

from __future__ import annotations

from typing import Any

from blueshift.cluster.versions import Served
from blueshift.discovery.rendered_rights import needed
from blueshift.discovery.world import Right

NONE = Served(frozenset(), {})


def item(kind: str, name: str, version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


def verbs(rights: tuple[Right, ...], resource: str) -> dict[tuple[str, ...], set[str]]:
    """Names → verbs."""
    found: dict[tuple[str, ...], set[str]] = {}
    for right in rights:
        if right.resource == resource and not right.passed:
            found.setdefault(right.names, set()).update(right.verbs)
    return found


def test_what_stays_is_changed_by_name_and_what_comes_or_goes_is_made_and_removed() -> None:
    rights = needed(
        [item("Service", "a"), item("ConfigMap", "old")],
        [item("Service", "a"), item("Secret", "new")],
        "ns",
        NONE,
    )
    assert verbs(rights, "services") == {("a",): {"get", "patch"}}
    both = {("new",): {"get", "patch", "delete"}, (): {"create"}}
    assert verbs(rights, "secrets") == both
    assert verbs(rights, "configmaps") == {("old",): both["new",], (): {"create"}}
    assert {right.namespace for right in rights} == {"ns"}


def test_any_kind_is_asked_for_in_its_group() -> None:
    rights = needed([], [item("ServiceMonitor", "m", "monitoring.coreos.com/v1")], "ns", NONE)
    assert {(right.group, right.resource) for right in rights} == {
        ("monitoring.coreos.com", "servicemonitors")
    }


def test_hooks_are_made_and_removed_and_their_jobs_watched() -> None:
    hook = item("Job", "j", "batch/v1")
    hook["metadata"]["annotations"] = {"helm.sh/hook": "pre-upgrade"}
    rights = needed([hook], [hook], "ns", NONE)
    assert verbs(rights, "jobs") == {("j",): {"get", "patch", "delete"}, (): {"create", "list", "watch"}}


def test_what_a_role_grants_must_be_held_where_it_grants_it() -> None:
    rbac = "rbac.authorization.k8s.io/v1"
    rule = {"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["list"]}
    named = {"apiGroups": [""], "resources": ["endpoints"], "resourceNames": ["x"], "verbs": ["get"]}
    roles = [item("ClusterRole", "c", rbac, rules=[rule]), item("Role", "r", rbac, rules=[named])]
    passed = {right for right in needed(roles, roles, "ns", NONE) if right.passed}
    assert {(right.namespace, right.resource, right.verbs, right.names) for right in passed} == {
        ("", "secrets", ("list",), ()),
        ("", "pods", ("list",), ()),
        ("ns", "endpoints", ("get",), ("x",)),
    }
    assert verbs(needed(roles, roles, "ns", NONE), "clusterroles") == {("c",): {"get", "patch"}}
