"""Words to a run: each takes effect where it was meant, once, and says so when it comes too late."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from blueshift.engine import control
from blueshift.engine.control import Words
from blueshift.engine.entries import Left, NotTurned, StoodStill, Turned
from blueshift.engine.journal import Journal, Pause
from blueshift.engine.loop import run_track
from blueshift.engine.protocol import Hold, Retreat, Wait
from blueshift.engine.state import State
from blueshift.engine.store import Writer
from blueshift.engine.words import Speaker
from blueshift.errors import BlueshiftError
from tests.unit.engine.steps import Bench, Note, ToyEffect, ToyStep

CONTROL = "blueshift-control"
UNSEEN = " (claims)"
"""What the run adds to a name, as this API server has no policy."""


async def said(bench: Bench, journal: Journal) -> Words:
    return await control.heard(cast(Any, bench.kube), CONTROL, journal)


async def turn(bench: Bench, journal: Journal, to: Any = "back", by: str = "ann") -> control.TurnWord:
    kube = cast(Any, bench.kube)
    return await control.turn(kube, CONTROL, journal, to, by=Speaker(by), at=bench.clock.utc())


async def pause(bench: Bench, journal: Journal, by: str = "ann") -> Pause:
    kube = cast(Any, bench.kube)
    return await control.pause(kube, CONTROL, journal, by=Speaker(by), at=bench.clock.utc())


async def unpause(bench: Bench, journal: Journal) -> Pause | None:
    kube = cast(Any, bench.kube)
    return await control.unpause(kube, CONTROL, journal, by=Speaker("bob"), at=bench.clock.utc())


def claimed(word: Any) -> Any:
    """As the run hears it."""
    return msgspec.structs.replace(word, by=word.by + UNSEEN)


async def turned(writer: Writer, to: Any = "back") -> None:
    await writer.write(Turned(to, (), ("back/a",), State(), "ann", ""))


async def test_a_turn_is_heard_once_and_only_at_its_number() -> None:
    bench = Bench("a")
    writer = await bench.open()
    word = await turn(bench, writer.journal)
    assert (await said(bench, writer.journal)).turn == claimed(word)
    await turned(writer)
    assert (await said(bench, writer.journal)).turn is None, "an old word never turns the run again"


async def test_the_first_word_counts_and_a_panic_may_follow_it() -> None:
    bench = Bench("a")
    writer = await bench.open()
    first = await turn(bench, writer.journal, by="ann")
    assert await turn(bench, writer.journal, by="bob") == first
    panic = await turn(bench, writer.journal, "panic", by="bob")
    assert (await said(bench, writer.journal)).turn == claimed(panic)


async def test_a_run_that_is_on_its_way_back_or_over_says_so() -> None:
    bench = Bench("a")
    writer = await bench.open()
    await turned(writer)
    with pytest.raises(BlueshiftError, match="on its back track already, by ann"):
        await turn(bench, writer.journal)
    await writer.write(Left("rolled-back", "done"))
    for word in (turn(bench, writer.journal), pause(bench, writer.journal)):
        with pytest.raises(BlueshiftError, match="is over: it has rolled back"):
            await word
    with pytest.raises(BlueshiftError, match="is over"):
        await turned(writer)


async def test_words_of_another_run_and_by_hand_are_none() -> None:
    bench = Bench("a")
    writer = await bench.open()
    await turn(bench, writer.journal)
    await pause(bench, writer.journal)
    turned, paused = (path for path in bench.kube.objects if CONTROL in path)
    bench.kube.objects[turned]["data"]["run"] = "r2"
    bench.kube.objects[paused]["data"] = {"pause": "yes please"}
    assert await said(bench, writer.journal) == Words()


async def test_a_turn_ends_a_pause_and_one_that_cannot_be_followed_is_spent() -> None:
    bench = Bench("a")
    writer = await bench.open()
    await pause(bench, writer.journal)
    word = await turn(bench, writer.journal)
    assert await said(bench, writer.journal) == Words(turn=claimed(word))
    await writer.write(NotTurned("ann", "somebody else changed it"))
    assert (await said(bench, writer.journal)).turn is None
    assert writer.journal.on == "forward"
    assert (await turn(bench, writer.journal)).turns == 1


async def test_a_pause_is_a_level_and_keeps_its_first_word() -> None:
    bench = Bench("a")
    writer = await bench.open()
    first = await pause(bench, writer.journal, by="ann")
    assert await pause(bench, writer.journal, by="bob") == first
    assert (await said(bench, writer.journal)).pause == claimed(first)
    assert await unpause(bench, writer.journal) == first
    assert (await said(bench, writer.journal)).pause is None
    assert await unpause(bench, writer.journal) is None
    again = await pause(bench, writer.journal, by="bob")
    assert (await said(bench, writer.journal)).pause == claimed(again), "another pause is another word"


async def test_an_old_word_to_proceed_never_opens_the_next_gate() -> None:
    bench = Bench("a")
    writer = await bench.open()
    kube = cast(Any, bench.kube)
    await writer.write(StoodStill("a", "may it go?", "purge"))
    late = writer.journal
    given = await control.approve(kube, CONTROL, late, None, by=Speaker("ann"), at=bench.clock.utc())
    assert given.gate == "purge"
    assert await control.approval(kube, CONTROL, "r1", cast(Any, late.standstill)) == claimed(given)
    await writer.write(StoodStill("a", "and now?", "purge"))
    still = writer.journal.standstill
    assert still is not None
    assert await control.approval(kube, CONTROL, "r1", still) is None


async def test_an_approval_of_something_else_is_not_taken_for_one() -> None:
    bench = Bench("a")
    writer = await bench.open()
    await writer.write(StoodStill("a", "may it go?", "purge"))
    at = bench.clock.utc()
    kube = cast(Any, bench.kube)
    await control.approve(kube, CONTROL, writer.journal, None, by=Speaker("ann"), at=at)
    path = next(path for path in bench.kube.objects if CONTROL in path and "approve" in path)
    bench.kube.objects[path]["data"]["gate"] = "other"
    with pytest.raises(BlueshiftError, match="by ann of other stands there"):
        await control.approve(kube, CONTROL, writer.journal, None, by=Speaker("bob"), at=at)


async def test_while_paused_nothing_is_done_and_the_journal_says_so() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    services = bench.services
    held = Pause("ann", bench.clock.utc(), "looking")
    seen: list[object] = []

    def words() -> Words:
        if bench.clock.elapsed < 5:
            return Words(pause=held)
        seen.append((writer.journal.paused, list(world.done)))
        return Words()

    services.words = words
    assert (await run_track(writer, [ToyStep("a", ToyEffect(world, "one"))], services)).status == "succeeded"
    assert seen[0] == (held, [])
    assert world.done == ["one"]
    assert writer.journal.paused is None


async def test_a_word_to_turn_ends_the_track_between_two_effects_and_in_a_wait() -> None:
    for answers in ([], [Wait("pods", "not ready", poll=1.0)] * 3):
        bench, world = Bench("a"), Note()
        writer = await bench.open()
        word = await turn(bench, writer.journal)
        services = bench.services
        services.words = lambda world=world, word=word: Words(turn=word if world.done else None)  # type: ignore[misc]
        step = ToyStep("a", ToyEffect(world, "one"), ToyEffect(world, "two"), answers=answers)
        outcome = await run_track(writer, [step], services)
        assert (outcome.status, outcome.word) == ("turning", word)
        assert world.done == ["one"]


async def test_a_track_back_ends_as_rolled_back() -> None:
    bench = Bench("a")
    writer = await bench.open()
    await turned(writer)
    outcome = await run_track(writer, [ToyStep("back/a")], bench.services)
    assert (outcome.status, writer.journal.status) == ("rolled-back", "rolled-back")
    assert writer.journal.turn is not None
    assert writer.journal.turn.left == ("a",)


async def test_traffic_that_is_taken_back_is_so_in_spite_of_a_signal() -> None:
    bench, world = Bench("a"), Note()
    writer = await bench.open()
    step = ToyStep("a", answers=[Hold("it fails", retreat=True)])
    step.back = Retreat([ToyEffect(world, "back")], ("a",), State())
    services = bench.services

    async def settle() -> Hold:
        bench.stopping.set()
        return Hold("it fails", retreat=True)

    step.settle = settle  # type: ignore[method-assign]
    outcome = await run_track(writer, [step], services)
    assert outcome.status == "holding"
    assert world.done == ["back"]
