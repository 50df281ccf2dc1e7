"""One way to spoil a World."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from blueshift.preflight.protocol import Outcome


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
