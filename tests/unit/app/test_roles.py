"""Printed roles: the least that does it."""

from __future__ import annotations

from typing import Any

from blueshift.app import roles
from blueshift.app.roles import Prepared, Subject
from blueshift.discovery.rights import EXEC, LOOKS, RULES, at, spaces_of
from blueshift.discovery.world import Right

SPACES = spaces_of("ingress", "ingress-blueshift", "blueshift")
PASSED = (Right("", "", "secrets", ("list", "watch"), "the chart's role grants it", passed=True),)
RIGHTS = (*at((*RULES, *EXEC, *LOOKS), SPACES, "demo", prepared=True), *PASSED)
ANN = Subject("User", "ann")


def runner() -> list[dict[str, Any]]:
    prepared = Prepared("ingress-blueshift", {"pod-security.kubernetes.io/enforce": "restricted"}, {})
    return roles.runner(RIGHTS, "demo", (ANN,), spaces=("blueshift", "blueshift-control"), prepared=prepared)


def viewer() -> list[dict[str, Any]]:
    return roles.viewer(RIGHTS, "demo", (ANN,), state="blueshift", spaces=(), prepared=None)


def approver() -> list[dict[str, Any]]:
    return roles.approver("blueshift", "blueshift-control", (ANN,))


def allowed(objects: list[dict[str, Any]], namespace: str) -> dict[str, set[str]]:
    """Resource → verbs of the role in that namespace; empty for the whole cluster."""
    found: dict[str, set[str]] = {}
    for item in objects:
        if item["kind"] in ("Role", "ClusterRole") and item["metadata"].get("namespace", "") == namespace:
            for rule in item["rules"]:
                for resource in rule["resources"]:
                    found.setdefault(resource, set()).update(rule["verbs"])
    return found


def test_no_role_has_wildcards_or_a_way_to_give_itself_more() -> None:
    for objects in (runner(), viewer(), approver()):
        for item in objects:
            for rule in item.get("rules", ()):
                assert not {"*", "escalate", "bind", "impersonate"} & {*rule["verbs"], *rule["resources"]}
                assert "*" not in rule["apiGroups"]


def test_the_runner_only_reads_in_the_control_namespace() -> None:
    assert allowed(runner(), "blueshift-control") == {"configmaps": {"get", "list"}}


def test_what_checks_read_is_read_alone_and_of_all_roles_that_look() -> None:
    for role in (runner(), viewer()):
        assert allowed(role, "")["nodes"] == {"list"}
        assert allowed(role, "")["pods"] == {"list"}
        assert allowed(role, "")["configmaps"] == {"get"}
        assert allowed(role, "ingress")["resourcequotas"] == {"list"}
        assert allowed(role, "ingress-blueshift")["limitranges"] == {"list"}


def test_secrets_of_the_cluster_come_from_the_chart_alone() -> None:
    assert allowed(runner(), "")["secrets"] == {"list", "watch"}
    without = roles.runner(RIGHTS[:-1], "demo", (ANN,), spaces=(), prepared=None)
    assert "secrets" not in allowed(without, "")
    assert allowed(without, "")["namespaces"] == {"get"}, "the temporary's namespace is there already"


def test_create_is_never_bound_to_names_which_kubernetes_cannot_know() -> None:
    for item in runner():
        for rule in item.get("rules", ()):
            assert not ("resourceNames" in rule and {"create", "list"} & set(rule["verbs"])), rule


def test_the_approver_says_words_and_reads_journals_and_nothing_else() -> None:
    objects = approver()
    assert allowed(objects, "blueshift-control") == {"configmaps": {"create", "get", "list"}}
    assert allowed(objects, "blueshift") == {"configmaps": {"get", "list"}}
    assert allowed(objects, "") == {}
    kinds = {item["kind"] for item in objects}
    assert {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"} <= kinds


def test_the_viewer_looks_and_holds_nothing_of_the_charts_roles() -> None:
    for namespace in ("", "ingress", "ingress-blueshift", "blueshift", "blueshift-control"):
        found = allowed(viewer(), namespace)
        assert {verb for verbs in found.values() for verb in verbs} <= {"get", "list"}
        assert "pods/exec" not in found
    assert "secrets" not in allowed(viewer(), "")
    assert "secrets" not in allowed(viewer(), "blueshift")


def test_the_prepared_namespace_has_the_primarys_admission_labels() -> None:
    spaces = {item["metadata"]["name"]: item["metadata"] for item in runner() if item["kind"] == "Namespace"}
    assert spaces.keys() == {"blueshift", "blueshift-control", "ingress-blueshift"}
    labels = spaces["ingress-blueshift"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_role_is_bound_to_whom_it_is_for() -> None:
    account = Subject("ServiceAccount", "bot", "ops")
    objects = roles.approver("blueshift", "blueshift-control", (ANN, account))
    for item in objects:
        if item["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            assert [subject["name"] for subject in item["subjects"]] == ["ann", "bot"]
            assert item["subjects"][1]["namespace"] == "ops"
