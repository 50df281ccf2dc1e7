"""A run comes to hold: traffic goes back to where it is safe, and people are told why and how to go on."""

from __future__ import annotations

from blueshift import events
from blueshift.engine.effects import carry_out
from blueshift.engine.entries import StoodStill, TakenBack
from blueshift.engine.protocol import Hold, Step
from blueshift.engine.waiting import StandsStill, Waiting
from blueshift.errors import BlueshiftError


async def stand(waiting: Waiting, step: Step, hold: Hold) -> Hold:
    """Stand still where traffic is safe: journal why, and how a person goes on; the hold as it was told."""
    if hold.retreat:
        hold = await _retreat(waiting, step, hold)
    hold = await _with_the_unsafe(waiting, step, hold)
    ways = hold.ways
    try:
        ways = (*ways, *await step.ways())
    except BlueshiftError as error:
        waiting.emit(events.Noticed, step=step.id, sentence=f"the ways back could not be told: {error}")
    await waiting.writer.write(StoodStill(step.id, hold.reason, ways=ways))
    waiting.emit(
        events.Held,
        step=step.id,
        reason=hold.reason,
        ways=tuple(f"{way.what}: {way.command}" if way.command else way.what for way in ways),
    )
    waiting.emit(events.RunEnded, status="holding", said=hold.reason)
    return Hold(hold.reason, ways)


async def _with_the_unsafe(waiting: Waiting, step: Step, hold: Hold) -> Hold:
    """A hold must be safe for the others in the cluster too: what is not is said, with its ways."""
    try:
        more = await waiting.services.unsafe()
    except BlueshiftError as error:
        waiting.emit(
            events.Noticed, step=step.id, sentence=f"whether this hold is safe could not be told: {error}"
        )
        return hold
    return Hold(f"{hold.reason}\n{more.reason}", (*more.ways, *hold.ways)) if more else hold


async def _retreat(waiting: Waiting, step: Step, hold: Hold) -> Hold:
    """Take back what moved; what hinders that is said, and traffic stays where it is."""
    try:
        retreat = await step.retreat()
        if retreat is None:
            return hold
        waiting.heedless = True
        for effect in retreat.effects:
            await carry_out(waiting, step, effect)
    except StandsStill as still:
        return Hold(f"{hold.reason}\nand traffic could not be taken back: {still.hold.reason}", hold.ways)
    except BlueshiftError as error:
        return Hold(f"{hold.reason}\nand traffic could not be taken back: {error}", hold.ways)
    finally:
        waiting.heedless = False
    await waiting.writer.write(TakenBack(retreat.steps, retreat.state))
    return Hold(f"{hold.reason}\ntraffic was taken back to the {retreat.state.traffic}", hold.ways)
