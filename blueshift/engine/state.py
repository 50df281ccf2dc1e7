"""Where a run stands, in the few words that steps need to agree on."""

from __future__ import annotations

from typing import Literal

import msgspec

SideName = Literal["primary", "temporary"]
Traffic = Literal["primary", "temporary", "split"]

Sides = Literal["verified", "drained", "floors", "quiesced"]
"""Fields of a State that are sets of sides."""

OTHER: dict[SideName, SideName] = {"primary": "temporary", "temporary": "primary"}


class State(msgspec.Struct, frozen=True):
    """What steps need and leave (`Step.needs`, `Step.leaves`)."""

    traffic: Traffic = "primary"
    temporary: Literal["absent", "partial", "ready"] = "absent"
    """`partial` while it is installed or removed."""
    primary: Literal["old", "hardened", "target", "unsure"] = "old"
    """`unsure` while it changes."""
    verified: tuple[SideName, ...] = ("primary",)
    """Sides that proved themselves since they last changed, the last one last."""
    drained: tuple[SideName, ...] = ("temporary",)
    """Sides proven to serve nobody since traffic last left them; the temporary was not there before."""
    floors: tuple[SideName, ...] = ()
    """Sides whose replica floor this run raised."""
    ttl: Literal["as-before", "low"] = "as-before"
    preflight: bool = False
    quiesced: tuple[SideName, ...] = ()
    """Sides whose connections end early: nothing is moved to one before that was taken back."""

    def but(self, **changes: object) -> State:
        """This state with some fields changed."""
        return msgspec.structs.replace(self, **changes)

    def with_side(self, field: Sides, side: SideName) -> State:
        """This state with `side` in the set `field`, as its last."""
        there: tuple[SideName, ...] = getattr(self, field)
        return self.but(**{field: (*(name for name in there if name != side), side)})

    def without_side(self, field: Sides, side: SideName) -> State:
        """This state with `side` taken out of the set `field`."""
        there: tuple[SideName, ...] = getattr(self, field)
        return self.but(**{field: tuple(name for name in there if name != side)})
