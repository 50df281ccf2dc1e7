from typing import Any

import pytest

from blueshift.controllers.overrides import DELETE, Override, apply, dig, dotted, has, merge


def test_apply_sets_and_deletes_and_leaves_the_users_values_alone() -> None:
    values: dict[str, Any] = {"a": {"b": 1, "c": 2}, "d": {"e": {"f": 3}}, "g": "text"}
    changed = apply(
        values,
        [
            Override(("a", "b"), 5, "r"),
            Override(("d", "e", "f"), DELETE, "r"),
            Override(("g", "h"), [1], "r"),
            Override(("no", "such"), DELETE, "r"),
            Override(("x",), DELETE, "r"),
        ],
    )
    assert changed == {"a": {"b": 5, "c": 2}, "g": {"h": [1]}}
    assert values == {"a": {"b": 1, "c": 2}, "d": {"e": {"f": 3}}, "g": "text"}


def test_what_is_set_is_no_alias_of_the_override() -> None:
    override = Override(("a",), {"b": []}, "r")
    apply({}, [override])["a"]["b"].append(1)
    assert override.value == {"b": []}


def test_merge_is_helms() -> None:
    assert merge({"a": {"b": 1, "c": [1, 2]}, "d": 1}, {"a": {"c": [3]}, "d": None, "e": {"f": 1}}) == {
        "a": {"b": 1, "c": [3]},
        "e": {"f": 1},
    }


@pytest.mark.parametrize(
    ("path", "value", "there"),
    [
        (("a", "b"), None, True),
        (("a", "c"), None, False),
        (("a", "b", "c"), None, False),
        (("a",), {"b": None}, True),
    ],
)
def test_a_key_that_is_null_is_there(path: tuple[str, ...], value: Any, there: bool) -> None:
    assert dig({"a": {"b": None}}, path) == value
    assert has({"a": {"b": None}}, path) is there


def test_keys_with_dots_are_quoted() -> None:
    assert dotted(("a", "x.io/y")) == 'a."x.io/y"'
    assert Override(("a", "b"), 1, "r").name == "a.b"
