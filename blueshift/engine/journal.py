"""The journal of a run: one document, changed only by `apply`, which is pure.

It lives in ConfigMap `blueshift-run-<id>` (see `store`). Every record raises `seq` by one; `epoch` rises by
one with every take-over or resume, so (epoch, seq) names one write of one process.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from blueshift.engine.protocol import Fact, Intent, Journalled, Way, fact_name
from blueshift.engine.state import State
from blueshift.errors import BlueshiftError

SCHEMA = 1

Status = Literal["working", "holding", "interrupted", "succeeded"]


class WaitEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A wait's first instant and, where it ends by itself, its deadline."""

    since: datetime
    reason: str
    deadline: datetime | None = None


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


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who let the run pass a standstill."""

    standstill: int
    gate: str
    by: str
    at: datetime
    reason: str = ""


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
    """Step ids in order, after expansion."""
    schema: int = SCHEMA
    epoch: int = 1
    seq: int = 0
    holder: str = ""
    status: Status = "working"
    state: State = State()
    steps: dict[str, StepEntry] = {}
    facts: dict[str, Any] = {}
    standstill: Standstill | None = None
    standstills: int = 0
    approvals: tuple[Approval, ...] = ()
    said: str = ""

    def step(self, step: str) -> StepEntry:
        """The entry of a step, empty when it has not started."""
        return self.steps.get(step, StepEntry())

    def fact(self, kind: type[Fact]) -> Fact:
        """A fact by type. Raises BlueshiftError when no step has left it."""
        try:
            return msgspec.convert(self.facts[fact_name(kind)], kind)
        except KeyError:
            raise BlueshiftError(
                f"run {self.run} has no fact {fact_name(kind)}: the step that leaves it has not settled"
            ) from None

    def approved(self, gate: str, step: str) -> bool:
        """Whether the gate of that step was opened."""
        return any(f"{approval.gate}@{step}" == f"{gate}@{step}" for approval in self.approvals)


class Started(msgspec.Struct, frozen=True, tag=True):
    """A step begins."""

    step: str


class Intended(msgspec.Struct, frozen=True, tag=True):
    """An effect comes next."""

    step: str
    effect: str
    intent: Intent


class Did(msgspec.Struct, frozen=True, tag=True):
    """An effect is in the world; adopted when it was found there."""

    step: str
    effect: str
    adopted: bool = False


class WaitBegan(msgspec.Struct, frozen=True, tag=True):
    """The first instant of a wait."""

    step: str
    key: str
    reason: str
    deadline: datetime | None = None


class StepSettled(msgspec.Struct, frozen=True, tag=True):
    """A step's proofs hold; its facts are written with it."""

    step: str
    said: str
    state: State
    facts: dict[str, Any] = {}


class StoodStill(msgspec.Struct, frozen=True, tag=True):
    """A hold, or a gate that waits."""

    step: str
    reason: str
    gate: str = ""
    ways: tuple[Way, ...] = ()


class Approved(msgspec.Struct, frozen=True, tag=True):
    """A person let the run pass the standstill."""

    approval: Approval


class Resumed(msgspec.Struct, frozen=True, tag=True):
    """Another process, or the same person again, carries the run on."""

    holder: str


class Left(msgspec.Struct, frozen=True, tag=True):
    """The process leaves the run."""

    status: Status
    said: str


Entry = Started | Intended | Did | WaitBegan | StepSettled | StoodStill | Approved | Resumed | Left


def apply(journal: Journal, entry: Entry, at: datetime) -> Journal:
    """The journal after one entry. Pure; raises BlueshiftError for an entry that cannot follow."""
    after = _apply(journal, entry, at)
    return replace(after, seq=journal.seq + 1)


def _apply(journal: Journal, entry: Entry, at: datetime) -> Journal:
    match entry:
        case Started(step):
            old = journal.step(step)
            return _with(journal, step, replace(old, started=old.started or at))
        case Intended(step, effect, intent):
            old = journal.step(step)
            if (known := old.effects.get(effect)) and known.done:
                raise BlueshiftError(f"{step}: {effect} is done already and is not intended again")
            return _with(
                journal, step, replace(old, effects={**old.effects, effect: Journalled(intent, intended=at)})
            )
        case Did(step, effect, adopted):
            old = journal.step(step)
            if effect not in old.effects:
                raise BlueshiftError(f"{step}: {effect} was never intended")
            done = replace(old.effects[effect], done=at, adopted=adopted)
            return _with(journal, step, replace(old, effects={**old.effects, effect: done}))
        case WaitBegan(step, key, reason, deadline):
            old = journal.step(step)
            if key in old.waits:
                raise BlueshiftError(f"{step}: the wait {key} has begun already and does not begin anew")
            return _with(
                journal, step, replace(old, waits={**old.waits, key: WaitEntry(at, reason, deadline)})
            )
        case StepSettled(step, said, state, facts):
            entry_after = replace(journal.step(step), settled=at, said=said)
            after = _with(journal, step, entry_after)
            return replace(after, state=state, facts={**journal.facts, **facts}, standstill=None)
        case StoodStill(step, reason, gate, ways):
            number = journal.standstills + 1
            standstill = Standstill(number, step, reason, at, gate, ways)
            status: Status = "working" if gate else "holding"
            return replace(
                journal, standstill=standstill, standstills=number, status=status, said=reason
            )
        case Approved(approval):
            if not journal.standstill or journal.standstill.number != approval.standstill:
                raise BlueshiftError(f"standstill {approval.standstill} is not where run {journal.run} stands")
            return replace(journal, standstill=None, approvals=(*journal.approvals, approval))
        case Resumed(holder):
            keep = journal.standstill if journal.standstill and journal.standstill.gate else None
            return replace(
                journal, epoch=journal.epoch + 1, holder=holder, status="working", standstill=keep, said=""
            )
        case Left(status, said):
            return replace(journal, status=status, said=said)


def _with(journal: Journal, step: str, entry: StepEntry) -> Journal:
    return replace(journal, steps={**journal.steps, step: entry})
