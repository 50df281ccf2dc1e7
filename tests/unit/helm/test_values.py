"""Values merge as Helm merges them, hash by content, and hide their secrets."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from blueshift.helm.values import digest, forgotten, holds, merge, redacted, strange

scalars = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5)
trees: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(st.text(max_size=3), scalars | st.lists(scalars, max_size=3), max_size=4),
    lambda inner: st.dictionaries(st.text(max_size=3), inner | scalars, max_size=4),
    max_leaves=12,
)


def test_maps_merge_lists_replace_none_stays() -> None:
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}
    over = {"a": {"y": [3], "n": None}, "c": 5}
    assert merge(base, over) == {"a": {"x": 1, "y": [3], "n": None}, "b": 1, "c": 5}
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}


@given(trees, trees)
def test_merging_again_changes_nothing(base: dict[str, Any], over: dict[str, Any]) -> None:
    once = merge(base, over)
    assert merge(once, over) == once
    assert merge(base, {}) == base
    assert merge({}, over) == over


@given(trees)
def test_a_hash_knows_no_order_and_survives_json(tree: dict[str, Any]) -> None:
    backwards = dict(reversed(list(tree.items())))
    assert digest(tree) == digest(backwards) == digest(msgspec.json.decode(msgspec.json.encode(tree)))


def test_a_number_hashes_as_helm_would_write_it() -> None:
    assert digest({"a": 1.0}) == digest({"a": 1})
    assert digest({"a": True}) != digest({"a": 1})
    assert digest({"a": "1"}) != digest({"a": 1})
    assert digest({"a": None}) != digest({})


def test_secrets_are_hidden_by_the_names_of_their_keys() -> None:
    shown = redacted(
        {
            "adminPassword": "hunter2",
            "db": {"apiKey": "k", "user": "u"},
            "existingSecretName": "names-are-fine",
            "imagePullSecrets": [{"name": "registry"}],
            "tokens": ["a", "b"],
            "secretData": {"any": "thing"},
            "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LEVEL", "value": "debug"}],
            "extraArgs": {"default-ssl-certificate": "ns/name"},
            "args": ["--auth-token=hunter2", "--queue", "amqp://app:hunter2@queue/"],
            "headers": {"Authorization": "Basic aHVudGVyMg=="},
        }
    )
    assert shown == {
        "adminPassword": "***",
        "db": {"apiKey": "***", "user": "u"},
        "existingSecretName": "names-are-fine",
        "imagePullSecrets": [{"name": "registry"}],
        "tokens": ["***", "***"],
        "secretData": {"any": "***"},
        "env": [{"name": "DB_PASSWORD", "value": "***"}, {"name": "LEVEL", "value": "debug"}],
        "extraArgs": {"default-ssl-certificate": "ns/name"},
        "args": ["--auth-token=***", "--queue", "amqp://app:***@queue/"],
        "headers": {"Authorization": "Basic ***"},
    }


def test_values_that_a_newer_chart_knows_no_more_are_named_and_free_maps_are_not() -> None:
    before = {"controller": {"old": 1, "kept": 2, "config": {"a": 1}, "extra": {}}, "gone": {"a": 1}}
    now = {"controller": {"kept": 2, "config": {}, "extra": {}, "new": 3}}
    mine = {"controller": {"old": 5, "kept": 6, "config": {"a": 2}, "extra": {"x": 1}, "typo": 1}, "gone": 1}
    assert forgotten(mine, before, now) == ("controller.old", "gone")
    assert forgotten(mine, before, before) == ()


def test_defaults_that_hold_everything_that_is_set() -> None:
    assert holds({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}})
    assert not holds({"a": {"b": 1}}, {"a": {"b": 2}})
    assert not holds({"a": 1}, {"b": 1})
    assert not holds({"a": 1}, {})


def test_keys_at_the_top_that_a_chart_does_not_know() -> None:
    defaults = {"controller": {"replicaCount": 1}, "tcp": {}}
    mine = {
        "controller": {"replicas": 2},
        "tcp": {"9": "a/b:1"},
        "global": {},
        "x-common": {},
        "_own": 1,
        "spec": {},
    }
    assert strange(mine, defaults) == ("spec",)
    assert strange(mine, {}) == (), "a chart without defaults tells nothing"
