"""What a cell is to meet, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Name = Literal["stub", "real"]
"""What answers in a cell: the stub, asked by nobody, or the real controller under traffic."""
Track = Literal["forward", "back"]
"""A run to its end, or one that is taken back from its soak."""
TRACKS: tuple[Track, ...] = ("forward", "back")
Boundaries = Mapping[Track, tuple[str, ...]]
"""What an undisturbed run of each track passes; of `back`, only what comes after it turned."""


class Order(msgspec.Struct, frozen=True):
    """What one cell is to meet."""

    track: Track = "forward"
    fault: str = ""
    """Name of a disturbance's file; empty for kills, of which a point says all."""
    points: tuple[str, ...] = ()


class Traffic(msgspec.Struct, frozen=True):
    """What was asked while one cell ran."""

    requests: int
    failed: int
    void: tuple[str, ...] = ()
    """Why the count proves nothing; empty where it does."""

    def wrong(self) -> tuple[str, ...]:
        """What of it was not as it must be."""
        lost = (f"{self.failed} of {self.requests} requests failed",) if self.failed else ()
        return (*lost, *(f"the count proves nothing: {why}" for why in self.void))


class Result(msgspec.Struct, frozen=True):
    """How one cell went."""

    cell: str
    order: Order
    hit: tuple[str, ...]
    """The points at which it really was killed or disturbed: a wait may be over before it is seen."""
    wrong: tuple[str, ...]
    """What the oracle found; empty for a cell that passed."""
    seconds: float
    boundaries: tuple[str, ...]
    """Everything that was passed, in order; of a track back, from where it turned."""
    commit: str = ""
    """Of the code that was tried."""
    traffic: Traffic | None = None
    """Of a cell that was asked; None where nobody did."""

    @property
    def passed(self) -> bool:
        """Whether all held."""
        return not self.wrong
