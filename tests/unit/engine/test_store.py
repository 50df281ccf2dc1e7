"""The writer is the fence: what it adopts, what it refuses, and when it waits."""

from __future__ import annotations

import pytest

from blueshift.engine.entries import Resumed, Started
from blueshift.engine.journal import SCHEMA
from blueshift.engine.store import FenceLost, decode, object_name
from blueshift.errors import Ambiguous, BlueshiftError, Retryable
from tests.unit.engine.steps import Bench


async def test_a_lost_answer_of_our_own_write_is_adopted() -> None:
    bench = Bench("a")
    writer = await bench.open()
    lose = iter([True])

    def hook(verb: str, path: str) -> None:
        if verb == "after-replace" and next(lose, False):
            raise Ambiguous("the answer was lost")

    bench.kube.hook = hook
    await writer.write(Started("a"))
    assert writer.journal.seq == 1
    await writer.write(Started("b"))
    assert (await bench.runs.open("r1")).journal == writer.journal


async def test_a_write_that_never_arrived_is_sent_again() -> None:
    bench = Bench("a")
    writer = await bench.open()
    lose = iter([True, True])

    def hook(verb: str, path: str) -> None:
        if verb == "replace" and next(lose, False):
            raise Ambiguous("the connection broke")

    bench.kube.hook = hook
    await writer.write(Started("a"))
    assert (await bench.runs.open("r1")).journal.step("a").started is not None


async def test_no_journal_no_next_step_while_the_api_server_is_gone() -> None:
    bench = Bench("a")
    writer = await bench.open()
    gone = iter([True] * 30)

    def hook(verb: str, path: str) -> None:
        if next(gone, False):
            raise Retryable("connection refused", after=2.0)

    bench.kube.hook = hook
    await writer.write(Started("a"))
    assert bench.clock.elapsed == 60.0


async def test_a_take_over_is_told_apart_from_a_lost_answer() -> None:
    bench = Bench("a")
    writer = await bench.open()
    other = await bench.runs.open("r1")
    await other.write(Resumed("someone else"))
    with pytest.raises(FenceLost, match="someone else"):
        await writer.write(Started("a"))
    assert (await bench.runs.open("r1")).journal == other.journal


async def test_of_two_resumes_at_once_one_carries_on() -> None:
    bench = Bench("a")
    await bench.open()
    one, two = await bench.runs.open("r1"), await bench.runs.open("r1")
    await one.write(Resumed("one"))
    with pytest.raises(FenceLost):
        await two.write(Resumed("two"))


async def test_a_journal_of_a_newer_blueshift_is_refused() -> None:
    bench = Bench("a")
    await bench.open()
    path = f"/api/v1/namespaces/blueshift/configmaps/{object_name('r1')}"
    found = bench.kube.objects[path]
    found["data"]["journal.json"] = found["data"]["journal.json"].replace(f'"schema":{SCHEMA}', '"schema":99')
    with pytest.raises(BlueshiftError, match="newer Blueshift"):
        decode(found)


async def test_inputs_are_kept_as_they_were_given() -> None:
    bench = Bench("a")
    await bench.open()
    assert await bench.runs.inputs("r1") == {"world": b"{}"}


async def test_an_unknown_run_is_named_with_the_next_command() -> None:
    with pytest.raises(BlueshiftError, match="there is no run r9") as error:
        await Bench().runs.open("r9")
    assert error.value.hint
    assert "blueshift status" in error.value.hint
