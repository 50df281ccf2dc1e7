"""Toy steps over a toy world, for the loop's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import msgspec

from blueshift.engine.journal import Approval, Journal, Standstill
from blueshift.engine.protocol import (
    Absent,
    Answer,
    Done,
    Effect,
    Intent,
    Journalled,
    Observed,
    Retreat,
    Settled,
    StepPlan,
    Way,
)
from blueshift.engine.state import State
from blueshift.engine.store import Runs, Writer
from blueshift.engine.waiting import Services
from blueshift.errors import BlueshiftError
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock


class Nothing(msgspec.Struct, frozen=True):
    pass


class Learned(msgspec.Struct, frozen=True):
    number: int


class Note(msgspec.Struct):
    """What was really done in the toy world, in order."""

    done: list[str] = msgspec.field(default_factory=list)


class ToyEffect:
    def __init__(self, world: Note, key: str) -> None:
        self.world = world
        self.key = key
        self.intent = Intent(f"do {key}", bound=10.0)
        self.observed: Observed | None = None
        self.error: BaseException | None = None
        self.lands_despite_error = False

    async def observe(self, journalled: Journalled | None) -> Observed:
        if self.observed is not None:
            return self.observed
        return Done() if self.key in self.world.done else Absent()

    async def do(self) -> None:
        error, self.error = self.error, None
        if error is None or self.lands_despite_error:
            self.world.done.append(self.key)
        if error is not None:
            raise error


class ToyStep:
    kind: ClassVar[str] = "toy"
    Settings: ClassVar[type[msgspec.Struct]] = Nothing
    reads: ClassVar[tuple[type[msgspec.Struct], ...]] = ()

    def __init__(self, step: str, *effects: ToyEffect, answers: Sequence[Answer] = ()) -> None:
        self.id = step
        self.list = list(effects)
        self.answers = list(answers)
        self.settled = 0
        self.need: str | None = None
        self.back: Retreat | None = None

    def needs(self, state: State) -> str | None:
        return self.need

    def during(self, state: State) -> State:
        return state

    def leaves(self, state: State) -> State:
        return state

    def plan(self) -> StepPlan:
        return StepPlan(self.id)

    async def effects(self) -> Sequence[Effect]:
        return self.list

    async def settle(self) -> Answer:
        self.settled += 1
        return self.answers.pop(0) if self.answers else Settled(f"{self.id} is well", (Learned(7),))

    async def retreat(self) -> Retreat | None:
        return self.back

    async def ways(self) -> Sequence[Way]:
        return (Way("try again", "blueshift resume r1"),)


class Bench:
    """A run over a fake API server."""

    def __init__(self, *track: str) -> None:
        self.kube = FakeKube()
        self.clock = ManualClock()
        self.runs = Runs(cast(Any, self.kube), self.clock, "blueshift")
        self.events: list[Any] = []
        self.given: Approval | None = None
        self.track = track
        self.stopping = asyncio.Event()

    async def open(self) -> Writer:
        journal = Journal(
            run="r1",
            release="demo",
            namespace="ingress",
            cluster="uid",
            plan="hash",
            playbook="toy",
            created=datetime(2026, 11, 24, tzinfo=UTC),
            track=self.track,
            holder="tester",
        )
        return await self.runs.create(journal, {"world": b"{}"})

    @property
    def services(self) -> Services:
        async def observe(state: State) -> State:
            return state

        async def approval(standstill: Standstill) -> Approval | None:
            if self.given is None:
                self.stopping.set()  # nobody comes: leave instead of waiting for ever
            return self.given

        return Services(self.clock, self.events.append, observe, approval, self.stopping)


class Killed(BaseException):
    """The process dies here."""


def lost(message: str = "the answer was lost") -> BlueshiftError:
    return BlueshiftError(message)
