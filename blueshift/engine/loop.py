"""The one loop that carries every track: observe → fence → journal intent → do → journal result → settle.

It knows no step kind. It ends with an `Outcome`; how that looks or exits is not its business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Literal, TypeVar

import msgspec

from blueshift import events
from blueshift.clock import Clock
from blueshift.engine.control import TurnWord, Words
from blueshift.engine.journal import (
    Approval,
    Approved,
    Did,
    Intended,
    Left,
    Paused,
    Standstill,
    Started,
    StepSettled,
    StoodStill,
    TakenBack,
    Unpaused,
    WaitBegan,
)
from blueshift.engine.protocol import (
    Absent,
    Done,
    Effect,
    Foreign,
    Hold,
    InFlight,
    Settled,
    Step,
    Unknown,
    Wait,
    Way,
    fact_name,
)
from blueshift.engine.state import State
from blueshift.engine.store import Writer
from blueshift.errors import Ambiguous, BlueshiftError, Retryable

# An intent older than this is written again before its effect: a suspended process must meet the fence first.
STALE_INTENT = 5.0

Answered = TypeVar("Answered")


class Outcome(msgspec.Struct, frozen=True):
    """How the loop ended."""

    status: Literal["succeeded", "rolled-back", "holding", "interrupted", "turning"]
    """`turning`: a person's word asks for another track."""
    step: str
    said: str
    ways: tuple[Way, ...] = ()
    word: TurnWord | None = None


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


class _StandsStill(Exception):
    def __init__(self, hold: Hold) -> None:
        self.hold = hold


class _Stopped(Exception):
    pass


class _Turning(Exception):
    def __init__(self, word: TurnWord) -> None:
        self.word = word


async def run_track(writer: Writer, steps: Sequence[Step], services: Services) -> Outcome:
    """Carry a run on from where its journal stands to its end, a hold, a signal, or a word to turn.

    Raises FenceLost when somebody else carries it on meanwhile.
    """
    loop = _Loop(writer, services)
    writer.stopping = services.stopping
    current = ""
    try:
        for step in steps:
            current = step.id
            if writer.journal.step(step.id).settled is None:
                await loop.carry(step)
    except _StandsStill as still:
        step = next(step for step in steps if step.id == current)
        return await loop.hold(step, still.hold)
    except _Stopped:
        said = f"stopped in {current} by a signal"
        await writer.write(Left("interrupted", said))
        services.emit(loop.event(events.RunEnded, status="interrupted", said=said))
        return Outcome("interrupted", current, said)
    except _Turning as turning:
        return Outcome("turning", current, f"{turning.word.to}, says {turning.word.by}", word=turning.word)
    status: Literal["succeeded", "rolled-back"] = (
        "succeeded" if writer.journal.on == "forward" else "rolled-back"
    )
    said = f"{writer.journal.release}: " + (
        "every step settled" if status == "succeeded" else "all is as it was before the run"
    )
    await writer.write(Left(status, said))
    services.emit(loop.event(events.RunEnded, status=status, said=said))
    return Outcome(status, current, said)


async def stand_still(
    writer: Writer, steps: Sequence[Step], services: Services, error: BlueshiftError
) -> Outcome:
    """Hold in the step at which a run is, for a reason that is not that step's own."""
    step = next((one for one in steps if writer.journal.step(one.id).settled is None), steps[-1])
    return await _Loop(writer, services).hold(step, _hold(error))


async def come_to_rest(writer: Writer, step: Step, services: Services) -> None:
    """Wait until no effect of a step that was cut off can be at work any more.

    Raises BlueshiftError when one is still at work after its bound.
    """
    loop = _Loop(writer, services)
    known = writer.journal.step(step.id).effects
    for effect in await step.effects():
        journalled = known.get(effect.key)
        if journalled is None or journalled.done:
            continue
        until = services.clock.now() + _bound(effect)
        while isinstance(seen := await effect.observe(journalled), InFlight | Unknown):
            if services.clock.now() > until:
                raise BlueshiftError(f"{effect.intent.what} is still at work: {seen.reason}")
            since, then = services.clock.utc(), "the way back"
            loop.emit(events.Waiting, step=step.id, reason=seen.reason, since=since, until=None, then=then)
            await services.clock.sleep(2.0)


