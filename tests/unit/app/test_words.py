"""Words from another shell: they wait for their effect, and are right when late, twice, or in vain."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.app.words import PATIENCE, say
from blueshift.engine.entries import Approved, Left, NotTurned, Paused, StoodStill, Turned, Unpaused
from blueshift.engine.journal import Approval, Journal, Pause
from blueshift.engine.state import State
from blueshift.engine.store import Writer
from blueshift.errors import BlueshiftError
from tests.unit.engine.steps import Bench


def when_slept(bench: Bench, writer: Writer, *entries: Any) -> None:
    """The process that carries the run, a moment later."""
    left = list(entries)
    original = bench.clock.sleep

    async def sleep(seconds: float) -> None:
        await original(seconds)
        if left:
            await writer.write(left.pop(0))

    bench.clock.sleep = sleep  # type: ignore[method-assign]


async def journal(bench: Bench) -> Journal:
    return (await bench.runs.open("r1")).journal


async def test_an_abort_is_over_when_the_run_has_turned() -> None:
    bench = Bench("a")
    writer = await bench.open()
    when_slept(bench, writer, Turned("back", (), (), State(), "ann", ""))
    said = await say(bench.runs, "r1", "abort", "budget", wait=True)
    assert said.effective
    assert "goes back to where it began" in said.sentence


async def test_a_run_that_cannot_turn_says_why() -> None:
    bench = Bench("a")
    writer = await bench.open()
    when_slept(bench, writer, NotTurned("ann", "x"), StoodStill("a", "revision 4 is not this run's doing"))
    with pytest.raises(BlueshiftError, match="could not turn, and stands still: revision 4"):
        await say(bench.runs, "r1", "abort", "", wait=True)


async def test_nobody_carries_the_run_and_so_it_says_that_it_waits() -> None:
    bench = Bench("a")
    await bench.open()
    said = await say(bench.runs, "r1", "pause", "", wait=True)
    assert not said.effective
    assert f"in {PATIENCE:.0f} s" in said.sentence
    assert bench.clock.elapsed >= PATIENCE


async def test_it_need_not_be_waited_for() -> None:
    bench = Bench("a")
    await bench.open()
    said = await say(bench.runs, "r1", "panic", "", wait=False)
    assert (said.effective, bench.clock.elapsed) == (False, 0.0)


async def test_pause_and_unpause_are_seen_in_the_journal() -> None:
    bench = Bench("a")
    writer = await bench.open()
    when_slept(bench, writer, Paused(Pause("ann", bench.clock.utc())), Unpaused())
    assert (await say(bench.runs, "r1", "pause", "", wait=True)).effective
    assert (await say(bench.runs, "r1", "unpause", "", wait=True)).effective
    with pytest.raises(BlueshiftError, match="is not paused"):
        await say(bench.runs, "r1", "unpause", "", wait=True)


async def test_proceed_opens_the_gate_at_which_the_run_stands_and_no_other() -> None:
    bench = Bench("a")
    writer = await bench.open()
    with pytest.raises(BlueshiftError, match="waits at no gate"):
        await say(bench.runs, "r1", "proceed", "", wait=True)
    await writer.write(StoodStill("a", "may it go?", "purge"))
    said = await say(bench.runs, "r1", "proceed", "", wait=False)
    assert "past purge in a" in said.sentence
    assert (await journal(bench)).standstill is not None, "the run opens its gate, and nobody else"


async def test_an_approval_is_over_when_the_run_has_opened_its_gate_and_names_no_other() -> None:
    bench = Bench("a")
    writer = await bench.open()
    await writer.write(StoodStill("a", "may it go?", "purge"))
    with pytest.raises(BlueshiftError, match="waits at the gate purge, not other"):
        await say(bench.runs, "r1", "approve", "", wait=True, gate="other")
    assert not (await say(bench.runs, "r1", "approve", "", wait=False, gate="purge")).effective
    when_slept(bench, writer, Approved(Approval(1, "a", "purge", "ann", bench.clock.utc())))
    said = await say(bench.runs, "r1", "approve", "", wait=True, gate="purge")
    assert (said.word, said.effective) == ("approve", True)
    assert "past purge in a, approved by " in said.sentence
    with pytest.raises(BlueshiftError, match="waits at no gate"):
        await say(bench.runs, "r1", "approve", "", wait=True, gate="purge")


async def test_a_run_that_is_over_takes_no_word() -> None:
    bench = Bench("a")
    writer = await bench.open()
    await writer.write(Left("succeeded", ""))
    for word in ("abort", "panic", "pause", "unpause"):
        with pytest.raises(BlueshiftError, match="is over: it has succeeded"):
            await say(bench.runs, "r1", word, "", wait=True)
