"""Gates whose time runs out, and runs that are parked and carried on."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from blueshift.engine.entries import Resumed
from blueshift.engine.journal import Approval, Standstill
from blueshift.engine.loop import Outcome, run_track
from blueshift.engine.protocol import Answer, Hold, Settled, Wait
from blueshift.engine.store import Writer
from tests.unit.engine.steps import Bench, ToyStep


class Night(ToyStep):
    """Waits a set time that nobody needs to attend, as a TTL is waited out."""

    def __init__(self, step: str, bench: Bench, writer: Writer, lasts: float) -> None:
        super().__init__(step)
        self.bench, self.writer, self.lasts = bench, writer, lasts

    async def settle(self) -> Answer:
        wait = self.writer.journal.step(self.id).waits.get("night")
        waited = (self.bench.clock.utc() - wait.since).total_seconds() if wait else 0.0
        if wait and waited >= self.lasts:
            return Settled("morning")
        return Wait("night", "it is night", lasts=self.lasts, unattended=self.lasts - waited)


class Door(ToyStep):
    """Asks at a gate."""

    def __init__(self, step: str, writer: Writer, hold: Hold) -> None:
        super().__init__(step)
        self.writer, self.ask = writer, hold

    async def settle(self) -> Answer:
        return Settled("open") if self.writer.journal.approved(self.ask.gate, self.id) else self.ask


async def parked(bench: Bench, writer: Writer, *steps: ToyStep) -> Outcome:
    return await run_track(writer, steps, dataclasses.replace(bench.services, park=True))


async def test_a_parked_run_comes_back_to_the_same_deadline_however_often() -> None:
    bench = Bench("a")
    writer = await bench.open()
    deadlines = []
    for _ in range(4):
        step = Night("a", bench, writer, 3600.0)
        outcome = await parked(bench, writer, step)
        assert (outcome.status, writer.journal.status) == ("parked", "parked")
        deadlines.append(outcome.until)
        bench.clock.advance(600.0)
        writer = await bench.runs.open("r1")
        await writer.write(Resumed("another"))
    assert set(deadlines) == {bench.clock.start + timedelta(hours=1)}
    assert bench.clock.sleeps == []
    bench.clock.advance(1200.0)
    assert (await parked(bench, writer, Night("a", bench, writer, 3600.0))).status == "succeeded"


async def test_a_short_wait_is_sat_through() -> None:
    bench = Bench("a")
    writer = await bench.open()
    outcome = await parked(bench, writer, Night("a", bench, writer, 20.0))
    assert outcome.status == "succeeded"
    assert bench.clock.elapsed == pytest.approx(20.0)


async def test_ten_gates_are_parked_at_and_resumed_one_by_one() -> None:
    track = [f"gate-{number}" for number in range(10)]
    bench = Bench(*track)
    writer = await bench.open()
    given: list[Approval] = []

    async def approval(still: Standstill) -> Approval | None:
        return next((one for one in given if one.standstill == still.number), None)

    services = dataclasses.replace(bench.services, approval=approval, park=True)
    for number, name in enumerate(track):
        doors = [Door(gate, writer, Hold(f"is {gate} well?", gate=gate)) for gate in track]
        outcome = await run_track(writer, doors, services)
        assert (outcome.status, outcome.step, outcome.until) == ("parked", name, None)
        assert f"blueshift approve r1 {name}" in outcome.said
        still = writer.journal.standstill
        assert still is not None
        assert still.number == number + 1
        given.append(Approval(still.number, still.step, still.gate, "ann", bench.clock.utc()))
        writer = await bench.runs.open("r1")
        await writer.write(Resumed("another"))
    doors = [Door(gate, writer, Hold("", gate=gate)) for gate in track]
    assert (await run_track(writer, doors, services)).status == "succeeded"
    assert [one.step for one in writer.journal.approvals] == track


async def test_a_gate_that_is_asked_again_has_the_words_of_now_and_its_number_and_time() -> None:
    bench = Bench("a")
    writer = await bench.open()
    given: list[Approval] = []

    async def approval(still: Standstill) -> Approval | None:
        return next((one for one in given if one.standstill == still.number), None)

    services = dataclasses.replace(bench.services, approval=approval, park=True)
    stood = []
    for reason in ("0 of 438 failed", "9 of 3000 failed", "9 of 3000 failed"):
        await run_track(writer, [Door("a", writer, Hold(reason, gate="verdict"))], services)
        still = writer.journal.standstill
        assert still is not None
        stood.append((still.number, still.since, still.reason))
        assert len(writer.journal.stood) == 1
        bench.clock.advance(600.0)
        writer = await bench.runs.open("r1")
        await writer.write(Resumed("another"))
    number, since, _ = stood[0]
    assert stood[1:] == [(number, since, "9 of 3000 failed")] * 2
    given.append(Approval(number, "a", "verdict", "ann", bench.clock.utc()))
    door = Door("a", writer, Hold("9 of 4000 failed", gate="verdict"))
    assert (await run_track(writer, [door], services)).status == "succeeded"


async def unanswered(hold: Hold) -> tuple[Bench, Writer, Outcome]:
    bench = Bench("a")
    writer = await bench.open()

    async def nobody(_: object) -> None:
        return None

    services = dataclasses.replace(bench.services, approval=nobody)
    return bench, writer, await run_track(writer, [Door("a", writer, hold)], services)


async def test_a_gate_whose_time_is_over_holds() -> None:
    bench, writer, outcome = await unanswered(Hold("ask the partners", gate="partners", lasts=600.0))
    assert outcome.status == "holding"
    assert "nobody answered the gate partners within 600 s: ask the partners" in outcome.said
    assert bench.clock.elapsed == pytest.approx(600.0, abs=2.0)
    assert writer.journal.approvals == ()


async def test_or_opens_where_the_playbook_says_so_and_that_is_journalled() -> None:
    hold = Hold("ask the partners", gate="partners", lasts=600.0, otherwise="open")
    bench, writer, outcome = await unanswered(hold)
    assert outcome.status == "succeeded"
    (given,) = writer.journal.approvals
    assert (given.by, given.gate) == ("the playbook", "partners")
    assert "nobody answered" in given.reason
    assert bench.clock.elapsed == pytest.approx(600.0, abs=2.0)
