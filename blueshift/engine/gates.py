"""A gate of a step, in the foreground: until a person opens it, or its time is over."""

from __future__ import annotations

from datetime import timedelta

from blueshift import events
from blueshift.engine.entries import Approved, Restated, StoodStill
from blueshift.engine.journal import Approval, Standstill
from blueshift.engine.protocol import Hold, Step
from blueshift.engine.waiting import Parked, StandsStill, Waiting


async def wait_at(waiting: Waiting, step: Step, hold: Hold) -> None:
    """Wait for a person at a gate, in the foreground."""
    standstill = waiting.writer.journal.standstill
    if standstill is None or (standstill.step, standstill.gate) != (step.id, hold.gate):
        await waiting.writer.write(StoodStill(step.id, hold.reason, hold.gate, hold.ways))
    elif standstill.reason != hold.reason:
        await waiting.writer.write(Restated(hold.reason, hold.ways))
    standstill = waiting.writer.journal.standstill
    assert standstill is not None
    command = f"blueshift approve {waiting.writer.journal.run} {hold.gate}"
    waiting.emit(events.GateWaits, step=step.id, gate=hold.gate, reason=hold.reason, command=command)
    until = standstill.since + timedelta(seconds=hold.lasts) if hold.lasts is not None else None
    while (approval := await waiting.retrying(step, lambda: waiting.services.approval(standstill))) is None:
        if until is not None and waiting.clock.utc() >= until:
            approval = _unanswered(waiting, step, hold, standstill)
            break
        await waiting.between(step)
        if waiting.services.park:
            raise Parked(f"{hold.reason}; open it with: {command}", until)
        await waiting.sleep(2.0)
    await waiting.writer.write(Approved(approval))


def _unanswered(waiting: Waiting, step: Step, hold: Hold, standstill: Standstill) -> Approval:
    """What becomes of a gate whose time is over: the playbook opens it, or the run holds."""
    assert hold.lasts is not None
    said = f"nobody answered the gate {hold.gate} within {hold.lasts:.0f} s"
    if hold.otherwise == "hold":
        raise StandsStill(Hold(f"{said}: {hold.reason}", hold.ways))
    return Approval(standstill.number, step.id, hold.gate, "the playbook", waiting.clock.utc(), said)
