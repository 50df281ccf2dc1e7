"""Changes of Helm values as data: path, value, reason; and how they are laid over a user's values."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, Literal

import msgspec

Values = Mapping[str, Any]
Path = tuple[str, ...]


class _Delete(Enum):
    DELETE = "deleted"


DELETE: Final = _Delete.DELETE
"""As a value: take the user's key away, so that the chart's default counts again."""


class Override(msgspec.Struct, frozen=True):
    """One value that Blueshift sets, and why. `None` as the value takes the chart's own default away too."""

    path: Path
    """Keys from the root; a key may hold dots, as those of annotations do."""
    value: Any | Literal[_Delete.DELETE]
    reason: str

    @property
    def name(self) -> str:
        """The path as people write it."""
        return dotted(self.path)


class Absent(msgspec.Struct, frozen=True):
    """A value that would be set if this chart version had it, and what its lack means."""

    path: Path
    reason: str


def dotted(path: Path) -> str:
    """`controller.service.annotations."metallb.io/loadBalancerIPs"`: quoted where a key holds dots."""
    return ".".join(f'"{key}"' if "." in key else key for key in path)


def dig(values: Values, path: Path) -> Any:
    """The value at a path, or None where there is none."""
    here: Any = values
    for key in path:
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = here[key]
    return here


def has(values: Values, path: Path) -> bool:
    """Whether the path is written there, whatever its value."""
    parent = dig(values, path[:-1]) if len(path) > 1 else values
    return isinstance(parent, Mapping) and path[-1] in parent


def merge(defaults: Values, values: Values) -> dict[str, Any]:
    """What templates see: a user's values over the chart's defaults, as Helm lays them.

    Mappings merge, lists are replaced, null takes a default away (Helm docs, "Deleting a default key").
    """
    merged = dict(defaults)
    for key, value in values.items():
        under = defaults.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(under, Mapping):
            merged[key] = merge(under, value)
        else:
            merged[key] = value
    return merged


def apply(values: Values, overrides: Iterable[Override]) -> dict[str, Any]:
    """A copy of a user's values with the overrides laid over them, in order; nothing empty is left behind."""
    changed: dict[str, Any] = copy.deepcopy(dict(values))
    for override in overrides:
        if override.value is DELETE:
            _delete(changed, override.path)
        else:
            _set(changed, override.path, copy.deepcopy(override.value))
    return changed


def _set(values: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[path[-1]] = value


def _delete(values: dict[str, Any], path: Path) -> None:
    if not has(values, path):
        return
    parents = [values]
    for key in path[:-1]:
        parents.append(parents[-1][key])
    del parents[-1][path[-1]]
    for depth in range(len(path) - 2, -1, -1):
        if not parents[depth][path[depth]]:
            del parents[depth][path[depth]]
