"""YAML as Helm reads it, from files that are broken."""

from __future__ import annotations

import pytest

from blueshift.errors import BlueshiftError
from blueshift.helm.yaml import load, load_all


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a:\n\tb: 1", "f:2:1: is not YAML"),
        ("- a", "f:1:1: is not a mapping"),
        ("a: 1\n---\nb: 1", "f:2:1: has more than one document"),
        ("? [a]\n: b", "f:1:3: a key must be text"),
        ("a: &a [1]\n? *a\n: b", "f:1:4: is not YAML: a key must be text"),
        ("a: !!int zwei", "f:1:4: is not YAML: this is no number"),
        ("a: " + "9" * 5000, "f:1:4: is not YAML: a number with more than 100 digits"),
        ("a: &a [*a]", "f:1:8: the alias"),
        ("a: 1\nb: \x1b", "f:2:4: the character"),
        (b"a: \xe4", "f:1:4: is not UTF-8"),
    ],
)
def test_a_fault_has_its_place_and_a_remedy(text: str | bytes, error: str) -> None:
    with pytest.raises(BlueshiftError) as caught:
        load(text, "f")
    assert str(caught.value).startswith(error)
    assert caught.value.hint


def test_merge_keys_and_anchors_are_helms_too() -> None:
    assert load("a: &a {x: 1}\nb: {<<: *a, z: 2}\n", "f", unique=True)["b"] == {"x": 1, "z": 2}


def test_a_key_twice_is_an_error_only_in_files_of_people() -> None:
    assert load("a: 1\na: 2\n", "f") == {"a": 2}
    with pytest.raises(BlueshiftError, match="f:2:1: the key 'a' stands here again"):
        load("a: 1\na: 2\n", "f", unique=True)


def test_numbers_beyond_64_bits_are_what_go_makes_of_them() -> None:
    found = load("a: 18446744073709551615\nb: 18446744073709551616\nc: 1e999\n", "f")
    assert found == {"a": 18446744073709551615, "b": 18446744073709551616.0, "c": "1e999"}
    assert isinstance(found["b"], float)


def test_empty_documents_do_not_count() -> None:
    assert load_all("---\n---\na: 1\n---\n", "f") == [{"a": 1}]
    assert load("", "f") == {}
