"""What is hidden in an object, told apart from what is hidden at the same place in another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from blueshift.masks import HIDDEN


def told_apart(shown: Any, real: Any, other_shown: Any, other_real: Any, label: str) -> Any:
    """`shown` with `label` behind each part that looks the same in the other and is not.

    `shown` is the masked form of `real`, `other_shown` that of `other_real`. Lists of named things
    (variables, containers) are compared by name, texts by line and other lists by what is in them: one more
    of them does not make the rest look changed.
    """
    if real == other_real or shown is None or other_shown is None:
        return shown
    if isinstance(shown, Mapping) and isinstance(other_shown, Mapping):
        return {
            name: told_apart(one, _at(real, name), other_shown.get(name), _at(other_real, name), label)
            for name, one in shown.items()
        }
    if isinstance(shown, list) and isinstance(other_shown, list):
        return list(_items(shown, real, other_shown, other_real, label))
    if isinstance(shown, str) and isinstance(other_shown, str):
        return _text(shown, str(real), other_shown, str(other_real), label)
    return shown


def _at(value: Any, name: Any) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _items(
    shown: list[Any], real: list[Any], other_shown: list[Any], other_real: list[Any], label: str
) -> Iterator[Any]:
    beside = dict(zip(_names(other_real), zip(other_shown, other_real, strict=True), strict=True))
    for name, one, its in zip(_names(real), shown, real, strict=True):
        if isinstance(one, Mapping):
            other, its_real = beside.get(name, (None, None))
            yield told_apart(one, its, other, its_real, label)
        else:
            yield _mark(one, its, other_shown, other_real, label)


def _names(items: list[Any]) -> Iterator[Any]:
    """What tells the items of a list from each other: their names, else their places."""
    for place, item in enumerate(items):
        yield item["name"] if isinstance(item, Mapping) and isinstance(item.get("name"), str) else place


def _text(shown: str, real: str, other_shown: str, other_real: str, label: str) -> str:
    lines, real_lines = shown.split("\n"), real.split("\n")
    others, other_lines = other_shown.split("\n"), other_real.split("\n")
    if len(lines) != len(real_lines):  # hidden as a whole
        lines, real_lines, others, other_lines = [shown], [real], [other_shown], [other_real]
    pairs = zip(lines, real_lines, strict=True)
    return "\n".join(str(_mark(one, its, others, other_lines, label)) for one, its in pairs)


def _mark(shown: Any, real: Any, others: Collection[Any], other_real: Collection[Any], label: str) -> Any:
    alike = HIDDEN in str(shown) and shown in others and real not in other_real
    return f"{shown} ({label})" if alike else shown
