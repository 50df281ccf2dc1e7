"""What lies between two effects of a run: polls of waits, troubles of the world, signals, people's words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from blueshift import events
from blueshift.clock import Clock
from blueshift.engine.control import TurnWord, Words
from blueshift.engine.entries import Paused, Unpaused, WaitBegan
from blueshift.engine.hooks import Around, none
from blueshift.engine.journal import Approval, Standstill
from blueshift.engine.protocol import Beside, Hold, Place, Wait, Way
from blueshift.engine.state import State
from blueshift.engine.store import Writer
from blueshift.errors import Ambiguous, BlueshiftError, Retryable

Answered = TypeVar("Answered")
WORTH_PARKING = 30.0
"""Seconds; a shorter wait is sat through: leaving and coming back takes about as long."""
_LEAST = 0.05
"""Seconds between two looks at least."""


async def _nothing(*_: object) -> None:
    """Nothing is asked, and nothing is due."""


@dataclass
class Services:
    """What surrounds the loop: told by `app`, replaced in tests."""

    clock: Clock
    emit: events.Emit
    observe: Callable[[State], Awaitable[State]]
    """The state as the world shows it, given the journal's."""
    approval: Callable[[Standstill], Awaitable[Approval | None]]
    """Whether somebody opened this standstill's gate."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the first signal; read between effects and by waits."""
    alive: Callable[[], None] = lambda: None
    """Raises when the lease was lost to another run."""
    words: Callable[[], Words] = Words
    """What people say to the run now."""
    park: bool = False
    """Leave the run at a wait that nobody needs to attend."""
    unsafe: Callable[[], Awaitable[Hold | None]] = _nothing
    """What else a person must know and can do when the run comes to hold."""
    due: Callable[[State], Awaitable[Beside | None]] = _nothing
    """What was done beside the steps, and must be taken back now that the run stands in this state."""
    closing: Callable[[], Awaitable[str | None]] = _nothing
    """What else the last sentence of a run that is over has to say."""
    hooks: Around = none
    """Programs of the user around each step."""


class StandsStill(Exception):
    """The run holds."""

    def __init__(self, hold: Hold) -> None:
        self.hold = hold


class Stopped(Exception):
    """A signal ends the process between two effects."""


class Parked(Exception):
    """The run is left at a wait, and somebody carries it on later; `until` None: when a gate is open."""

    def __init__(self, reason: str, until: datetime | None) -> None:
        self.reason = reason
        self.until = until


class Turning(Exception):
    """A person's word asks for another track."""

    def __init__(self, word: TurnWord) -> None:
        self.word = word


class Waiting:
    """Keeps a run waiting, and says why."""

    def __init__(self, writer: Writer, services: Services) -> None:
        self.writer = writer
        self.services = services
        self.clock = services.clock
        self.heedless = False
        """Traffic is being taken back: that is finished before anybody's word or a signal is heeded."""

    def event(self, kind: type[events.Event], **fields: object) -> events.Event:
        """An event of this run, now."""
        return kind(at=self.clock.utc(), run=self.writer.journal.run, **fields)

    def emit(self, kind: type[events.Event], **fields: object) -> None:
        """Tell it."""
        self.services.emit(self.event(kind, **fields))

    async def retrying(self, step: Place, ask: Callable[[], Awaitable[Answered]]) -> Answered:
        """Ask until the world answers. A final error holds the run."""
        while True:
            try:
                return await ask()
            except (Retryable, Ambiguous) as trouble:
                await self.pause(step, trouble_of("world", trouble))
            except BlueshiftError as error:
                raise StandsStill(hold_of(error)) from error

    async def pause(self, step: Place, wait: Wait, *, asked: float | None = None) -> None:
        """One poll of a wait: its first instant is journalled, its deadline holds the run.

        `asked` is when the look began that found it not over: a look's own time is part of the poll.
        """
        entry = self.writer.journal.step(step.id).waits.get(wait.key)
        if entry is None:
            deadline = self.clock.utc() + timedelta(seconds=wait.lasts) if wait.lasts else None
            await self.writer.write(
                WaitBegan(step.id, wait.key, wait.reason, deadline, wait.on_timeout is not None)
            )
            entry = self.writer.journal.step(step.id).waits[wait.key]
        if wait.on_timeout and entry.deadline and self.clock.utc() >= entry.deadline:
            raise StandsStill(wait.on_timeout)
        self.emit(
            events.Waiting,
            step=step.id,
            reason=wait.reason,
            since=entry.since,
            until=entry.deadline,
            then=wait.then,
        )
        await self.between(step)
        if self.services.park and wait.unattended > WORTH_PARKING:
            raise Parked(wait.reason, self.clock.utc() + timedelta(seconds=wait.unattended))
        spent = self.clock.now() - asked if asked is not None else 0.0
        await self.sleep(self._until_next(wait.poll, spent, entry.deadline))

    def _until_next(self, poll: float, spent: float, deadline: datetime | None) -> float:
        """Seconds until the next look, of which the last took `spent`: none sleeps beyond a wait's end.

        What came to its end while it was looked at is looked at again at once.
        """
        pause = max(poll / 2, poll - spent)
        left = (deadline - self.clock.utc()).total_seconds() if deadline else -spent
        return min(pause, max(left, _LEAST)) if left > -spent else pause

    async def between(self, step: Place) -> None:
        """What may end or keep the run between two effects: a lost lease, a signal, a person's word."""
        while True:
            self.services.alive()
            if self.heedless:
                return
            if self.services.stopping.is_set():
                raise Stopped
            words = self.services.words()
            if words.turn and words.turn.turns == self.writer.journal.turns:
                raise Turning(words.turn)
            if not await self._paused(step, words):
                return

    async def _paused(self, step: Place, words: Words) -> bool:
        """Journal the beginning and the end of a pause; while it lasts, True after a moment."""
        pause, known = words.pause, self.writer.journal.paused
        if pause is None:
            if known is not None:
                await self.writer.write(Unpaused())
            return False
        if known is None:
            await self.writer.write(Paused(pause))
        reason = f"paused by {pause.by}" + (f": {pause.reason}" if pause.reason else "")
        command = f"`blueshift unpause {self.writer.journal.run}` ends it"
        self.emit(events.Waiting, step=step.id, reason=reason, since=pause.at, until=None, then=command)
        await self.sleep(1.0)
        return True

    async def sleep(self, seconds: float) -> None:
        """Sleep, but wake for a signal."""
        if self.heedless:
            await self.clock.sleep(seconds)
            return
        asleep = asyncio.ensure_future(self.clock.sleep(seconds))
        woken = asyncio.ensure_future(self.services.stopping.wait())
        try:
            await asyncio.wait((asleep, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asleep.cancel()
            woken.cancel()


def trouble_of(key: str, trouble: BlueshiftError) -> Wait:
    """A passing trouble as a wait: the same is tried again after it."""
    after = trouble.after if isinstance(trouble, Retryable) else 1.0
    return Wait(f"trouble {key}", str(trouble), then="tried again", poll=after)


def hold_of(error: BlueshiftError) -> Hold:
    """A final error as a standstill."""
    return Hold(str(error), (Way(error.hint),) if error.hint else ())
