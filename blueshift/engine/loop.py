"""The one loop that carries every track: observe → fence → journal intent → do → journal result → settle.

It knows no step kind. It ends with an `Outcome`; how that looks or exits is not its business.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec

from blueshift import events
from blueshift.engine.control import TurnWord
from blueshift.engine.entries import (
    Approved,
    Did,
    Intended,
    Learnt,
    Left,
    Started,
    StepSettled,
    StoodStill,
    TakenBack,
)
from blueshift.engine.hooks import When
from blueshift.engine.journal import Approval, Standstill
from blueshift.engine.protocol import (
    Absent,
    Beside,
    Done,
    Effect,
    Foreign,
    Further,
    Hold,
    InFlight,
    Journalled,
    Place,
    Settled,
    Step,
    Unknown,
    Wait,
    Way,
    fact_name,
)
from blueshift.engine.state import State
from blueshift.engine.store import Writer
from blueshift.engine.waiting import (
    Parked,
    Services,
    StandsStill,
    Stopped,
    Turning,
    Waiting,
    hold_of,
    trouble_of,
)
from blueshift.errors import Ambiguous, BlueshiftError, Retryable

# An intent older than this is written again before its effect: a suspended process must meet the fence first.
STALE_INTENT = 5.0
# So often may the answer of one effect be lost, and nothing of it be seen, before a person is asked.
MOST_LOST = 5


class Outcome(msgspec.Struct, frozen=True):
    """How the loop ended."""

    status: Literal["succeeded", "rolled-back", "holding", "interrupted", "parked", "turning"]
    """`turning`: a person's word asks for another track."""
    step: str
    said: str
    ways: tuple[Way, ...] = ()
    word: TurnWord | None = None
    until: datetime | None = None
    """When a parked run can go on; None: when its gate is open."""


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
        if steps:
            await loop.take_back(steps[-1], writer.journal.state)
    except StandsStill as still:
        step = next(step for step in steps if step.id == current)
        return await loop.hold(step, still.hold)
    except Stopped:
        said = f"stopped in {current} by a signal"
        await writer.write(Left("interrupted", said))
        services.emit(loop.waiting.event(events.RunEnded, status="interrupted", said=said))
        return Outcome("interrupted", current, said)
    except Parked as parked:
        return await loop.park(current, parked)
    except Turning as turning:
        return Outcome("turning", current, f"{turning.word.to}, says {turning.word.by}", word=turning.word)
    status: Literal["succeeded", "rolled-back"] = (
        "succeeded" if writer.journal.on == "forward" else "rolled-back"
    )
    said = f"{writer.journal.release}: " + (
        "every step settled" if status == "succeeded" else "all is as it was before the run"
    )
    if beside := await services.closing():
        said += f"; {beside}"
    await writer.write(Left(status, said))
    services.emit(loop.waiting.event(events.RunEnded, status=status, said=said))
    return Outcome(status, current, said)


async def stand_still(
    writer: Writer, steps: Sequence[Step], services: Services, error: BlueshiftError
) -> Outcome:
    """Hold in the step at which a run is, for a reason that is not that step's own."""
    step = next((one for one in steps if writer.journal.step(one.id).settled is None), steps[-1])
    return await _Loop(writer, services).hold(step, hold_of(error))


async def beside(writer: Writer, what: Beside, services: Services) -> None:
    """Carry out effects of no step on a run that stands still, and leave it standing.

    Raises BlueshiftError where they cannot be done, FenceLost when somebody else carries the run.
    """
    loop = _Loop(writer, services)
    loop.waiting.heedless = True  # it is one short effect, and what people say is for whoever resumes
    try:
        await loop.beside(what)
    except StandsStill as still:
        raise BlueshiftError(still.hold.reason) from None


async def come_to_rest(writer: Writer, step: Step, services: Services) -> None:
    """Wait until no effect of a step that was cut off can be at work any more.

    Raises BlueshiftError when one is still at work after its bound.
    """
    waiting, clock = Waiting(writer, services), services.clock
    known = writer.journal.step(step.id).effects
    for effect in await step.effects():
        journalled = known.get(effect.key)
        if journalled is None or journalled.done:
            continue
        since, until = clock.utc(), clock.now() + _bound(effect)
        while reason := await _at_work(effect, journalled):
            if clock.now() > until:
                raise BlueshiftError(f"{effect.intent.what} may still be at work: {reason}")
            waiting.emit(
                events.Waiting, step=step.id, reason=reason, since=since, until=None, then="the run turns"
            )
            await clock.sleep(2.0)


async def _at_work(effect: Effect, journalled: Journalled) -> str:
    """Why an effect may still be at work; empty when it cannot be."""
    try:
        seen = await effect.observe(journalled)
    except (Retryable, Ambiguous) as trouble:
        return str(trouble)
    return seen.reason if isinstance(seen, InFlight | Unknown) else ""


