"""The loop: what is journalled before what, what is never done twice, and how it ends."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from blueshift import events
from blueshift.engine.entries import Resumed
from blueshift.engine.journal import Approval, Standstill
from blueshift.engine.loop import run_track
from blueshift.engine.protocol import Answer, Beside, Foreign, Hold, InFlight, Retreat, Settled, Wait, Way
from blueshift.engine.state import State
from blueshift.engine.store import FenceLost
from blueshift.errors import Ambiguous, BlueshiftError, Retryable
from tests.unit.engine.steps import Bench, Killed, Learned, Note, ToyEffect, ToyStep


async def test_a_track_ends_with_every_step_settled_and_its_facts_journalled() -> None:
    bench, world = Bench("a", "b"), Note()
    writer = await bench.open()
    steps = [ToyStep("a", ToyEffect(world, "one"), ToyEffect(world, "two")), ToyStep("b")]
    outcome = await run_track(writer, steps, bench.services)
    assert outcome.status == "succeeded"
    assert world.done == ["one", "two"]
    assert writer.journal.fact(Learned) == Learned(7)
    assert writer.journal.step("a").said == "a is well"
    assert (await bench.runs.open("r1")).journal == writer.journal


async def test_the_intent_is_in_the_cluster_before_the_effect() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    effect = ToyEffect(world, "one")
    effect.error = Killed()
    with pytest.raises(Killed):
        await run_track(writer, [ToyStep("a", effect)], bench.services)
    there = (await bench.runs.open("r1")).journal.step("a").effects["one"]
    assert there.intent == effect.intent
    assert there.done is None


@pytest.mark.parametrize("landed", [True, False])
async def test_a_killed_effect_is_observed_on_resume_and_done_exactly_once(landed: bool) -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    effect = ToyEffect(world, "one")
    effect.error, effect.lands_despite_error = Killed(), landed
    with pytest.raises(Killed):
        await run_track(writer, [ToyStep("a", effect)], bench.services)
    again = await bench.runs.open("r1")
    await again.write(Resumed("another"))
    step = ToyStep("a", effect)
    assert (await run_track(again, [step], bench.services)).status == "succeeded"
    assert world.done == ["one"]
    assert again.journal.step("a").effects["one"].adopted is landed
    assert step.settled == 1, "proofs are never skipped because an effect had been done"


@pytest.mark.parametrize("landed", [True, False])
async def test_a_lost_answer_is_looked_into_and_not_repeated_blindly(landed: bool) -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    effect = ToyEffect(world, "one")
    effect.error, effect.lands_despite_error = Ambiguous("no answer"), landed
    assert (await run_track(writer, [ToyStep("a", effect)], bench.services)).status == "succeeded"
    assert world.done == ["one"]


async def test_what_somebody_else_changed_holds_with_the_difference() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    effect = ToyEffect(world, "one")
    effect.observed = Foreign("- ours\n+ theirs", (Way("put it back"),))
    outcome = await run_track(writer, [ToyStep("a", effect)], bench.services)
    assert outcome.status == "holding"
    assert "theirs" in outcome.said
    assert world.done == []
    assert [way.what for way in outcome.ways] == ["put it back", "try again"]
    assert writer.journal.standstill is not None
    assert writer.journal.status == "holding"


async def test_in_flight_is_waited_for_until_its_bound_and_then_holds() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    effect = ToyEffect(world, "one")
    effect.observed = InFlight("helm may still be at work")
    outcome = await run_track(writer, [ToyStep("a", effect)], bench.services)
    assert outcome.status == "holding"
    assert "still be at work" in outcome.said
    assert 40 <= bench.clock.elapsed <= 45  # its bound of 10 s and the margin
    assert world.done == []


async def test_a_final_error_holds_and_a_passing_one_is_tried_again() -> None:
    bench, world = Bench("a", "b"), Note()
    writer = await bench.open()
    passing, final = ToyEffect(world, "one"), ToyEffect(world, "two")
    passing.error = Retryable("busy", after=3.0)
    final.error = BlueshiftError("no such chart", hint="name another")
    outcome = await run_track(writer, [ToyStep("a", passing), ToyStep("b", final)], bench.services)
    assert outcome.status == "holding"
    assert outcome.said == "no such chart"
    assert world.done == ["one"]
    assert 3.0 in bench.clock.sleeps


async def test_a_wait_has_one_first_instant_and_a_deadline_that_holds() -> None:
    bench = Bench("a")
    writer = await bench.open()
    wait = Wait("pods", "not ready", lasts=10.0, poll=4.0, on_timeout=Hold("never became ready"))
    step = ToyStep("a", answers=[wait] * 9)
    outcome = await run_track(writer, [step], bench.services)
    assert outcome.said == "never became ready"
    assert bench.clock.elapsed == 10.0  # and not the third poll, at 12
    waiting = [event for event in bench.events if isinstance(event, events.Waiting)]
    assert len({event.since for event in waiting}) == 1


@pytest.mark.parametrize(("takes", "slept"), [(0.5, 1.5), (1.0, 1.0), (60.0, 1.0)])
async def test_a_looks_own_time_is_part_of_the_poll(takes: float, slept: float) -> None:
    bench = Bench("a")

    class Slow(ToyStep):
        async def settle(self) -> Answer:
            bench.clock.advance(takes)
            return await super().settle()

    step = Slow("a", answers=[Wait("pods", "not ready", poll=2.0), Settled("ready")])
    assert (await run_track(await bench.open(), [step], bench.services)).status == "succeeded"
    assert bench.clock.sleeps == [slept]


async def test_a_wait_that_came_to_its_end_during_a_look_is_looked_at_again_at_once() -> None:
    bench = Bench("a")
    takes = iter((0.5, 5.0, 0.5))

    class Slow(ToyStep):
        async def settle(self) -> Answer:
            bench.clock.advance(next(takes))
            return await super().settle()

    watch = Wait("watch", "watching", poll=4.0, lasts=7.0)
    step = Slow("a", answers=[watch, watch, Settled("watched")])
    assert (await run_track(await bench.open(), [step], bench.services)).status == "succeeded"
    assert bench.clock.sleeps == [3.5, 0.05]


async def test_a_deadline_is_neither_restarted_nor_skipped_by_a_resume() -> None:
    bench = Bench("a")
    writer = await bench.open()
    wait = Wait("pods", "not ready", lasts=100.0, poll=1.0, on_timeout=Hold("never became ready"))
    with pytest.raises(IndexError):
        await run_track(writer, [_breaks_after(wait, 3)], bench.services)
    deadline = writer.journal.step("a").waits["pods"].deadline
    bench.clock.advance(50.0)
    again = await bench.runs.open("r1")
    await again.write(Resumed("another"))
    outcome = await run_track(again, [ToyStep("a", answers=[wait] * 200)], bench.services)
    assert outcome.said == "never became ready"
    assert again.journal.step("a").waits["pods"].deadline == deadline
    assert bench.clock.elapsed == pytest.approx(100.0, abs=1.5)


async def test_after_a_hold_a_resume_gives_the_wait_its_whole_time_again() -> None:
    bench = Bench("a")
    writer = await bench.open()
    wait = Wait("pods", "not ready", lasts=10.0, poll=5.0, on_timeout=Hold("never became ready"))
    assert (await run_track(writer, [ToyStep("a", answers=[wait] * 9)], bench.services)).status == "holding"
    again = await bench.runs.open("r1")
    await again.write(Resumed("a person who mended it"))
    step = ToyStep("a", answers=[wait])
    assert (await run_track(again, [step], bench.services)).status == "succeeded"


async def test_a_gate_opens_by_its_approval_and_is_recorded() -> None:
    bench = Bench("a")
    writer = await bench.open()
    step = ToyStep("a", answers=[Hold("purge?", gate="purge"), Settled("purged")])
    bench.given = Approval(1, "a", "purge", "ann", bench.clock.utc())
    assert (await run_track(writer, [step], bench.services)).status == "succeeded"
    assert [approval.by for approval in writer.journal.approvals] == ["ann"]
    assert writer.journal.standstill is None


@pytest.mark.parametrize("gate", ["", "purge"])
async def test_what_a_person_needs_beside_the_reason_is_journalled_before_it(gate: str) -> None:
    bench = Bench("a")
    writer = await bench.open()
    seen = Note(["seen"])
    at_the_standstill: list[object] = []

    async def approval(still: Standstill) -> Approval:
        at_the_standstill.append((await bench.runs.open("r1")).journal.facts["Note"])
        return Approval(still.number, "a", gate, "ann", bench.clock.utc())

    services = dataclasses.replace(bench.services, approval=approval)
    step = ToyStep("a", answers=[Hold("why", gate=gate, facts=(seen,)), Settled("purged")])
    outcome = await run_track(writer, [step], services)
    journal = (await bench.runs.open("r1")).journal
    assert outcome.status == ("succeeded" if gate else "holding")
    assert journal.facts["Note"] == msgspec.to_builtins(seen)
    assert at_the_standstill == [msgspec.to_builtins(seen)] * bool(gate)


async def test_a_signal_leaves_between_effects_with_the_journal_true() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    first = ToyEffect(world, "one")
    first.observe = _stop_then(bench, first)  # type: ignore[method-assign]
    outcome = await run_track(writer, [ToyStep("a", first, ToyEffect(world, "two"))], bench.services)
    assert outcome.status == "interrupted"
    assert world.done == []
    assert writer.journal.status == "interrupted"


async def test_needs_are_checked_before_anything_is_done() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    step = ToyStep("a", ToyEffect(world, "one"))
    step.need = "the primary has not proved itself"
    outcome = await run_track(writer, [step], bench.services)
    assert outcome.status == "holding"
    assert "has not proved itself" in outcome.said
    assert world.done == []


async def test_a_hold_that_asks_for_it_takes_traffic_back_first_and_a_resume_does_it_again() -> None:
    bench, world = Bench("a", "b"), Note()
    writer = await bench.open()
    first = ToyStep("a", ToyEffect(world, "one"))
    second = ToyStep("b", ToyEffect(world, "two"), answers=[Hold("it fails", retreat=True)])
    second.back = Retreat([ToyEffect(world, "back")], ("a", "b"), State(traffic="primary"))
    outcome = await run_track(writer, [first, second], bench.services)
    assert outcome.status == "holding"
    assert "taken back to the primary" in outcome.said
    assert world.done == ["one", "two", "back"]
    assert writer.journal.step("a").settled is None
    world.done.clear()
    again = await bench.runs.open("r1")
    await again.write(Resumed("a person"))
    steps = [ToyStep("a", ToyEffect(world, "one")), ToyStep("b", ToyEffect(world, "two"))]
    assert (await run_track(again, steps, bench.services)).status == "succeeded"
    assert world.done == ["one", "two"]


async def test_traffic_that_cannot_be_taken_back_stays_and_both_reasons_are_said() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    step = ToyStep("a", answers=[Hold("it fails", retreat=True)])
    blocked = ToyEffect(world, "back")
    blocked.observed = Foreign("- ours\n+ theirs")
    step.back = Retreat([blocked], ("a",), State())
    outcome = await run_track(writer, [step], bench.services)
    assert outcome.status == "holding"
    assert "it fails" in outcome.said
    assert "could not be taken back" in outcome.said
    assert world.done == []


async def test_a_process_that_was_taken_over_does_nothing_more() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    other = await bench.runs.open("r1")
    await other.write(Resumed("the other"))
    with pytest.raises(FenceLost, match="the other"):
        await run_track(writer, [ToyStep("a", ToyEffect(world, "one"))], bench.services)
    assert world.done == []


def _breaks_after(wait: Wait, times: int) -> ToyStep:
    step = ToyStep("a", answers=[wait] * times)

    async def settle() -> Wait:
        return step.answers.pop(0)  # type: ignore[return-value]

    step.settle = settle  # type: ignore[method-assign]
    return step


def _stop_then(bench: Bench, effect: ToyEffect):  # type: ignore[no-untyped-def]
    original = effect.observe

    async def observe(journalled):  # type: ignore[no-untyped-def]
        bench.stopping.set()
        return await original(journalled)

    return observe


async def test_an_answer_that_is_lost_again_and_again_holds_and_is_not_tried_for_ever() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    effect = ToyEffect(world, "one")
    tries = 0

    async def do() -> None:
        nonlocal tries
        tries += 1
        raise Ambiguous("context deadline exceeded")

    effect.do = do  # type: ignore[method-assign]
    outcome = await run_track(writer, [ToyStep("a", effect)], bench.services)
    assert outcome.status == "holding"
    assert "tried 5 times, and nothing of it is in the world" in outcome.said
    assert (tries, bench.clock.sleeps) == (5, [0.5, 1.0, 2.0, 4.0, 8.0])


async def test_a_hold_says_what_else_is_unsafe_and_tells_it() -> None:
    bench = Bench("a")
    writer = await bench.open()

    async def unsafe() -> Hold | None:
        return Hold("nobody can write an Ingress", (Way("let them", "blueshift webhook r1 ignore --yes"),))

    services = dataclasses.replace(bench.services, unsafe=unsafe)
    outcome = await run_track(writer, [ToyStep("a", answers=[Hold("broken", (Way("mend it"),))])], services)
    assert outcome.said == "broken\nnobody can write an Ingress"
    assert [way.what for way in outcome.ways] == ["let them", "mend it", "try again"]
    told = next(event for event in bench.events if isinstance(event, events.Held))
    assert "nobody can write" in told.reason
    assert writer.journal.standstill is not None
    assert writer.journal.standstill.reason == outcome.said


async def test_a_hold_is_no_less_a_hold_where_its_safety_cannot_be_told() -> None:
    bench = Bench("a")
    writer = await bench.open()

    async def unsafe() -> Hold | None:
        raise BlueshiftError("the API server is gone")

    services = dataclasses.replace(bench.services, unsafe=unsafe)
    outcome = await run_track(writer, [ToyStep("a", answers=[Hold("broken")])], services)
    assert (outcome.status, outcome.said) == ("holding", "broken")
    assert any("is gone" in getattr(event, "sentence", "") for event in bench.events)


async def test_what_is_due_is_done_once_before_the_step_by_the_same_rules() -> None:
    bench, world = Bench("a", "b"), Note()
    writer = await bench.open()
    effect = ToyEffect(world, "back")
    effect.error = Ambiguous("no answer")

    async def due(state: State) -> Beside | None:
        done = writer.journal.step("beside").effects.get("back")
        return None if done and done.done else Beside("beside", (effect,))

    services = dataclasses.replace(bench.services, due=due)
    outcome = await run_track(writer, [ToyStep("a", ToyEffect(world, "one")), ToyStep("b")], services)
    assert outcome.status == "succeeded"
    assert world.done == ["back", "one"]
    assert writer.journal.step("beside").effects["back"].done


@pytest.mark.parametrize("said", ["the other groups are as they were: inside", ""])
async def test_the_last_sentence_of_a_run_says_what_else_is_known(said: str) -> None:
    bench = Bench("a")
    writer = await bench.open()

    async def closing() -> str:
        return said

    services = dataclasses.replace(bench.services, closing=closing)
    outcome = await run_track(writer, [ToyStep("a")], services)
    assert outcome.said == "demo: every step settled" + (f"; {said}" if said else "")
    assert writer.journal.said == outcome.said


async def test_a_run_that_is_not_over_does_not_say_it() -> None:
    bench = Bench("a")
    writer = await bench.open()

    async def closing() -> str:
        raise AssertionError("it is not over")

    services = dataclasses.replace(bench.services, closing=closing)
    assert (await run_track(writer, [ToyStep("a", answers=[Hold("no")])], services)).status == "holding"
