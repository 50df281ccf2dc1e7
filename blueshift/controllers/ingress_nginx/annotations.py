"""Which annotations the controller knows in which version, and how risky each is (annotations.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from blueshift.controllers.ingress_nginx.version import at_least, numbers
from blueshift.discovery.raw import Raw, annotated

FIRST = (0, 49, 0)
"""The first controller version that the table is about."""

LEVELS = ("low", "medium", "high", "critical")


def below(ingress: Raw, prefix: str) -> dict[str, str]:
    """The annotations of an Ingress below the controller's prefix, which is left off."""
    marks = annotated(ingress)
    return {key[len(prefix) + 1 :]: value for key, value in marks.items() if key.startswith(prefix + "/")}


def risk(name: str) -> str:
    """`Low` to `Critical`; empty for what no version with risks (1.9 and later) has."""
    return _risks().get(name, "")


def riskier(level: str, than: str) -> bool:
    """Whether a risk is above an accepted level. What is no level counts as `Low`, as in the controller."""
    return _rank(level) > _rank(than)


def knows(version: str, name: str) -> bool:
    """Whether a controller version knows an annotation, by the table."""
    since, until = _table()["since"].get(name), _table()["until"].get(name)
    return (
        (name in _risks() or until is not None)
        and (since is None or at_least(version, numbers(since)))
        and (until is None or not at_least(version, numbers(until)))
    )


def _rank(level: str) -> int:
    return LEVELS.index(level.lower()) if level.lower() in LEVELS else 0


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("annotations.toml").read_text(encoding="utf-8"))


@cache
def _risks() -> Mapping[str, str]:
    return {name: level for level, names in _table()["risk"].items() for name in names}
