"""Helm values as YAML, each one that Blueshift set with what it was and why above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blueshift.controllers.overrides import Path, dotted
from blueshift.discovery.world import ValueChange
from blueshift.helm import yaml
from blueshift.report.words import flat


def commented(values: Mapping[str, Any], changes: dict[str, ValueChange], path: Path = ()) -> Iterator[str]:
    """Lines of YAML; takes out of `changes`, by path, what it shows."""
    indent = "  " * len(path)
    for key, value in values.items():
        here = (*path, key)
        if change := changes.pop(dotted(here), None):
            yield f"{indent}# {told(change)}"
        if isinstance(value, Mapping) and value:
            yield indent + yaml.dump({key: {}}).removesuffix(" {}\n")
            yield from commented(value, changes, here)
        else:
            yield from (f"{indent}{line}" if line else "" for line in yaml.dump({key: value}).splitlines())


def told(change: ValueChange) -> str:
    """What a value was and why it is otherwise, on one line: a comment ends where its line does."""
    return flat(f"was {change.old}: {change.reason}")