class _Loop:
    def __init__(self, writer: Writer, services: Services) -> None:
        self.writer = writer
        self.services = services
        self.clock = services.clock
        self._retreating = False
        """Traffic is being taken back: that is finished before anybody's word is heeded."""

    def event(self, kind: type[events.Event], **fields: object) -> events.Event:
        return kind(at=self.clock.utc(), run=self.writer.journal.run, **fields)

    def emit(self, kind: type[events.Event], **fields: object) -> None:
        self.services.emit(self.event(kind, **fields))

    async def carry(self, step: Step) -> None:
        """One step from its start (or its resume) until it has settled."""
        await self._between(step)
        state = await self._retrying(step, lambda: self.services.observe(self.writer.journal.state))
        if why := step.needs(state):
            raise _StandsStill(Hold(f"{step.id} may not run now: {why}"))
        if self.writer.journal.step(step.id).started is None:
            await self.writer.write(Started(step.id))
        self.emit(events.StepStarted, step=step.id)
        for effect in await self._retrying(step, step.effects):
            await self._between(step)
            await self._effect(step, effect)
        settled = await self._settle(step)
        after = step.leaves(state)
        facts = {fact_name(type(fact)): msgspec.to_builtins(fact) for fact in settled.facts}
        await self.writer.write(StepSettled(step.id, settled.said, after, facts))
        self.emit(events.StepSettled, step=step.id, said=settled.said)

    async def _effect(self, step: Step, effect: Effect) -> None:
        while True:
            journalled = self.writer.journal.step(step.id).effects.get(effect.key)
            if journalled and journalled.done:
                return
            seen = await self._retrying(step, partial(effect.observe, journalled))
            match seen:
                case Done():
                    if journalled is None:
                        await self.writer.write(Intended(step.id, effect.key, effect.intent))
                    await self.writer.write(Did(step.id, effect.key, adopted=True))
                    self.emit(events.EffectDone, step=step.id, effect=effect.key, adopted=True)
                    return
                case Absent():
                    if await self._do(step, effect):
                        return
                case InFlight(reason) | Unknown(reason):
                    await self._pause(
                        step,
                        Wait(
                            f"observe {effect.key}",
                            reason,
                            poll=2.0,
                            lasts=_bound(effect),
                            on_timeout=Hold(f"{effect.key}: {reason}"),
                        ),
                    )
                case Foreign(difference, ways):
                    raise _StandsStill(
                        Hold(f"{effect.intent.what}: somebody else changed it meanwhile\n{difference}", ways)
                    )

    async def _do(self, step: Step, effect: Effect) -> bool:
        """Intent, effect, result. False: observe again before anything else."""
        intended = await self._intend(step, effect)
        if self.clock.now() - intended > STALE_INTENT:
            intended = await self._intend(step, effect)
        self.emit(events.EffectIntended, step=step.id, effect=effect.key, what=effect.intent.what)
        try:
            await effect.do()
        except Ambiguous as trouble:
            self.emit(events.Noticed, step=step.id, sentence=f"{trouble}: looking whether it landed")
            return False
        except Retryable as trouble:
            await self._pause(step, _trouble(f"do {effect.key}", trouble))
            return False
        except BlueshiftError as error:
            raise _StandsStill(_hold(error)) from error
        await self.writer.write(Did(step.id, effect.key))
        self.emit(events.EffectDone, step=step.id, effect=effect.key, adopted=False)
        return True

    async def _intend(self, step: Step, effect: Effect) -> float:
        await self._between(step)
        before = self.clock.now()
        await self.writer.write(Intended(step.id, effect.key, effect.intent))
        return before

    async def _settle(self, step: Step) -> Settled:
        while True:
            answer = await self._retrying(step, step.settle)
            match answer:
                case Settled():
                    return answer
                case Wait():
                    await self._pause(step, answer)
                case Hold(gate=gate) if gate and self.writer.journal.approved(gate, step.id):
                    raise BlueshiftError(f"{step.id} asks for the gate {gate}, which is open")
                case Hold(gate=gate) if gate:
                    await self._gate(step, answer)
                case Hold():
                    raise _StandsStill(answer)

    async def _gate(self, step: Step, hold: Hold) -> None:
        """Wait for a person at a gate, in the foreground."""
        standstill = self.writer.journal.standstill
        if standstill is None or (standstill.step, standstill.gate) != (step.id, hold.gate):
            await self.writer.write(StoodStill(step.id, hold.reason, hold.gate, hold.ways))
            standstill = self.writer.journal.standstill
            assert standstill is not None
        command = f"blueshift approve {self.writer.journal.run} {hold.gate}"
        self.emit(events.GateWaits, step=step.id, gate=hold.gate, reason=hold.reason, command=command)
        while (approval := await self._retrying(step, lambda: self.services.approval(standstill))) is None:
            await self._between(step)
            await self._sleep(2.0)
        await self.writer.write(Approved(approval))

    async def _retrying(self, step: Step, ask: Callable[[], Awaitable[Answered]]) -> Answered:
        """Ask until the world answers. A final error holds the run."""
        while True:
            try:
                return await ask()
            except (Retryable, Ambiguous) as trouble:
                await self._pause(step, _trouble("world", trouble))
            except BlueshiftError as error:
                raise _StandsStill(_hold(error)) from error

    async def _pause(self, step: Step, wait: Wait) -> None:
        """One poll of a wait: its first instant is journalled, its deadline holds the run."""
        entry = self.writer.journal.step(step.id).waits.get(wait.key)
        if entry is None:
            deadline = self.clock.utc() + timedelta(seconds=wait.lasts) if wait.lasts else None
            await self.writer.write(
                WaitBegan(step.id, wait.key, wait.reason, deadline, wait.on_timeout is not None)
            )
            entry = self.writer.journal.step(step.id).waits[wait.key]
        if wait.on_timeout and entry.deadline and self.clock.utc() >= entry.deadline:
            raise _StandsStill(wait.on_timeout)
        self.emit(
            events.Waiting,
            step=step.id,
            reason=wait.reason,
            since=entry.since,
            until=entry.deadline,
            then=wait.then,
        )
        await self._between(step)
        await self._sleep(wait.poll)

    async def hold(self, step: Step, hold: Hold) -> Outcome:
        """Stand still where traffic is safe: journal why, and how a person goes on."""
        if hold.retreat:
            hold = await self._retreat(step, hold)
        ways = hold.ways
        try:
            ways = (*ways, *await step.ways())
        except BlueshiftError as error:
            self.emit(events.Noticed, step=step.id, sentence=f"the ways back could not be told: {error}")
        await self.writer.write(StoodStill(step.id, hold.reason, ways=ways))
        self.emit(
            events.Held,
            step=step.id,
            reason=hold.reason,
            ways=tuple(f"{way.what}: {way.command}" if way.command else way.what for way in ways),
        )
        self.emit(events.RunEnded, status="holding", said=hold.reason)
        return Outcome("holding", step.id, hold.reason, ways)

    async def _retreat(self, step: Step, hold: Hold) -> Hold:
        """Take back what moved; what hinders that is said, and traffic stays where it is."""
        try:
            retreat = await step.retreat()
            if retreat is None:
                return hold
            self._retreating = True
            for effect in retreat.effects:
                await self._effect(step, effect)
        except _StandsStill as still:
            return Hold(f"{hold.reason}\nand traffic could not be taken back: {still.hold.reason}", hold.ways)
        except BlueshiftError as error:
            return Hold(f"{hold.reason}\nand traffic could not be taken back: {error}", hold.ways)
        finally:
            self._retreating = False
        await self.writer.write(TakenBack(retreat.steps, retreat.state))
        return Hold(f"{hold.reason}\ntraffic was taken back to the {retreat.state.traffic}", hold.ways)

    async def _between(self, step: Step) -> None:
        """What may end or keep the run between two effects: a lost lease, a signal, a person's word."""
        while True:
            self.services.alive()
            if self._retreating:
                return
            if self.services.stopping.is_set():
                raise _Stopped
            words = self.services.words()
            if words.turn and words.turn.turns == self.writer.journal.turns:
                raise _Turning(words.turn)
            if not await self._paused(step, words):
                return

    async def _paused(self, step: Step, words: Words) -> bool:
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
        await self._sleep(1.0)
        return True

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake for a signal."""
        if self._retreating:
            await self.clock.sleep(seconds)
            return
        asleep = asyncio.ensure_future(self.clock.sleep(seconds))
        woken = asyncio.ensure_future(self.services.stopping.wait())
        try:
            await asyncio.wait((asleep, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asleep.cancel()
            woken.cancel()


def _bound(effect: Effect) -> float:
    # A margin over the effect's own bound: its helper may be a moment late to give up.
    return effect.intent.bound + 30.0


def _trouble(key: str, trouble: BlueshiftError) -> Wait:
    after = trouble.after if isinstance(trouble, Retryable) else 1.0
    return Wait(f"trouble {key}", str(trouble), then="tried again", poll=after)


def _hold(error: BlueshiftError) -> Hold:
    return Hold(str(error), (Way(error.hint),) if error.hint else ())
