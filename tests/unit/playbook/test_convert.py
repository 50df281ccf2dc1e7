"""Strict conversion: every fault at once, each with its place and the nearest right word."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from blueshift.errors import BlueshiftError, Errors
from blueshift.playbook.convert import LocalPath, NameOrPath, Raw, convert
from blueshift.playbook.duration import Seconds
from blueshift.playbook.reader import Source, parse
from blueshift.playbook.tree import Mapping


class Colour(Enum):
    BLUE = "blue"
    GREEN = "green"


class Wave(msgspec.Struct, frozen=True):
    share: Annotated[float, msgspec.Meta(gt=0, le=100)]
    hold: Seconds = 300.0


class Settings(msgspec.Struct, frozen=True):
    to: Literal["primary", "temporary"]
    waves: tuple[Wave, ...] = ()
    hold: Seconds | None = None
    names: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    replicas: Annotated[int, msgspec.Meta(ge=1)] = 1
    colour: Colour = Colour.BLUE
    auto: bool = False
    either: int | str = 0
    purge: Literal["auto", "on", 1] = "auto"
    file: LocalPath = ""
    book: NameOrPath = ""
    version: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+\.\d+$")] = "1.0.0"
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=9)] = "x"
    free: Any = None
    raw: Raw = None
    inner: Wave | None = None
    numbers: list[int] = []

    def __post_init__(self) -> None:
        if self.auto and self.replicas > 5:
            raise ValueError("auto takes five replicas at most")


def settings(text: str, folder: str = ".") -> Settings:
    return convert(parse(Source(text, "p.yaml", folder)), Settings)


def test_everything_at_once() -> None:
    got = settings(
        """
