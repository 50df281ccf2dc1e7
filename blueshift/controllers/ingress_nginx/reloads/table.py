"""Where annotations and settings of the controller end up (places.toml, settings.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from blueshift.controllers.ingress_nginx import annotations as official
from blueshift.controllers.ingress_nginx.version import at_least, numbers

Place = Literal["location", "server", "backend", "waits-for-reload", "waits-for-change"]
_LISTED: tuple[Place, ...] = ("server", "backend", "waits-for-reload", "waits-for-change")

NO_RISKS = (1, 9, 0)
"""The table of annotations begins with controller 1.9; before, what it has counts as known."""

_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}


def knows(version: str, name: str) -> bool:
    """Whether a controller version knows an annotation."""
    if name in _table("places")["old"]:
        return not at_least(version, (1, 10, 0))
    if at_least(version, NO_RISKS):
        return official.knows(version, name)
    # Too old for the table: only what is known to have come later is unknown.
    return bool(official.risk(name)) and official.knows("1.9.0", name)


def place(name: str, version: str) -> Place:
    """Where the value of an annotation goes."""
    since = _table("places")["compared-since"].get(name)
    if since and not _reached(version, since):
        return "waits-for-reload"
    return next((one for one in _LISTED if name in _table("places")[one]), "location")


def _reached(version: str, firsts: Sequence[str]) -> bool:
    """Whether a version is one of these or later, each counting for its own minor version but the last."""
    *older, last = map(numbers, firsts)
    found = numbers(version)
    return at_least(version, last) or any(found[:2] == one[:2] and found >= one for one in older)


def in_force(written: Mapping[str, str], config: Mapping[str, str], version: str) -> dict[str, str]:
    """Annotations (names without prefix) that change anything, with comparable values.

    Left out is what the version does not know, what counts only with another annotation that is not there,
    and what only writes down what is in force without it.
    """
    table = _table("places")
    known = {
        table["same"].get(name, name): _comparable(table["same"].get(name, name), value)
        for name, value in written.items()
        if knows(version, name)
    }
    return {
        name: value
        for name, value in known.items()
        if table["needs"].get(name, name) in known and value != _default(name, config)
    }


def setting_known(version: str, key: str) -> bool:
    """Whether a controller version reads a key of its ConfigMap."""
    table = _table("settings")
    for first, keys in table["until"].items():
        if key in keys:
            return not at_least(version, numbers(first))
    return key in table["defaults"] or key in table["known"]


def settings_in_force(config: Mapping[str, str], version: str) -> dict[str, str]:
    """The keys that change anything; left out are unknown ones, and defaults that are written down."""
    defaults = _table("settings")["defaults"]
    return {
        key: value
        for key, value in ((key, _truth(str(value))) for key, value in config.items())
        if setting_known(version, key) and value != defaults.get(key)
    }


def _default(name: str, config: Mapping[str, str]) -> str | None:
    if name in _table("places")["inherits"]["annotations"]:
        # Of an older name where the ConfigMap has only that.
        old = {new: old for old, new in _table("places")["same"].items()}
        key = old.get(name, name)
        value = config.get(key, _table("settings")["defaults"].get(key))
        return None if value is None else _comparable(name, value)
    found = _table("places")["defaults"].get(name)
    return None if found is None else str(found)


def _comparable(name: str, value: str) -> str:
    if name in _table("places")["lists"]["annotations"]:
        return ",".join(sorted({part.strip() for part in value.split(",") if part.strip()}))
    return _truth(value)


def _truth(value: str) -> str:
    """A boolean as Go prints what strconv.ParseBool reads; other text as it is."""
    if value in _TRUE - {"1"}:
        return "true"
    return "false" if value in _FALSE - {"0"} else value


@cache
def _table(name: str) -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
