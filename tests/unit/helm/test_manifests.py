"""Rendered objects are told apart, compared, and shown without the values of Secrets."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.errors import BlueshiftError
from blueshift.helm.manifests import Key, diff, key, parse

Json = dict[str, Any]


def thing(kind: str, name: str, api: str = "v1", **more: Any) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **more}


def test_keys_know_scope_and_survive_a_new_api_version() -> None:
    assert key(thing("ConfigMap", "a"), "edge") == Key("ConfigMap", "edge", "a")
    elsewhere = {**thing("ConfigMap", "a"), "metadata": {"name": "a", "namespace": "kube-system"}}
    assert str(key(elsewhere, "edge")) == "ConfigMap kube-system/a"
    assert str(key(thing("IngressClass", "nginx", "networking.k8s.io/v1"), "edge")) == "IngressClass nginx"
    old, new = (
        thing("HorizontalPodAutoscaler", "a", f"autoscaling/{version}") for version in ("v2beta2", "v2")
    )
    assert key(old, "edge") == key(new, "edge")
    assert diff([old], [new], "edge").deleted == ()


def test_created_changed_deleted() -> None:
    old = [thing("ConfigMap", "same"), thing("ConfigMap", "gone"), thing("ConfigMap", "new", data={"a": "1"})]
    new = [thing("ConfigMap", "same"), thing("Service", "come"), thing("ConfigMap", "new", data={"a": "2"})]
    found = diff(old, new, "edge")
    assert [str(one) for one in found.created] == ["Service edge/come"]
    assert [str(one) for one in found.deleted] == ["ConfigMap edge/gone"]
    (changed,) = found.changed
    assert str(changed.key) == "ConfigMap edge/new"
    assert changed.diff.splitlines()[-4:-1] == ["-  a: '1'", "+  a: '2'", " kind: ConfigMap"]


def test_hooks_are_no_part_of_the_release() -> None:
    hook = thing("Job", "admission")
    hook["metadata"]["annotations"] = {"helm.sh/hook": "pre-upgrade"}
    assert diff([], [hook], "edge").created == ()


def test_secrets_are_masked_and_still_seen_to_change() -> None:
    old = thing("Secret", "s", data={"same": "aaa", "other": "bbb", "gone": "ccc"}, stringData={"x": "ddd"})
    new = thing("Secret", "s", data={"same": "aaa", "other": "eee"}, stringData={"x": "ddd"})
    (changed,) = diff([old], [new], "edge").changed
    for value in ("aaa", "bbb", "ccc", "ddd", "eee"):
        assert value not in changed.diff
    assert "-  other: '*** (before)'" in changed.diff
    assert "+  other: '*** (after)'" in changed.diff
    assert "   same: '***'" in changed.diff


def test_a_password_in_the_environment_is_not_shown() -> None:
    def deployment(password: str) -> Json:
        env = [{"name": "DB_PASSWORD", "value": password}, {"name": "LEVEL", "value": "debug"}]
        return thing("Deployment", "a", "apps/v1", spec={"containers": [{"name": "c", "env": env}]})

    (changed,) = diff([deployment("aaa")], [deployment("bbb")], "edge").changed
    assert "aaa" not in changed.diff
    assert "bbb" not in changed.diff
    assert "value: '*** (before)'" in changed.diff
    assert "value: '*** (after)'" in changed.diff


def words(password: str, *more: Json) -> Json:
    """Secrets in a variable, an argument and a line of a text, which all say the password."""
    env = [*more, {"name": "DB_PASSWORD", "value": password}, {"name": "API_TOKEN", "value": "same"}]
    pod = {"name": "c", "env": env, "args": ["-v", f"--token={password}", "--secret=same"]}
    text = f"level: debug\npassword: {password}\ntoken: same\n"
    return thing("Deployment", "a", "apps/v1", spec={"containers": [pod], "text": text})


def test_what_is_hidden_and_changed_is_seen_to_change_and_nothing_else_is() -> None:
    (changed,) = diff([words("aaaaaa")], [words("bbbbbb", {"name": "NEW", "value": "1"})], "edge").changed
    assert "aaaaaa" not in changed.diff
    assert "bbbbbb" not in changed.diff
    after = [line.strip("+ ") for line in changed.diff.splitlines() if "(after)" in line]
    assert after == ["- --token=*** (after)", "value: '*** (after)'", "password: *** (after)"]
    assert changed.diff.count("(before)") == 3
    assert "NEW" in changed.diff


def test_what_is_hidden_in_another_order_is_a_change_too() -> None:
    words = ["--token=aaaaaa", "--token=bbbbbb"]
    old, new = thing("Deployment", "a", args=words), thing("Deployment", "a", args=words[::-1])
    (changed,) = diff([old], [new], "edge").changed
    assert changed.diff == "only the order of what is hidden differs (***)"


def test_what_is_hidden_and_stays_is_not_told_apart() -> None:
    (changed,) = diff([words("aaaaaa")], [words("aaaaaa", {"name": "NEW", "value": "1"})], "edge").changed
    assert "(after)" not in changed.diff
    assert [line for line in changed.diff.splitlines() if line.startswith("-")] == []


def test_a_manifest_is_taken_apart() -> None:
    text = (
        "---\n# Source: a\nkind: A\n---\n---\nkind: List\nitems:\n- kind: B\n- kind: C\n"
        "---\nkind: D\ndate: 2020-01-01\nport: 22:22\n"
    )
    found = parse(text, "manifest")
    assert [item["kind"] for item in found] == ["A", "B", "C", "D"]
    assert (found[3]["date"], found[3]["port"]) == ("2020-01-01", "22:22")
    with pytest.raises(BlueshiftError) as caught:
        parse("a: 1\nb: [\n", "manifest")
    assert caught.value.place == "manifest:3:1"
