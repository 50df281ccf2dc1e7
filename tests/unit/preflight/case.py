"""One way to spoil a World, and what a check makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from blueshift.discovery.world import World
from blueshift.preflight.protocol import Finding, Outcome
from blueshift.preflight.run import run_all


@dataclass
class Case:
    """A spoilt World, and what the check says of it."""

    check: str
    says: str
    changes: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome = "fail"
    stops: bool = True

    @property
    def label(self) -> str:
        return f"{self.check}: {self.says[:40]}"


def of(check: str, given: World) -> tuple[Finding, ...]:
    """What one check finds in a World."""
    return run_all(given, only=(check,))