class _Loop:
    def __init__(self, writer: Writer, services: Services) -> None:
        self.writer = writer
        self.services = services
        self.clock = services.clock
        self.waiting = Waiting(writer, services)

    async def carry(self, step: Step) -> None:
        """One step from its start (or its resume) until it has settled."""
        await self.waiting.between(step)
        state = await self.waiting.retrying(step, lambda: self.services.observe(self.writer.journal.state))
        if why := step.needs(state):
            raise StandsStill(Hold(f"{step.id} may not run now: {why}"))
        # In the middle of a step less is proven than before it.
        stands = state
        if self.writer.journal.step(step.id).started is not None:
            stands = step.during(state)
        else:
            await self.writer.write(Started(step.id))
        self.waiting.emit(events.StepStarted, step=step.id)
        await self.take_back(step, stands)
        await self._hooks("before", step)
        for effect in await self.waiting.retrying(step, step.effects):
            await self.waiting.between(step)
            await self._effect(step, effect)
        settled = await self._settle(step)
        await self._hooks("after", step)
        after = step.leaves(state)
        await self.writer.write(StepSettled(step.id, settled.said, after, _plain(settled.facts)))
        self.waiting.emit(events.StepSettled, step=step.id, said=settled.said)

    async def take_back(self, step: Step, state: State) -> None:
        """What was done beside the steps and is due."""
        due = await self.waiting.retrying(step, lambda: self.services.due(state))
        if due is not None:
            await self.beside(due)

    async def beside(self, due: Beside) -> None:
        """Effects of no step, by the same rules."""
        if self.writer.journal.step(due.id).started is None:
            await self.writer.write(Started(due.id))
        for effect in due.effects:
            await self._effect(due, effect)

    async def _hooks(self, when: When, step: Step) -> None:
        for effect in self.services.hooks(when, step.id):
            await self.waiting.between(step)
            await self._effect(step, effect)

    async def _effect(self, step: Place, effect: Effect) -> None:
        lost = 0
        while True:
            journalled = self.writer.journal.step(step.id).effects.get(effect.key)
            if journalled and journalled.done:
                return
            seen = await self.waiting.retrying(step, partial(effect.observe, journalled))
            match seen:
                case Done():
                    if journalled is None:
                        await self.writer.write(Intended(step.id, effect.key, effect.intent))
                    await self.writer.write(Did(step.id, effect.key, adopted=True))
                    self.waiting.emit(events.EffectDone, step=step.id, effect=effect.key, adopted=True)
                    return
                case Absent() if lost >= MOST_LOST:
                    raise StandsStill(
                        Hold(f"{effect.intent.what}: tried {lost} times, and nothing of it is in the world")
                    )
                case Absent():
                    try:
                        if await self._do(step, effect):
                            return
                    except Ambiguous as trouble:
                        lost += 1
                        await self._look_after(step, effect, trouble, lost)
                case InFlight(reason) | Unknown(reason):
                    wait = Wait(
                        f"observe {effect.key}",
                        reason,
                        poll=seen.poll if isinstance(seen, InFlight) else 2.0,
                        lasts=_bound(effect),
                        on_timeout=Hold(f"{effect.key}: {reason}"),
                    )
                    await self.waiting.pause(step, wait)
                case Foreign(difference, ways):
                    raise StandsStill(
                        Hold(f"{effect.intent.what}: somebody else changed it meanwhile\n{difference}", ways)
                    )

    async def _look_after(self, step: Place, effect: Effect, trouble: Ambiguous, lost: int) -> None:
        """Say that an answer was lost, and give it a moment, longer each time, before it is looked for."""
        self.waiting.emit(events.Noticed, step=step.id, sentence=f"{trouble}: looking whether it landed")
        after = 0.5 * 2.0 ** (lost - 1)
        wait = Wait(f"lost {effect.key}", str(trouble), then="it is looked whether it landed", poll=after)
        await self.waiting.pause(step, wait)

    async def _do(self, step: Place, effect: Effect) -> bool:
        """Intent, effect, result. False: observe again before anything else. Raises Ambiguous."""
        intended = await self._intend(step, effect)
        if self.clock.now() - intended > STALE_INTENT:
            intended = await self._intend(step, effect)
        self.waiting.emit(events.EffectIntended, step=step.id, effect=effect.key, what=effect.intent.what)
        try:
            said = await effect.do()
        except Ambiguous:
            raise
        except Retryable as trouble:
            await self.waiting.pause(step, trouble_of(f"do {effect.key}", trouble))
            return False
        except BlueshiftError as error:
            raise StandsStill(hold_of(error)) from error
        await self.writer.write(Did(step.id, effect.key, said=said or ""))
        self.waiting.emit(events.EffectDone, step=step.id, effect=effect.key, adopted=False)
        return True

    async def _intend(self, step: Place, effect: Effect) -> float:
        await self.waiting.between(step)
        before = self.clock.now()
        await self.writer.write(Intended(step.id, effect.key, effect.intent))
        return before

    async def _settle(self, step: Step) -> Settled:
        while True:
            asked = self.clock.now()
            answer = await self.waiting.retrying(step, step.settle)
            match answer:
                case Settled():
                    return answer
                case Wait():
                    await self.waiting.pause(step, answer, asked=asked)
                case Further(facts, effects):
                    if facts:
                        await self.writer.write(Learnt(step.id, _plain(facts)))
                    for effect in effects:
                        await self.waiting.between(step)
                        await self._effect(step, effect)
                case Hold(gate=gate) if gate and self.writer.journal.approved(gate, step.id):
                    raise BlueshiftError(f"{step.id} asks for the gate {gate}, which is open")
                case Hold(gate=gate) if gate:
                    await self._gate(step, answer)
                case Hold():
                    raise StandsStill(answer)

    async def _gate(self, step: Step, hold: Hold) -> None:
        """Wait for a person at a gate, in the foreground."""
        standstill = self.writer.journal.standstill
        if standstill is None or (standstill.step, standstill.gate) != (step.id, hold.gate):
            await self.writer.write(StoodStill(step.id, hold.reason, hold.gate, hold.ways))
            standstill = self.writer.journal.standstill
            assert standstill is not None
        command = f"blueshift approve {self.writer.journal.run} {hold.gate}"
        self.waiting.emit(events.GateWaits, step=step.id, gate=hold.gate, reason=hold.reason, command=command)
        until = standstill.since + timedelta(seconds=hold.lasts) if hold.lasts is not None else None
        while (
            approval := await self.waiting.retrying(step, lambda: self.services.approval(standstill))
        ) is None:
            if until is not None and self.clock.utc() >= until:
                approval = self._unanswered(step, hold, standstill)
                break
            await self.waiting.between(step)
            if self.services.park:
                raise Parked(f"{hold.reason}; open it with: {command}", until)
            await self.waiting.sleep(2.0)
        await self.writer.write(Approved(approval))

    def _unanswered(self, step: Step, hold: Hold, standstill: Standstill) -> Approval:
        """What becomes of a gate whose time is over: the playbook opens it, or the run holds."""
        assert hold.lasts is not None
        said = f"nobody answered the gate {hold.gate} within {hold.lasts:.0f} s"
        if hold.otherwise == "hold":
            raise StandsStill(Hold(f"{said}: {hold.reason}", hold.ways))
        return Approval(standstill.number, step.id, hold.gate, "the playbook", self.clock.utc(), said)

    async def park(self, step: str, parked: Parked) -> Outcome:
        """Leave the run where it waits: journal why, and when it can go on."""
        when = f"until {parked.until:%Y-%m-%d %H:%M:%S} UTC" if parked.until else "until its gate is open"
        said = f"parked {when}: {parked.reason}"
        await self.writer.write(Left("parked", said))
        self.waiting.emit(events.RunEnded, status="parked", said=said, until=parked.until)
        return Outcome("parked", step, said, until=parked.until)

    async def hold(self, step: Step, hold: Hold) -> Outcome:
        """Stand still where traffic is safe: journal why, and how a person goes on."""
        if hold.retreat:
            hold = await self._retreat(step, hold)
        hold = await self._with_the_unsafe(step, hold)
        ways = hold.ways
        try:
            ways = (*ways, *await step.ways())
        except BlueshiftError as error:
            self.waiting.emit(
                events.Noticed, step=step.id, sentence=f"the ways back could not be told: {error}"
            )
        await self.writer.write(StoodStill(step.id, hold.reason, ways=ways))
        self.waiting.emit(
            events.Held,
            step=step.id,
            reason=hold.reason,
            ways=tuple(f"{way.what}: {way.command}" if way.command else way.what for way in ways),
        )
        self.waiting.emit(events.RunEnded, status="holding", said=hold.reason)
        return Outcome("holding", step.id, hold.reason, ways)

    async def _with_the_unsafe(self, step: Step, hold: Hold) -> Hold:
        """A hold must be safe for the others in the cluster too: what is not is said, with its ways."""
        try:
            more = await self.services.unsafe()
        except BlueshiftError as error:
            self.waiting.emit(
                events.Noticed, step=step.id, sentence=f"whether this hold is safe could not be told: {error}"
            )
            return hold
        return Hold(f"{hold.reason}\n{more.reason}", (*more.ways, *hold.ways)) if more else hold

    async def _retreat(self, step: Step, hold: Hold) -> Hold:
        """Take back what moved; what hinders that is said, and traffic stays where it is."""
        try:
            retreat = await step.retreat()
            if retreat is None:
                return hold
            self.waiting.heedless = True
            for effect in retreat.effects:
                await self._effect(step, effect)
        except StandsStill as still:
            return Hold(f"{hold.reason}\nand traffic could not be taken back: {still.hold.reason}", hold.ways)
        except BlueshiftError as error:
            return Hold(f"{hold.reason}\nand traffic could not be taken back: {error}", hold.ways)
        finally:
            self.waiting.heedless = False
        await self.writer.write(TakenBack(retreat.steps, retreat.state))
        return Hold(f"{hold.reason}\ntraffic was taken back to the {retreat.state.traffic}", hold.ways)


def _plain(facts: Sequence[msgspec.Struct]) -> dict[str, Any]:
    return {fact_name(type(fact)): msgspec.to_builtins(fact) for fact in facts}


def _bound(effect: Effect) -> float:
    # A margin over the effect's own bound: its helper may be a moment late to give up.
    return effect.intent.bound + 30.0
