"""The journal of a run: one document, changed only by `entries.apply`, which is pure.

It lives in ConfigMap `blueshift-run-<id>` (see `store`). Every record raises `seq` by one; `epoch` rises by
one with every take-over or resume, so (epoch, seq) names one write of one process.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from blueshift.engine.protocol import Fact, Journalled, Way, fact_name
from blueshift.engine.state import State
from blueshift.errors import BlueshiftError

SCHEMA = 3
"""2 added tracks other than forward, and pauses; 3 added names that a run takes along after its snapshot,
which a version that knows only planned names would leave behind, and runs that are parked. An older journal
reads as one without."""

Status = Literal["working", "holding", "interrupted", "parked", "succeeded", "rolled-back"]
OVER: frozenset[Status] = frozenset({"succeeded", "rolled-back"})
"""Nothing is left to carry on."""
Track = Literal["forward", "back", "panic"]
OnFailure = Literal["hold", "rollback"]


class WaitEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A wait's first instant and, where it ends by itself, its deadline."""

    since: datetime
    reason: str
    deadline: datetime | None = None
    holds: bool = False
    """The deadline holds the run, so a resume after that hold begins it anew; a minimum wait never does."""


class StepEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one step."""

    started: datetime | None = None
    settled: datetime | None = None
    said: str = ""
    effects: dict[str, Journalled] = {}
    waits: dict[str, WaitEntry] = {}


class Standstill(msgspec.Struct, frozen=True, omit_defaults=True):
    """A hold or a waiting gate. Approvals name its number, so an old one never opens the next."""

    number: int
    step: str
    reason: str
    since: datetime
    gate: str = ""
    ways: tuple[Way, ...] = ()


class Stood(msgspec.Struct, frozen=True, omit_defaults=True):
    """A standstill of the past, without its ways on: those were of that moment."""

    number: int
    step: str
    reason: str
    since: datetime
    gate: str = ""


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who let the run pass a standstill."""

    standstill: int
    step: str
    gate: str
    by: str
    at: datetime
    reason: str = ""


class TrackStep(msgspec.Struct, frozen=True):
    """A step of a track that was compiled while the run was under way, with its settings as plain data."""

    kind: str
    id: str
    settings: dict[str, Any]


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """The run left its track for another one."""

    to: Track
    by: str
    at: datetime
    reason: str
    steps: tuple[TrackStep, ...]
    """What the new track was compiled from, before expansion."""
    left: tuple[str, ...] = ()
    """Step ids of the track that was left."""


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person keeps the run from its next effect."""

    by: str
    at: datetime
    reason: str = ""


class Carried(msgspec.Struct, frozen=True, omit_defaults=True):
    """A process that carried the run, from one epoch on."""

    epoch: int
    by: str
    at: datetime
    over: str = ""
    """The process that it was taken from: the one that carried it and had not left it."""
    reason: str = ""
    """Of a take-over by command."""


class Waived(msgspec.Struct, frozen=True, omit_defaults=True):
    """A check of the preflight that was not to count as it does."""

    check: str
    how: Literal["skipped", "acknowledged"]
    by: str
    """Who opened the run so."""
    given: Literal["--skip", "--acknowledge", "settings"]
    """Where it was said."""
    saw: str = ""
    """What the check saw then."""


class Versions(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of the primary's chart: as the run found it, and as its playbook leaves it."""

    before: str
    after: str
    app_before: str = ""
    """Of the controller in it, by the chart's `appVersion`; empty in journals from before it was told."""
    app_after: str = ""

    @property
    def change(self) -> str:
        """`4.11.3 → 4.12.1`; one version where only values change."""
        return _change(self.before, self.after)

    @property
    def app_change(self) -> str:
        """The same of the controller; empty where it is not known."""
        return _change(self.app_before, self.app_after)


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


class Software(msgspec.Struct, frozen=True):
    """Versions of what a run was opened with, and on."""

    blueshift: str
    helm: str
    kubernetes: str
    """`gitVersion` of the API server."""


class Journal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole of a run's position. No credential is ever in it."""

    run: str
    release: str
    namespace: str
    cluster: str
    """UID of kube-system: a resume on another cluster is refused."""
    plan: str
    """Hash of the plan contract."""
    playbook: str
    created: datetime
    track: tuple[str, ...]
    """Step ids in order, after expansion: of the track that the run is on."""
    chart: Versions | None = None
    """None in journals from before it was told."""
    software: Software | None = None
    """None in journals from before it was told."""
    reverts: str = ""
    """The finished run that this one takes back."""
    waived: tuple[Waived, ...] = ()
    """Checks that were skipped, and warnings that were acknowledged, when it was opened."""
    schema: int = msgspec.field(default_factory=lambda: SCHEMA)
    """A factory, since a plain default would be omitted, and an older version could not tell."""
    epoch: int = 1
    seq: int = 0
    holder: str = ""
    carried: tuple[Carried, ...] = ()
    """Every process that carried it, the first one first."""
    status: Status = msgspec.field(default_factory=lambda: "working")
    """A factory as well: programs that read a journal need it in every one."""
    state: State = State()
    steps: dict[str, StepEntry] = {}
    facts: dict[str, Any] = {}
    standstill: Standstill | None = None
    standstills: int = 0
    stood: tuple[Stood, ...] = ()
    """The latest standstills, with that of now."""
    approvals: tuple[Approval, ...] = ()
    asked_anew: dict[str, int] = {}
    """Steps that begin anew after traffic was taken back → the number of standstills until then: what was
    approved before that opens no gate of theirs again."""
    said: str = ""
    turn: Turn | None = None
    """The latest one; None on the way forward."""
    turns: int = 0
    """How many there were: a word that asks for one names this number, so it takes effect once."""
    paused: Pause | None = None
    on_failure: OnFailure = "hold"
    """What comes after a hold on the way forward."""

    @property
    def on(self) -> Track:
        """The track that it is on."""
        return self.turn.to if self.turn else "forward"

    def step(self, step: str) -> StepEntry:
        """The entry of a step, empty when it has not started."""
        return self.steps.get(step, StepEntry())

    def fact(self, kind: type[Fact]) -> Fact:
        """A fact by type. Raises BlueshiftError when no step has left it."""
        found = self.learnt(kind)
        if found is None:
            raise BlueshiftError(
                f"run {self.run} has no fact {fact_name(kind)}: the step that leaves it has not settled"
            )
        return found

    def learnt(self, kind: type[Fact]) -> Fact | None:
        """A fact by type; None when no step has left it."""
        told = self.facts.get(fact_name(kind))
        return None if told is None else msgspec.convert(told, kind)

    def approved(self, gate: str, step: str) -> bool:
        """Whether the gate of that step was opened, since it last began anew."""
        spent = self.asked_anew.get(step, 0)
        return any(
            (approval.gate, approval.step) == (gate, step) and approval.standstill > spent
            for approval in self.approvals
        )