to: temporary
waves: [{share: 10, hold: 10s}, {share: 100}]
hold: 1h30m
names: [a, b]
labels: {app: "1"}
replicas: 3
colour: green
auto: yes
either: x
purge: on
file: keys/tsig.key
book: own/book.yaml
version: 1.2.3
free: {a: [1, null]}
raw: {deep: 1}
inner: {share: 1}
numbers: [1, 0x2]
""",
        "/etc/blueshift",
    )
    assert got.waves == (Wave(10.0, 10.0), Wave(100.0, 300.0))
    assert (got.hold, got.names, got.labels, got.replicas) == (5400.0, ("a", "b"), {"app": "1"}, 3)
    assert (got.colour, got.auto, got.either, got.purge) == (Colour.GREEN, True, "x", "on")
    assert (got.file, got.book) == ("/etc/blueshift/keys/tsig.key", "/etc/blueshift/own/book.yaml")
    assert (got.free, got.inner, got.numbers) == ({"a": [1, None]}, Wave(1.0), [1, 2])
    assert isinstance(got.raw, Mapping)


def test_paths_and_plain_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    got = settings("{to: primary, file: ~/k, book: blue-green}", "/etc")
    assert (got.file, got.book) == ("/home/op/k", "blue-green")
    assert settings("{to: primary, file: /k}", "/etc").file == "/k"


def test_null_stands_for_nothing_only_where_that_is_allowed() -> None:
    assert settings("{to: primary, hold: null}").hold is None
    with pytest.raises(BlueshiftError, match=r"p.yaml:1:25: expected true or false, found nothing"):
        settings("{to: primary, auto:     null}")


BAD = [
    (
        "tw: primary",
        ["p.yaml:1:1: unknown key 'tw' (did you mean 'to'?)", "p.yaml:1:1: the key 'to' is missing"],
    ),
    ("to: temporry", ["p.yaml:1:5: 'temporry' is not one of the choices (did you mean 'temporary'?)"]),
    ("to:", ["p.yaml:1:4: 'nothing' is not one of the choices (known: primary, temporary)"]),
    ("to: primary\nhold: 5 minutes", ["p.yaml:2:7: expected a length of time, such as 90s, 5m or 1h30m"]),
    ("to: primary\nhold: -5", ["p.yaml:2:7: expected a length of time, such as 90s, 5m or 1h30m"]),
    (
        "to: primary\nhold: yes",
        ["p.yaml:2:7: expected a length of time, such as 90s, 5m or 1h30m, found the truth"],
    ),
    (
        "to: primary\nhold: [1]",
        ["p.yaml:2:7: expected a length of time, such as 90s, 5m or 1h30m, found a list"],
    ),
    ("to: primary\nreplicas: 2.5", ["p.yaml:2:11: expected a whole number, found a number"]),
    ("to: primary\nreplicas: two", ["p.yaml:2:11: expected a whole number, found text"]),
    ("to: primary\nreplicas: 0", ["p.yaml:2:11: must be at least 1"]),
    ("to: primary\nauto: maybe", ["p.yaml:2:7: expected true or false, found text"]),
    ("to: primary\nauto: 1", ["p.yaml:2:7: expected true or false, found a number"]),
    (
        "to: primary\nnames: [a, 1.10]",
        ['p.yaml:2:12: expected text, found a number (write it in quotes: "1.10")'],
    ),
    ("to: primary\nnames: a", ["p.yaml:2:8: expected a list (of text), found text"]),
    ("to: primary\nlabels: [a]", ["p.yaml:2:9: expected a mapping, found a list"]),
    ("to: primary\nlabels: {a: 1}", ['p.yaml:2:13: expected text, found a number (write it in quotes: "1")']),
    ("to: primary\ncolour: gren", ["p.yaml:2:9: 'gren' is not one of the choices (did you mean 'green'?)"]),
    ("to: primary\nwaves: [{share: 0}]", ["p.yaml:2:17: must be more than 0"]),
    ("to: primary\nwaves: [{share: 101}]", ["p.yaml:2:17: must be at most 100"]),
    ("to: primary\nwaves: [{share: .nan}]", ["p.yaml:2:17: expected a number, found .nan"]),
    (
        "to: primary\nwaves: [10]",
        ["p.yaml:2:9: expected a mapping with keys of: share, hold; found a number"],
    ),
    (
        "to: primary\nwaves:\n- {shar: 1}\n- {share: x}",
        [
            "p.yaml:3:4: unknown key 'shar' (did you mean 'share'?)",
            "p.yaml:3:3: the key 'share' is missing",
            "p.yaml:4:11: expected a number, found text",
        ],
    ),
    ("to: primary\ninner: 5", ["p.yaml:2:8: expected a mapping with keys of: share, hold; found a number"]),
    ("to: primary\neither: [1]", ["p.yaml:2:9: expected a whole number or text, found a list"]),
    ("to: primary\nversion: 1.2", ["p.yaml:2:10: expected text, found a number"]),
    ("to: primary\nversion: v1", ["p.yaml:2:10: must match"]),
    ("to: primary\ntitle: ''", ["p.yaml:2:8: must not be empty"]),
    ("to: primary\ntitle: much-too-long", ["p.yaml:2:8: must have at most 9 characters"]),
    ("to: primary\nauto: true\nreplicas: 6", ["p.yaml:1:1: auto takes five replicas at most"]),
    ("- to", ["p.yaml:1:1: expected a mapping with keys of: to, waves"]),
]


@pytest.mark.parametrize(("text", "expected"), BAD, ids=[text for text, _ in BAD])
def test_faults(text: str, expected: list[str]) -> None:
    with pytest.raises(BlueshiftError) as caught:
        settings(text)
    found = (
        [str(one) for one in caught.value.errors] if isinstance(caught.value, Errors) else [str(caught.value)]
    )
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_a_value_that_may_be_secret_is_not_repeated() -> None:
    with pytest.raises(BlueshiftError) as caught:
        settings("{to: primary, inner: c2VjcmV0, numbers: [c2VjcmV0], auto: c2VjcmV0}")
    assert "c2VjcmV0" not in str(caught.value)
