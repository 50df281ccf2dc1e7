"""What a run tells while it works. Listeners (`report/`) draw it; nothing in it is ever read back.

Events are versioned by `SCHEMA`: fields are only added within a version.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

SCHEMA = 1


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=str.lower):
    """The root: `at` is the instant, `run` the run's id."""

    at: datetime
    run: str


class RunStarted(Event, frozen=True):
    """A run begins or is resumed; `steps` is the whole track in order."""

    release: str
    steps: tuple[str, ...]
    epoch: int


class Turned(Event, frozen=True):
    """The run leaves its track: `to` is "back" or "panic", `steps` the new track in order."""

    to: str
    by: str
    reason: str
    steps: tuple[str, ...]


class StepStarted(Event, frozen=True):
    """A step begins (or begins again after a resume)."""

    step: str


class EffectIntended(Event, frozen=True):
    """The intent of an effect is in the journal; the effect comes next."""

    step: str
    effect: str
    what: str


class EffectDone(Event, frozen=True):
    """An effect is in the world. `adopted` is true when it was found there on a resume."""

    step: str
    effect: str
    adopted: bool


class Waiting(Event, frozen=True):
    """Why nothing moves, since when, until when at the latest, and what comes then."""

    step: str
    reason: str
    since: datetime
    until: datetime | None
    then: str


class StepSettled(Event, frozen=True):
    """A step's proofs hold; `said` is the sentence that it was journalled with."""

    step: str
    said: str


class GateWaits(Event, frozen=True):
    """A person's word is needed; `command` gives it."""

    step: str
    gate: str
    reason: str
    command: str


class Held(Event, frozen=True):
    """A safe standstill: every name points at a side that proves itself."""

    step: str
    reason: str
    ways: tuple[str, ...]


class RunEnded(Event, frozen=True):
    """The process leaves the run; `status` is the journal's."""

    status: str
    said: str
    until: datetime | None = None
    """When a parked run can go on; None where that is not known."""


class SideSeen(Event, frozen=True):
    """One look at a side: ready pods of wanted, requests per second and errors per second, if known."""

    side: str
    ready: int
    wanted: int
    requests_per_s: float | None
    errors_per_s: float | None
    statuses_per_s: dict[str, float] = {}
    """Class of status (`2xx`, `none` for a request without an answer) → requests per second since the look
    before, by the access logs of its pods; empty where these tell nothing."""
    p50_s: float | None = None
    """Seconds that half of the requests logged since the look before took at most, to 1 %."""
    p95_s: float | None = None


class DrainSeen(Event, frozen=True):
    """One look at a side that traffic has left: who still came within the window."""

    side: str
    clients: int
    requests: int
    connections: int | None
    """Open ones of others than us, by nginx's own status; None where that could not be read."""
    reason: str
    """Why it is not drained; empty when it is."""


class WitnessSeen(Event, frozen=True):
    """How far one witness has watched one pod of a side; a later one of the same three replaces it."""

    side: str
    witness: str
    """`log`, `metrics`, or `prometheus` where that was asked instead of the pod."""
    pod: str
    since: datetime
    until: datetime
    gaps: tuple[tuple[datetime, datetime | None], ...] = ()
    """What was missed in between; the last may be open."""
    blind: str = ""
    """Why it shows not every request, or none."""


class AnswersSeen(Event, frozen=True):
    """One look at DNS: how many names each server (by address) answers with each side's addresses."""

    server: str
    primary: int
    temporary: int
    other: int
    unknown: int
    recursive: bool = False
    """A resolver of `dns.recursives`, which may answer from its cache: shown, and waited for by nothing."""


class Noticed(Event, frozen=True):
    """Something that a person should know and that changes no decision."""

    step: str
    sentence: str


Looked = SideSeen | DrainSeen | WitnessSeen | AnswersSeen
"""What was seen of the world, and is nothing that the run did."""

Emit = Callable[[Event], None]


class Relay:
    """Passes each event on to all who listen: a step is made before those who keep what it sees."""

    def __init__(self, *listeners: Emit) -> None:
        self._listeners = [*listeners]

    def add(self, listener: Emit) -> None:
        """Pass events on to this one too, from now on."""
        self._listeners.append(listener)

    def __call__(self, event: Event) -> None:
        """Pass one on."""
        for listener in self._listeners:
            listener(event)
