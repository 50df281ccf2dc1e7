"""The one loop that carries every track: each step's effects one after another, then its proofs.

It knows no step kind. It ends with an `Outcome`; how that looks or exits is not its business.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from blueshift import events
from blueshift.engine.control import TurnWord
from blueshift.engine.effects import carry_out
from blueshift.engine.entries import (
    Learnt,
    Left,
    Started,
    StepSettled,
)
from blueshift.engine.gates import wait_at
from blueshift.engine.hooks import When
from blueshift.engine.protocol import (
    Beside,
    Further,
    Hold,
    Settled,
    Step,
    Wait,
    Way,
    fact_name,
)
from blueshift.engine.standstill import stand
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
)
from blueshift.errors import BlueshiftError


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
            await carry_out(self.waiting, step, effect)
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
            await carry_out(self.waiting, due, effect)

    async def _hooks(self, when: When, step: Step) -> None:
        for effect in self.services.hooks(when, step.id):
            await self.waiting.between(step)
            await carry_out(self.waiting, step, effect)

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
                    await self._learn(step, facts)
                    for effect in effects:
                        await self.waiting.between(step)
                        await carry_out(self.waiting, step, effect)
                case Hold(gate=gate) if gate and self.writer.journal.approved(gate, step.id):
                    raise BlueshiftError(f"{step.id} asks for the gate {gate}, which is open")
                case Hold(gate=gate, facts=facts):
                    await self._learn(step, facts)
                    if not gate:
                        raise StandsStill(answer)
                    await wait_at(self.waiting, step, answer)

    async def _learn(self, step: Step, facts: Sequence[msgspec.Struct]) -> None:
        """Journal facts before what follows from them; those that are there already are not written again."""
        plain, known = _plain(facts), self.writer.journal.facts
        if any(known.get(name) != fact for name, fact in plain.items()):
            await self.writer.write(Learnt(step.id, plain))

    async def hold(self, step: Step, hold: Hold) -> Outcome:
        """Stand still."""
        told = await stand(self.waiting, step, hold)
        return Outcome("holding", step.id, told.reason, told.ways)

    async def park(self, step: str, parked: Parked) -> Outcome:
        """Leave the run where it waits: journal why, and when it can go on."""
        when = f"until {parked.until:%Y-%m-%d %H:%M:%S} UTC" if parked.until else "until its gate is open"
        said = f"parked {when}: {parked.reason}"
        await self.writer.write(Left("parked", said))
        self.waiting.emit(events.RunEnded, status="parked", said=said, until=parked.until)
        return Outcome("parked", step, said, until=parked.until)


def _plain(facts: Sequence[msgspec.Struct]) -> dict[str, Any]:
    """As a journal that was read again has them, with lists for tuples."""
    return {fact_name(type(fact)): msgspec.json.decode(msgspec.json.encode(fact)) for fact in facts}
