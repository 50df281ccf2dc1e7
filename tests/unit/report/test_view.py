"""The fold: what the events of a run add up to."""

from __future__ import annotations

from functools import reduce

from blueshift import events
from blueshift.events import Event
from blueshift.report.view import View, fold
from tests.unit.report.story import TRACK, make, sides, started, until_drain, waiting


def folded(*story: Event) -> View:
    return reduce(fold, story, View())


def test_the_picture_in_the_middle_of_a_run() -> None:
    view = folded(*until_drain())
    assert [step.id for step in view.steps if step.done] == list(TRACK[:8])
    assert (view.current, view.at()) == ("drain-primary", 8)
    assert view.waiting
    assert view.waiting.reason == "2 clients still reach the primary"
    assert view.sides["temporary"][-1].wanted == 3
    assert view.answers["10.0.0.53"].temporary == 38


def test_steps_before_the_one_that_a_resume_begins_with_are_done() -> None:
    view = folded(started(epoch=2), make(events.StepStarted, 1, step="upgrade"))
    assert [step.done for step in view.steps[:11]] == [True] * 10 + [False]
    assert view.epoch == 2


def test_a_wait_is_over_when_something_moves() -> None:
    story = until_drain()
    for event in (
        make(events.EffectIntended, 102, step="drain-primary", effect="e", what="does it"),
        make(events.StepSettled, 102, step="drain-primary", said="idle"),
        make(events.Held, 102, step="drain-primary", reason="no", ways=()),
        make(events.RunEnded, 102, status="interrupted", said="stopped"),
    ):
        assert folded(*story, event).waiting is None


def test_an_effect_is_in_flight_until_its_result() -> None:
    intended = make(events.EffectIntended, 5, step="lower-ttl", effect="e", what="TTL 300 → 60")
    assert folded(started(), intended).effect == "TTL 300 → 60"
    done = make(events.EffectDone, 6, step="lower-ttl", effect="e", adopted=False)
    assert folded(started(), intended, done).effect == ""


def test_a_gate_gives_way_to_what_comes_next() -> None:
    gate = make(events.GateWaits, 5, step="purge", gate="purge", reason="why", command="blueshift approve")
    assert folded(started(), gate).gate is gate
    assert folded(started(), gate, waiting(7)).gate is None


def test_a_step_that_was_not_announced_joins_the_end() -> None:
    view = folded(started(steps=("a",)), make(events.StepStarted, 1, step="b"))
    assert [(step.id, step.done) for step in view.steps] == [("a", True), ("b", False)]


def test_looks_before_the_start_are_no_trouble() -> None:
    assert folded(*sides()).sides.keys() == {"primary", "temporary"}
    assert View().at() == 0


def test_who_is_left_belongs_to_the_step_that_looks() -> None:
    drain = make(
        events.DrainSeen, 70, side="primary", clients=2, requests=9, connections=None, reason="2 clients"
    )
    assert folded(*until_drain(), drain).drains == {"primary": drain}
    assert folded(*until_drain(), drain, make(events.StepStarted, 80, step="harden")).drains == {}


def test_recursive_resolvers_are_apart_from_the_servers_that_count() -> None:
    told = make(
        events.AnswersSeen, 60, server="1.1.1.1", primary=1, temporary=0, other=0, unknown=0, recursive=True
    )
    view = folded(*until_drain(), told)
    assert set(view.answers) == {"10.0.0.53", "fd00::53"}
    assert view.recursives == {"1.1.1.1": told}


def test_only_the_last_notices_are_kept() -> None:
    story = [make(events.Noticed, n, step="", sentence=str(n)) for n in range(10)]
    assert [notice.sentence for notice in folded(*story).notices] == ["7", "8", "9"]
