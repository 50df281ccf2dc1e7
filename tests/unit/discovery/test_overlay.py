"""A file over a live object: what stays, goes and changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blueshift.discovery.overlay import LAST_APPLIED, encoded, laid_over


def live(last: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    annotations = {"theirs": "1", "ours": "1"}
    if last is not None:
        annotations[LAST_APPLIED] = json.dumps(last)
    return {"metadata": {"name": "a", "uid": "u", "annotations": annotations}, **parts}


def file(**parts: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", "annotations": {"ours": "2"}}, **parts}


def test_what_another_program_wrote_stays() -> None:
    result = laid_over(live(), file())
    assert result["metadata"]["annotations"] == {"theirs": "1", "ours": "2"}
    assert result["metadata"]["uid"] == "u"


def test_what_an_earlier_apply_wrote_goes() -> None:
    last = {"metadata": {"annotations": {"theirs": "1", "ours": "1"}}, "data": {"a": "1", "b": "2"}}
    result = laid_over(live(last, data={"a": "1", "b": "2", "c": "3"}), file(data={"a": "1"}))
    assert result["data"] == {"a": "1", "c": "3"}
    assert result["metadata"]["annotations"] == {"ours": "2"}


def test_defaults_of_the_server_are_no_difference() -> None:
    container = {"name": "c", "image": "i", "terminationMessagePath": "/dev/termination-log"}
    there = live(spec={"replicas": 1, "template": {"containers": [container]}})
    result = laid_over(there, file(spec={"template": {"containers": [{"name": "c", "image": "i2"}]}}))
    assert result["spec"] == {"replicas": 1, "template": {"containers": [{**container, "image": "i2"}]}}


def test_lists_without_names_are_replaced() -> None:
    there = live(spec={"rules": [{"host": "a"}, {"host": "b"}]})
    assert laid_over(there, file(spec={"rules": [{"host": "b"}]}))["spec"] == {"rules": [{"host": "b"}]}


SERVICE = {"apiVersion": "v1", "kind": "Service"}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment"}
OWN = {"name": "controller", "image": "i"}
SIDECAR = {"name": "sidecar", "image": "s"}


def test_an_element_that_the_file_has_no_more_goes() -> None:
    last = {"spec": {"ports": [{"port": 80}, {"port": 81}]}}
    there = live(last, spec={"ports": [{"port": 80, "nodePort": 30080}, {"port": 81}]})
    result = laid_over(there, file(**SERVICE, spec={"ports": [{"port": 80}]}))
    assert result["spec"]["ports"] == [{"port": 80, "nodePort": 30080}]


def pods(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": list(containers), **more}}}


def test_a_sidecar_that_was_put_in_stays_with_what_belongs_to_it() -> None:
    last = {"spec": pods({**OWN, "env": [{"name": "OLD", "value": "1"}]}, volumes=[{"name": "old"}])}
    env = [{"name": "OLD", "value": "1"}, {"name": "THEIRS", "value": "1"}]
    spec = pods(SIDECAR, {**OWN, "env": env}, volumes=[{"name": "old"}, {"name": "theirs"}])
    wanted = file(**DEPLOYMENT, spec=pods({**OWN, "env": [{"name": "NEW", "value": "2"}]}, volumes=[]))
    own = {**OWN, "env": [{"name": "NEW", "value": "2"}, {"name": "THEIRS", "value": "1"}]}
    result = laid_over(live(last, **DEPLOYMENT, spec=spec), wanted)
    assert result["spec"] == pods(SIDECAR, own, volumes=[{"name": "theirs"}])


def test_the_same_file_again_is_no_difference_beside_what_was_put_in() -> None:
    behind = {"name": "behind", "image": "b"}
    spec = pods(SIDECAR, OWN, behind, {"name": "last", "image": "l"})
    wanted = pods(OWN, {"name": "last", "image": "l"})
    assert laid_over(live({"spec": wanted}, spec=spec), file(**DEPLOYMENT, spec=wanted))["spec"] == spec


def test_a_list_that_an_earlier_apply_named_and_the_file_does_not_goes_whole() -> None:
    last = {"spec": pods(OWN, volumes=[{"name": "old"}])}
    there = live(last, spec=pods(OWN, volumes=[{"name": "old"}, {"name": "theirs"}]))
    assert laid_over(there, file(**DEPLOYMENT, spec=pods(OWN)))["spec"] == pods(OWN)


@pytest.mark.parametrize(
    ("version", "kind", "field"),
    [
        ("apps/v1", "Deployment", "tolerations"),
        ("networking.k8s.io/v1", "NetworkPolicy", "ports"),
        ("serving.knative.dev/v1", "Service", "containers"),
    ],
)
def test_lists_that_kubernetes_does_not_merge_are_the_files(version: str, kind: str, field: str) -> None:
    items = [{"name": "a", "port": 1}, {"name": "b", "port": 2}]
    wanted = file(apiVersion=version, kind=kind, spec={field: items[:1]})
    assert laid_over(live(spec={field: items}), wanted)["spec"] == {field: items[:1]}


def test_a_key_that_is_no_text_makes_a_list_the_files() -> None:
    wanted = pods({"name": {"odd": 1}})
    assert laid_over(live(spec=pods(OWN)), file(**DEPLOYMENT, spec=wanted))["spec"] == wanted


def test_null_takes_away() -> None:
    assert laid_over(live(data={"a": "1", "b": "2"}), file(data={"a": None}))["data"] == {"b": "2"}


def test_a_secret_is_compared_as_it_is_kept() -> None:
    item = {"kind": "Secret", "data": {"a": "YQ=="}, "stringData": {"b": "b"}}
    assert encoded(item) == {"kind": "Secret", "data": {"a": "YQ==", "b": "Yg=="}}


def test_a_last_applied_that_is_no_json_is_as_none() -> None:
    there = live(data={"a": "1"})
    there["metadata"]["annotations"][LAST_APPLIED] = "{"
    assert laid_over(there, file(data={}))["data"] == {"a": "1"}
