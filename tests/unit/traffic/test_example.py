import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.traffic.example import example, example_path


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("^/", "/"),
        ("^/api(/|$)(.*)", "/api/"),
        (r"\.php$", "/x.php"),
        (r"^/v[0-9]+/items/\d{3}$", "/v0/items/111"),
        ("^/(?<lang>de|en)/[^/]+", "/de/x"),
        (r"^/a(?:b|c)*?\s", "/a "),
        (r"^/(\w)\1", "/xx"),
        ("^/[^a-z]", "/0"),
        (r"^/[^\d\w]", "/-"),
        (r"^/[\D]", "/x"),
        ("^/[^x]y", None),
        ("users", "/users"),
        (r"^/x(?!y)", "/x"),
        ("^/[^/.]", "/x"),
    ],
)
def test_a_path_for_each_kind_of_expression(pattern: str, path: str | None) -> None:
    found = example_path(pattern, ignore_case=True)
    assert found is not None
    assert re.search(re.sub(r"\(\?<(?![=!])", "(?P<", pattern), found, re.IGNORECASE)
    assert path is None or found == path


@pytest.mark.parametrize("pattern", [r"^/\K", "^/(", "^a(?=b)", "^/(?R)", "^nopath$"])
def test_what_cannot_be_matched_by_a_path_is_said(pattern: str) -> None:
    assert example_path(pattern) is None


def test_hosts_are_expressions_too() -> None:
    assert example(r"^alias-(two|three)\.example\.com$") == "alias-two.example.com"
    assert example(r"^(?<sub>[\w-]+)\.a\.org$") == "x.a.org"


PIECES = st.sampled_from(
    ["a", r"\d", "[a-f]", "[^x/]", "(b|c)", "(?:d)?", "e{2,3}", "f*", "g+?", ".", r"\.", "(?<n>h)"]
)


@given(st.lists(PIECES, max_size=8).filter(lambda pieces: pieces.count("(?<n>h)") < 2))
def test_whatever_comes_back_matches(pieces: list[str]) -> None:
    pattern = "^/" + "".join(pieces) + "$"
    found = example_path(pattern)
    assert found is not None
    assert re.search(pattern.replace("(?<n>", "(?P<n>"), found)
