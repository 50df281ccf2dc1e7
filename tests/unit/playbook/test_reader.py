"""Reading YAML within bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from blueshift.errors import BlueshiftError
from blueshift.playbook.bounds import MAX_DEPTH
from blueshift.playbook.files import MOST
from blueshift.playbook.reader import Source, parse, read_file
from blueshift.playbook.tree import Invalid, Items, Mapping, Node, Place, Scalar, merged, plain


def tree(text: str) -> Node:
    return parse(Source(text, "test.yaml"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "test.yaml:1:1: there is nothing in it"),
        ("# only a comment\n", "test.yaml:1:1: there is nothing in it"),
        ("a: 1\nb: 2\na: 3\n", "test.yaml:3:1: the key 'a' stands here again (first in line 1)"),
        ("a: {b: 1, b: 2}", "test.yaml:1:11: the key 'b' stands here again (first in line 1)"),
        ("a: 1\n---\nb: 2\n", "test.yaml:2:1: there is a second document in it"),
        ("a: [1, 2\n", "test.yaml:2:1: this is no YAML:"),
        ("a: b: c", "test.yaml:1:5: this is no YAML:"),
        ("a:\n\t- b", "test.yaml:2:1: this is no YAML:"),
        ("a: &x 1\nb: {<<: *x}", "test.yaml:2:5: merge keys (`<<`) are not supported"),
        ("{a: 1}: 2", "test.yaml:1:1: a key must be text"),
        ("a: *x", "test.yaml:1:4: the alias *x stands for nothing"),
        ("a: &x [*x]", "test.yaml:1:8: the alias *x stands for nothing that was finished above"),
        ("a: !!python/name:os.system x", "test.yaml:1:4: the tag"),
        ("a: !custom x", "test.yaml:1:4: the tag !custom is not supported"),
        ("a: \x00", "test.yaml:1:4: the character 0x00 may stand nowhere in YAML"),
        (f"a: {'[' * (MAX_DEPTH + 1)}{']' * (MAX_DEPTH + 1)}", "nested more than 50 deep"),
        ("[" * 5000, "nested more than 50 deep"),
        ("a: " + "9" * 5000, "test.yaml:1:4: a number with more than 40 digits"),
    ],
)
def test_faults_have_a_place(text: str, error: str) -> None:
    with pytest.raises(Invalid) as caught:
        tree(text)
    assert error in str(caught.value)
    assert caught.value.hint


def test_an_alias_bomb_ends_early() -> None:
    """Nine levels of nine aliases each would be 387 million nodes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(Invalid, match=r"^test.yaml:6:10: more than 100,000 nodes, aliases expanded$"):
        tree("\n".join(lines))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_text("a: " + "x" * MOST)
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    for name, error in (
        ("none.yaml", "No such file"),
        ("big.yaml", "bigger than 1,000,000"),
        ("latin.yaml", "not UTF-8"),
        ("", "Is a directory"),
    ):
        with pytest.raises(BlueshiftError, match=error) as caught:
            read_file(tmp_path / name)
        assert name in str(caught.value)


def test_every_node_knows_its_place() -> None:
    root = tree("a: 1\nb:\n  - x\n  - {c: &n y, d: *n}\n")
    assert isinstance(root, Mapping)
    items = root.get("b")
    assert isinstance(items, Items)
    inner = items.nodes[1]
    assert isinstance(inner, Mapping)
    c, d = inner.get("c"), inner.get("d")
    assert c == d == Scalar("y", "y", Place("test.yaml", 4, 9))
    assert str(items.nodes[0].place) == "test.yaml:3:5"


def test_scalars_as_helm_reads_them() -> None:
    text = "[yes, Off, null, ~, 0x1F, 0o17, 017, -12, 1_000, 1.5, .inf, 1e3, 2026-01-01, 1:30, '5', =, '']"
    expected = [
        True,
        False,
        None,
        None,
        31,
        "0o17",
        15,
        -12,
        1000,
        1.5,
        float("inf"),
        "1e3",
        "2026-01-01",
        "1:30",
    ]
    assert plain(tree(text)) == [*expected, "5", "=", ""]


def test_an_overlay_goes_key_by_key_and_keeps_places() -> None:
    base = tree("a: {x: 1, y: [1, 2]}\nb: 2")
    over = parse(Source("a: {y: [3]}\nc: 4", "over.yaml"))
    both = merged(base, over)
    assert plain(both) == {"a": {"x": 1, "y": [3]}, "b": 2, "c": 4}
    assert isinstance(both, Mapping)
    inner = both.get("a")
    assert isinstance(inner, Mapping)
    assert [str(node.place) for key in "xy" if (node := inner.get(key))] == ["test.yaml:1:8", "over.yaml:1:8"]


KEYS = st.text(st.characters(codec="ascii", min_codepoint=97, max_codepoint=122), min_size=1, max_size=8)
DATA: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS.map(lambda k: f"k-{k}"), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(DATA)
def test_what_yaml_writes_is_read_back(data: Any) -> None:
    assert plain(tree(yaml.safe_dump(data, allow_unicode=True))) == data


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#%@`,?\n\t 019."), max_size=80))
def test_any_text_is_a_tree_or_one_error_with_a_place(text: str) -> None:
    """Nothing but Invalid comes out of it."""
    try:
        root: Node | None = tree(text)
        place = ""
    except Invalid as error:
        root, place = None, str(error.place)
    assert root is not None or place.startswith("test.yaml:")
