"""What a configuration is compared by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Part(NamedTuple):
    """One comparable thing of the configuration."""

    rule: str
    """Id in `rules.RULES`."""
    where: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.name}" if self.name else self.where


Configuration = Mapping[Part, str]


def differences(old: Configuration, new: Configuration) -> tuple[Part, ...]:
    """The parts that came, went or changed, in a steady order."""
    return tuple(sorted(part for part in {*old, *new} if old.get(part) != new.get(part)))
