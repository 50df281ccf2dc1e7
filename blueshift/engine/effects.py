"""One effect, from its intent to its result: observe → fence → journal intent → do → journal result."""

from __future__ import annotations

from functools import partial

from blueshift import events
from blueshift.engine.entries import Did, Intended
from blueshift.engine.protocol import (
    Absent,
    Done,
    Effect,
    Foreign,
    Hold,
    InFlight,
    Journalled,
    Place,
    Step,
    Unknown,
    Wait,
)
from blueshift.engine.store import Writer
from blueshift.engine.waiting import Services, StandsStill, Waiting, hold_of, trouble_of
from blueshift.errors import Ambiguous, BlueshiftError, Retryable

# An intent older than this is written again before its effect: a suspended process must meet the fence first.
STALE_INTENT = 5.0
# So often may the answer of one effect be lost, and nothing of it be seen, before a person is asked.
MOST_LOST = 5


async def carry_out(waiting: Waiting, step: Place, effect: Effect) -> None:
    """Bring one effect about, or find it done. Raises StandsStill where a person must look."""
    writer = waiting.writer
    lost = 0
    while True:
        journalled = writer.journal.step(step.id).effects.get(effect.key)
        if journalled and journalled.done:
            return
        seen = await waiting.retrying(step, partial(effect.observe, journalled))
        match seen:
            case Done():
                if journalled is None:
                    await writer.write(Intended(step.id, effect.key, effect.intent))
                await writer.write(Did(step.id, effect.key, adopted=True))
                waiting.emit(events.EffectDone, step=step.id, effect=effect.key, adopted=True)
                return
            case Absent() if lost >= MOST_LOST:
                raise StandsStill(
                    Hold(f"{effect.intent.what}: tried {lost} times, and nothing of it is in the world")
                )
            case Absent():
                try:
                    if await do_once(waiting, step, effect):
                        return
                except Ambiguous as trouble:
                    lost += 1
                    await _look_after(waiting, step, effect, trouble, lost)
            case InFlight(reason) | Unknown(reason):
                wait = Wait(
                    f"observe {effect.key}",
                    reason,
                    poll=seen.poll if isinstance(seen, InFlight) else 2.0,
                    lasts=bound_of(effect),
                    on_timeout=Hold(f"{effect.key}: {reason}"),
                )
                await waiting.pause(step, wait)
            case Foreign(difference, ways):
                raise StandsStill(
                    Hold(f"{effect.intent.what}: somebody else changed it meanwhile\n{difference}", ways)
                )


async def _look_after(waiting: Waiting, step: Place, effect: Effect, trouble: Ambiguous, lost: int) -> None:
    """Say that an answer was lost, and give it a moment, longer each time, before it is looked for."""
    waiting.emit(events.Noticed, step=step.id, sentence=f"{trouble}: looking whether it landed")
    after = 0.5 * 2.0 ** (lost - 1)
    wait = Wait(f"lost {effect.key}", str(trouble), then="it is looked whether it landed", poll=after)
    await waiting.pause(step, wait)


async def do_once(waiting: Waiting, step: Place, effect: Effect) -> bool:
    """Intent, effect, result. False: observe again before anything else. Raises Ambiguous."""
    intended = await _intend(waiting, step, effect)
    if waiting.clock.now() - intended > STALE_INTENT:
        intended = await _intend(waiting, step, effect)
    waiting.emit(events.EffectIntended, step=step.id, effect=effect.key, what=effect.intent.what)
    try:
        said = await effect.do()
    except Ambiguous:
        raise
    except Retryable as trouble:
        await waiting.pause(step, trouble_of(f"do {effect.key}", trouble))
        return False
    except BlueshiftError as error:
        raise StandsStill(hold_of(error)) from error
    await waiting.writer.write(Did(step.id, effect.key, said=said or ""))
    waiting.emit(events.EffectDone, step=step.id, effect=effect.key, adopted=False)
    return True


async def _intend(waiting: Waiting, step: Place, effect: Effect) -> float:
    await waiting.between(step)
    before = waiting.clock.now()
    await waiting.writer.write(Intended(step.id, effect.key, effect.intent))
    return before


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
        since, until = clock.utc(), clock.now() + bound_of(effect)
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


def bound_of(effect: Effect) -> float:
    """Seconds after which an effect cannot be at work any more."""
    # A margin over its own bound: its helper may be a moment late to give up.
    return effect.intent.bound + 30.0
