"""What the loop asks of a step, and what a step may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import msgspec

from blueshift.engine.state import State

Fact = TypeVar("Fact", bound=msgspec.Struct)


class Intent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an effect is about to change; journalled before it. Holds no credential."""

    what: str
    """One sentence."""
    expected: Any = None
    """How the world looked before: plain data, enough to tell our change from another's."""
    wanted: Any = None
    bound: float = 60.0
    """Seconds after which the effect can no longer be at work by itself."""
    command: str = ""
    """The command that it runs, as a person would write it."""


class Way(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way on from a standstill: the sentence and the exact command."""

    what: str
    command: str = ""


class Absent(msgspec.Struct, frozen=True):
    """The world is as the intent expected it: the effect has not happened."""


class Done(msgspec.Struct, frozen=True):
    """The effect is in the world."""


class InFlight(msgspec.Struct, frozen=True):
    """It may still be at work (a helm child that outlived us, a person): wait until its bound."""

    reason: str
    poll: float = 2.0
    """Seconds until it is looked at again."""


class Foreign(msgspec.Struct, frozen=True):
    """Somebody else changed what the effect would change: hold, and show the difference."""

    difference: str
    ways: tuple[Way, ...] = ()


class Unknown(msgspec.Struct, frozen=True):
    """It cannot be told now."""

    reason: str


Observed = Absent | Done | InFlight | Foreign | Unknown


class Effect(Protocol):
    """One atomic change of the outside world."""

    @property
    def key(self) -> str:
        """Stable within its step, over resumes."""

    @property
    def intent(self) -> Intent:
        """What it will do."""

    async def observe(self, journalled: Journalled | None) -> Observed:
        """Look, change nothing. `journalled` is what the journal holds of an earlier try."""

    async def do(self) -> str | None:
        """Do it once. Raises `Ambiguous` when the answer was lost: the loop then observes.

        May return a sentence for the journal.
        """


class Journalled(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the journal knows of one effect."""

    intent: Intent
    intended: datetime
    done: datetime | None = None
    adopted: bool = False
    said: str = ""
    """What is worth knowing of how it was done."""


class Settled(msgspec.Struct, frozen=True):
    """The step's proofs hold."""

    said: str
    facts: tuple[msgspec.Struct, ...] = ()


class Wait(msgspec.Struct, frozen=True):
    """Not yet. The engine journals the first instant of `key` and alone computes deadlines from it."""

    key: str
    reason: str
    then: str = ""
    """What comes after, for the person who reads."""
    lasts: float | None = None
    """Seconds from the first instant: then `on_timeout` holds the run, or a minimum wait is over."""
    poll: float = 2.0
    """Seconds from one look of the step to the next; after a look that took long, half of it at least."""
    on_timeout: Hold | None = None
    unattended: float = 0.0
    """Seconds from now for which nobody needs to look: a run may be parked so long."""


class Hold(msgspec.Struct, frozen=True):
    """A person must choose: an approval opens a `gate`; without one, a resume tries again."""

    reason: str
    ways: tuple[Way, ...] = ()
    gate: str = ""
    lasts: float | None = None
    """Seconds for which a gate waits; then `otherwise`."""
    otherwise: Literal["hold", "open"] = "hold"
    """What an unanswered gate does: hold the run, or let it go on."""
    retreat: bool = False
    """Traffic must not stay where it is: the step's `retreat` comes before the standstill."""
    facts: tuple[msgspec.Struct, ...] = ()
    """What the person needs beside the reason: journalled before it."""


@dataclass(frozen=True)
class Further:
    """More must be changed than was known when the step began; asked again after it.

    Facts are journalled first: the effects are rebuilt from them at every start, by `Step.effects` too.
    """

    facts: tuple[msgspec.Struct, ...] = ()
    effects: tuple[Effect, ...] = ()


Answer = Settled | Wait | Hold | Further


class PlannedChange(msgspec.Struct, frozen=True):
    """A change as a person reads it before saying yes."""

    what: str
    difference: str = ""


class StepPlan(msgspec.Struct, frozen=True):
    """What a step would do, from a World alone."""

    summary: str
    changes: tuple[PlannedChange, ...] = ()
    waits: tuple[str, ...] = ()
    consequences: tuple[str, ...] = ()
    seconds: float = 0.0
    """How long its waits last at least."""
    back: tuple[str, ...] = ()
    """Commands that take this step back by hand, given that all later steps were taken back."""
    hooks: tuple[str, ...] = ()
    """Programs of the user before and after it."""


@dataclass(frozen=True)
class Retreat:
    """How a step takes back what it and its siblings moved, so that a hold is safe."""

    effects: Sequence[Effect]
    steps: tuple[str, ...]
    """Steps that begin anew after it: a resume does them again."""
    state: State


class Record(Protocol):
    """What a step may read of its run's journal."""

    @property
    def state(self) -> State:
        """Where the run stands, as the last settled step left it."""

    @property
    def track(self) -> tuple[str, ...]:
        """The ids of the steps of the track that the run is on, in order."""

    def fact(self, kind: type[Fact]) -> Fact:
        """The fact of that type that an earlier step left. Raises BlueshiftError if none did."""

    def learnt(self, kind: type[Fact]) -> Fact | None:
        """The same; None if no step has left it."""

    def waited(self, step: str, key: str) -> float | None:
        """Seconds since a wait of that step began, by the corrected clock; None if it never did."""

    def effect(self, step: str, key: str) -> Journalled | None:
        """What the journal holds of an effect."""

    def settled(self, step: str) -> bool:
        """Whether that step's proofs held."""

    def approved(self, step: str, gate: str) -> bool:
        """Whether a person opened that gate."""


class Place(Protocol):
    """Where in a run something is done or waited for."""

    @property
    def id(self) -> str:
        """Unique in the run."""


@dataclass(frozen=True)
class Beside:
    """Effects that belong to no step, journalled under an id of their own."""

    id: str
    effects: tuple[Effect, ...]


class Step(Protocol):
    """A part of a run. Built anew at every start from its settings, the World and the journal.

    A kind that playbooks may name also has `Settings`, the type of what they may say about it.
    """

    kind: ClassVar[str]
    reads: ClassVar[tuple[type[msgspec.Struct], ...]]

    @property
    def id(self) -> str:
        """Unique in the run: `forward/shift-to-temporary`."""

    def needs(self, state: State) -> str | None:
        """Why it may not run in this state, or None."""

    def during(self, state: State) -> State:
        """The state that must be reckoned with when it was begun and cut off anywhere inside."""

    def leaves(self, state: State) -> State:
        """The state after it has settled."""

    def plan(self) -> StepPlan:
        """What it would do; pure."""

    async def effects(self) -> Sequence[Effect]:
        """The changes in order; rebuilt from facts at every start."""

    async def settle(self) -> Answer:
        """The waits and proofs. Always run, also when every effect had been done; asked until Settled."""

    async def retreat(self) -> Retreat | None:
        """The way to where traffic is safe, for a hold that asks for it; None where it stays put."""

    async def ways(self) -> Sequence[Way]:
        """The ways on by hand when the run holds in this step, as exact commands."""


def fact_name(kind: type[msgspec.Struct]) -> str:
    """The key that a fact type has in the journal."""
    return kind.__name__


Kinds = Mapping[str, type[msgspec.Struct]]
