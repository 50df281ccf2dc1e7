"""Bounds of YAML: depth also through aliases, size after them, and keys."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from blueshift.playbook.bounds import MAX_DEPTH, bounded, unprintable


def walk(text: str, **bounds: Any) -> int:
    """The number of events, if all is well."""

    def fault(event: Any, why: str) -> ValueError:
        return ValueError(f"{event.start_mark.line + 1}: {why}")

    return len(list(bounded(yaml.parse(text), fault, **bounds)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: *b", "1: the alias"),
        ("a: &a\n  b: *a", "2: the alias"),
        ("a: &a 1\nb: &a [*a]", "2: the alias"),
        ("a: &a 1\n---\nb: *a", "3: the alias"),
        ("a: 1\nb: 2\na: 3", "3: the key 'a' stands here again"),
        ("a: !!set {b}", "1: the tag"),
        ("? {a: 1}\n: 2", "1: a key must be text"),
        ("[" * (MAX_DEPTH + 2), "1: nested"),
        ("".join(["a0: &a0 [x]\n", *(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 90))]), "50: nested"),
    ],
)
def test_what_goes_beyond_a_bound_is_told_where_it_does(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=rf"^{why}"):
        walk(text)


def test_what_is_within_them_passes() -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, y: [*a, *a]}\nc: {x: 1}\n"
    assert walk(text) == len(list(yaml.parse(text)))
    assert walk("[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_size_counts_what_aliases_stand_for() -> None:
    text = "a: &a [1, 2, 3]\nb: [*a, *a]\n"
    assert walk(text, most=16)
    with pytest.raises(ValueError, match="more than 14 nodes"):
        walk(text, most=14)


def test_keys_may_stand_twice_where_helm_would_take_the_last() -> None:
    assert walk("a: 1\na: 2\n", unique=False)


def test_characters_that_yaml_has_no_place_for_have_one_in_the_error() -> None:
    assert unprintable("a: 1\nb: ä\n", "f") is None
    found = unprintable("a: 1\nb: \x1b\n", "f")
    assert found is not None
    assert found[0] == "f:2:4"
    assert "0x1b" in found[1]
