"""A text that a regular expression of an Ingress matches, so that its location can be asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

# PCRE's `(?<name>` is Python's `(?P<name>`; look-behinds begin alike.
_NAMED = re.compile(r"\(\?<(?![=!])")
_DELIMITERS = "-./"


def example(pattern: str, *, ignore_case: bool = False) -> str | None:
    """A short text that the expression matches; None if it is PCRE's alone or too clever for this.

    What comes back has been checked against the expression.
    """
    try:
        written = _NAMED.sub("(?P<", pattern)
        expression = re.compile(written, re.IGNORECASE if ignore_case else 0)
        found = _sequence(parser.parse(written), {})
    except (re.error, KeyError, RecursionError, OverflowError):
        return None
    return found if expression.search(found) else None


def example_path(pattern: str, *, ignore_case: bool = False) -> str | None:
    """A path that the expression of a location matches; `\\.php$` gives `/x.php`."""
    found = example(pattern, ignore_case=ignore_case)
    if found is None or found.startswith("/"):
        return found
    path = "/" + found if found[:1].isalnum() else "/x" + found
    matches = re.compile(_NAMED.sub("(?P<", pattern), re.IGNORECASE if ignore_case else 0).search
    return path if matches(path) else None


def _sequence(items: Iterable[tuple[Any, Any]], groups: dict[int, str]) -> str:
    return "".join(_one(code, argument, groups) for code, argument in items)


def _one(code: Any, argument: Any, groups: dict[int, str]) -> str:
    if code is codes.LITERAL:
        return chr(argument)
    if code is codes.NOT_LITERAL:
        return "x" if argument != ord("x") else "y"
    if code is codes.ANY:
        return "x"
    if code is codes.IN:
        return _member(argument)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, getattr(codes, "POSSESSIVE_REPEAT", None)):
        least, _, inner = argument
        return _sequence(inner, groups) * int(least)
    if code is codes.SUBPATTERN:
        group, *_, inner = argument
        text = _sequence(inner, groups)
        if group is not None:
            groups[group] = text
        return text
    if code is codes.BRANCH:
        return _sequence(argument[1][0], groups)
    if code is codes.GROUPREF:
        return groups[int(argument)]
    if code is getattr(codes, "ATOMIC_GROUP", None):
        return _sequence(argument, groups)
    return ""  # anchors and assertions: the check at the end decides


_CATEGORIES: Mapping[Any, str] = {
    codes.CATEGORY_DIGIT: "1",
    codes.CATEGORY_WORD: "x",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_DIGIT: "x",
    codes.CATEGORY_NOT_WORD: "-",
    codes.CATEGORY_NOT_SPACE: "x",
}


def _member(choices: list[tuple[Any, Any]]) -> str:
    if choices[0][0] is codes.NEGATE:
        refused = re.compile("".join(["[", *map(_written, choices[1:]), "]"]))
        return next(letter for letter in "xyz019ABC_" + _DELIMITERS if not refused.match(letter))
    code, argument = choices[0]
    if code is codes.LITERAL:
        return chr(argument)
    return chr(argument[0]) if code is codes.RANGE else str(_CATEGORIES[argument])


_WRITTEN = {
    "DIGIT": r"\d",
    "WORD": r"\w",
    "SPACE": r"\s",
    "NOT_DIGIT": r"\D",
    "NOT_WORD": r"\W",
    "NOT_SPACE": r"\S",
}


def _written(choice: tuple[Any, Any]) -> str:
    code, argument = choice
    if code is codes.LITERAL:
        return re.escape(chr(argument))
    if code is codes.RANGE:
        return f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}"
    return _WRITTEN[str(argument).removeprefix("CATEGORY_")]
