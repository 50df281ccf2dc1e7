"""A file over a live object: what stays, goes and changes."""

from __future__ import annotations

import json
from typing import Any

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


def test_an_element_that_the_file_has_no_more_goes() -> None:
    there = live(spec={"ports": [{"port": 80, "nodePort": 30080}, {"port": 81}]})
    result = laid_over(there, file(spec={"ports": [{"port": 80}]}))
    assert result["spec"]["ports"] == [{"port": 80, "nodePort": 30080}]


def test_null_takes_away() -> None:
    assert laid_over(live(data={"a": "1", "b": "2"}), file(data={"a": None}))["data"] == {"b": "2"}


def test_a_secret_is_compared_as_it_is_kept() -> None:
    item = {"kind": "Secret", "data": {"a": "YQ=="}, "stringData": {"b": "b"}}
    assert encoded(item) == {"kind": "Secret", "data": {"a": "YQ==", "b": "Yg=="}}


def test_a_last_applied_that_is_no_json_is_as_none() -> None:
    there = live(data={"a": "1"})
    there["metadata"]["annotations"][LAST_APPLIED] = "{"
    assert laid_over(there, file(data={}))["data"] == {"a": "1"}
