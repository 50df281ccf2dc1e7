"""Helm values: merging as Helm does it, their hash, and what may be shown of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from blueshift.masks import HIDDEN, SECRET_NAME, masked

# Keys that only name a Secret, which is no secret itself.
_NAME = re.compile(r"(name|ref|namespace|enabled|mount|annotations|labels|path)s?$", re.IGNORECASE)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `base`, as a later `-f` over an earlier: maps merge, all else replaces.

    None stays in the result, since Helm takes a chart's default away by it.
    """
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = merge(below, value)
        else:
            result[key] = value
    return result


def digest(values: Mapping[str, Any]) -> str:
    """A hash by content: key order, and how a number is written, do not matter."""
    return hashlib.sha256(msgspec.json.encode(_plain(values), order="deterministic")).hexdigest()


def redacted(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same mapping with what looks like a secret hidden, judged by the names of keys and by its shape."""
    return {key: _redact(key, value) for key, value in values.items()}


def _redact(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        # Helm charts name maps of secret data like this; below it every key is somebody's own.
        hide = bool(SECRET_NAME.search(key)) and key.lower().endswith("data")
        # An environment variable carries its name beside its value and not as its key.
        told = str(value.get("name", "value"))
        return {
            name: HIDDEN if hide else _redact(told if name == "value" else name, one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_redact(key, one) for one in value]
    if not isinstance(value, str) or not value:
        return value
    looks = bool(SECRET_NAME.search(key)) and not _NAME.search(key)
    return HIDDEN if looks else masked(value, {})


def forgotten(
    values: Mapping[str, Any], before: Mapping[str, Any], now: Mapping[str, Any], at: str = ""
) -> tuple[str, ...]:
    """Paths in `values` that the defaults `before` know and those of `now` do not.

    Where the defaults are an empty map every key below is the user's own, and neither knows any.
    """
    found: list[str] = []
    for key, value in values.items():
        path = f"{at}.{key}" if at else key
        if key in before and key not in now:
            found.append(path)
        elif all(isinstance(one, Mapping) for one in (value, before.get(key), now.get(key))) and now[key]:
            found += forgotten(value, before[key], now[key], path)
    return tuple(found)


def strange(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys at the top that a chart's defaults do not know: what stands below them has no effect.

    `global` is Helm's own, and people keep YAML anchors below `x-…`, `_…` and `.…`. Deeper down charts read
    keys that their defaults do not name.
    """
    if not defaults:
        return ()
    own = ("x-", "_", ".")
    return tuple(key for key in values if key not in {*defaults, "global"} and not key.startswith(own))


def holds(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether a chart's defaults hold every one of these values (at least one)."""
    return bool(values) and merge(defaults, values) == defaults


def _plain(value: Any) -> Any:
    """Numbers as Helm has them: 1.0 and 1 are the same, and what is beyond 2^53 is a float64."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return int(float(value))
    return value
