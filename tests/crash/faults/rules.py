"""Which request a fault meets: by verb and path (or operation and name), from the nth on, so many times."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Bounded(Protocol):
    """What every rule says."""

    @property
    def verbs(self) -> tuple[str, ...]:
        """Any of these; empty for every one."""

    @property
    def match(self) -> str:
        """A regular expression that is searched for."""

    @property
    def nth(self) -> int:
        """The first that is met, counted from 1."""

    @property
    def times(self) -> int:
        """How many are met."""


Rule = TypeVar("Rule", bound=Bounded)


@dataclass
class Rules(Generic[Rule]):
    """The rules in force, and what they met."""

    rules: list[Rule] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Every request: verb and path."""
    met: list[tuple[str, str, Rule]] = field(default_factory=list)
    """Those that a rule met: a cell whose fault met nothing proves nothing."""
    _counts: dict[int, int] = field(default_factory=dict)

    def add(self, rule: Rule) -> None:
        """Put a rule in force."""
        self.rules.append(rule)

    def clear(self) -> None:
        """Take all rules out of force."""
        self.rules.clear()
        self._counts.clear()

    def meet(self, verb: str, path: str) -> Rule | None:
        """The rule that meets this request, counted."""
        self.seen.append((verb, path))
        for rule in self.rules:
            if (rule.verbs and verb not in rule.verbs) or not re.search(rule.match, path):
                continue
            count = self._counts[id(rule)] = self._counts.get(id(rule), 0) + 1
            if rule.nth <= count < rule.nth + rule.times:
                self.met.append((verb, path, rule))
                return rule
        return None
