"""The journal's transitions: pure, monotonous, and strict about what may follow what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.engine.entries import (
    Approved,
    Did,
    Entry,
    Intended,
    Left,
    NotTurned,
    Paused,
    Restated,
    Resumed,
    Started,
    StepSettled,
    StoodStill,
    TakenBack,
    Turned,
    Unpaused,
    WaitBegan,
    apply,
)
from blueshift.engine.journal import OVER, SCHEMA, Approval, Journal, Pause
from blueshift.engine.protocol import Intent
from blueshift.engine.state import State
from blueshift.errors import BlueshiftError

START = datetime(2026, 11, 24, tzinfo=UTC)
EMPTY = Journal(
    run="r1",
    release="demo",
    namespace="ingress",
    cluster="uid",
    plan="hash",
    playbook="toy",
    created=START,
    track=("a", "b"),
)
names = st.sampled_from(["a", "b"])
entries = st.one_of(
    st.builds(Started, names),
    st.builds(Intended, names, names, st.builds(Intent, st.text(max_size=5))),
    st.builds(Did, names, names, st.booleans()),
    st.builds(WaitBegan, names, names, st.text(max_size=5)),
    st.builds(StepSettled, names, st.text(max_size=5), st.just(State(ttl="low"))),
    st.builds(TakenBack, st.just(("a",)), st.just(State())),
    st.builds(StoodStill, names, st.text(max_size=5), st.sampled_from(["", "purge"])),
    st.builds(Restated, st.text(max_size=5)),
    st.builds(
        Approved,
        st.builds(Approval, st.integers(1, 3), names, st.just("purge"), st.just("ann"), st.just(START)),
    ),
    st.builds(
        Turned,
        st.sampled_from(["back", "panic"]),
        st.just(()),
        st.just(("back/a",)),
        st.just(State()),
        st.just("ann"),
        st.text(max_size=5),
    ),
    st.builds(NotTurned, st.just("ann"), st.text(max_size=5)),
    st.builds(Paused, st.builds(Pause, st.just("ann"), st.just(START))),
    st.just(Unpaused()),
    st.builds(Resumed, st.text(max_size=5)),
    st.builds(Left, st.sampled_from(["holding", "interrupted", "parked", "succeeded"]), st.text(max_size=5)),
)


@given(st.lists(entries, max_size=30))
def test_no_history_loses_what_was_done_and_every_journal_survives_its_own_text(history: list[Entry]) -> None:
    journal = EMPTY
    for second, entry in enumerate(history):
        before = journal
        try:
            journal = apply(before, entry, START + timedelta(seconds=second))
        except BlueshiftError:
            continue
        assert journal.seq == before.seq + 1
        assert journal.epoch >= before.epoch
        taken_back = entry.steps if isinstance(entry, TakenBack) else ()  # on purpose, and only those
        for name, step in before.steps.items():
            if name in taken_back:
                continue
            after = journal.step(name)
            for key, effect in step.effects.items():
                if effect.done:
                    assert after.effects[key].done == effect.done
            assert step.started is None or after.started == step.started
        assert msgspec.json.decode(msgspec.json.encode(journal), type=Journal) == journal


@given(st.lists(entries, max_size=30))
def test_no_word_counts_twice_and_no_decision_is_forgotten(history: list[Entry]) -> None:
    """What people decided only grows; a number that a word may name never comes again; a wait keeps its start
    unless its hold was resumed; a refused entry leaves no trace."""
    journal = EMPTY
    for second, entry in enumerate(history):
        before, text = journal, msgspec.json.encode(journal)
        try:
            journal = apply(before, entry, START + timedelta(seconds=second))
        except BlueshiftError:
            assert msgspec.json.encode(before) == text
            continue
        assert msgspec.json.encode(before) == text, "pure"
        assert journal.approvals[: len(before.approvals)] == before.approvals
        assert journal.standstills == before.standstills + isinstance(entry, StoodStill)
        assert journal.turns == before.turns + isinstance(entry, Turned | NotTurned)
        assert journal.facts.items() >= before.facts.items()
        assert journal.epoch == before.epoch + isinstance(entry, Resumed)
        if isinstance(entry, Restated):
            assert before.standstill
            assert journal.standstill == msgspec.structs.replace(
                before.standstill, reason=entry.reason, ways=()
            )
        if journal.standstill is not None:
            assert journal.stood[-1].reason == journal.standstill.reason
            assert journal.standstill.number == journal.standstills
        if isinstance(entry, Turned):
            assert before.status not in OVER
        anew = isinstance(entry, TakenBack | Resumed)
        for name, step in before.steps.items():
            for key, wait in step.waits.items():
                assert anew or journal.step(name).waits[key] == wait


@given(st.lists(entries, max_size=30), st.integers(0, 30))
def test_a_journal_goes_on_alike_from_its_own_text(history: list[Entry], read_again: int) -> None:
    """A resume elsewhere reads what was written and applies the same entries to the same end."""
    straight = resumed = EMPTY
    for second, entry in enumerate(history):
        if second == read_again:
            resumed = msgspec.json.decode(msgspec.json.encode(resumed), type=Journal)
        at = START + timedelta(seconds=second)
        try:
            straight = apply(straight, entry, at)
        except BlueshiftError as refused:
            with pytest.raises(BlueshiftError, match=re.escape(str(refused))):
                apply(resumed, entry, at)
            continue
        resumed = apply(resumed, entry, at)
    assert resumed == straight


def test_a_result_without_an_intent_is_refused() -> None:
    with pytest.raises(BlueshiftError, match="never intended"):
        apply(EMPTY, Did("a", "one"), START)


def test_what_is_done_is_not_intended_again() -> None:
    journal = apply(EMPTY, Intended("a", "one", Intent("do it")), START)
    journal = apply(journal, Did("a", "one"), START)
    with pytest.raises(BlueshiftError, match="not intended again"):
        apply(journal, Intended("a", "one", Intent("do it")), START)


def test_a_wait_does_not_begin_anew() -> None:
    journal = apply(EMPTY, WaitBegan("a", "ttl", "old answers"), START)
    with pytest.raises(BlueshiftError, match="does not begin anew"):
        apply(journal, WaitBegan("a", "ttl", "old answers"), START)


def test_an_old_approval_never_opens_the_next_gate() -> None:
    journal = apply(EMPTY, StoodStill("a", "really?", "purge"), START)
    first = Approval(1, "a", "purge", "ann", START)
    journal = apply(journal, Approved(first), START)
    journal = apply(journal, StoodStill("b", "really?", "purge"), START)
    with pytest.raises(BlueshiftError, match="does not stand at 1"):
        apply(journal, Approved(first), START)
    assert not journal.approved("purge", "b")


def test_an_approval_opens_no_gate_of_a_step_that_begins_anew() -> None:
    asked = apply(EMPTY, StoodStill("soak", "no pass", "accept-verdict"), START)
    opened = apply(asked, Approved(Approval(1, "soak", "accept-verdict", "ann", START)), START)
    assert opened.approved("accept-verdict", "soak")
    back = apply(opened, TakenBack(("soak",), State()), START)
    assert not back.approved("accept-verdict", "soak")
    assert back.approvals == opened.approvals, "who said what is kept"
    again = apply(
        apply(back, StoodStill("soak", "no pass", "accept-verdict"), START),
        Approved(Approval(2, "soak", "accept-verdict", "bob", START)),
        START,
    )
    assert again.approved("accept-verdict", "soak")


def test_a_fact_that_no_step_left_is_an_error_that_says_so() -> None:
    with pytest.raises(BlueshiftError, match="no fact Intent"):
        EMPTY.fact(Intent)


JOURNALS = sorted((Path(__file__).parent / "journals").glob("*.json"))


@pytest.mark.parametrize("file", JOURNALS, ids=lambda file: file.stem)
def test_a_journal_that_was_recorded_by_an_older_version_goes_on(file: Path) -> None:
    """Files are never changed: they are what that version wrote."""
    text = file.read_bytes()
    found = msgspec.json.decode(text, type=Journal)
    assert msgspec.json.decode(text)["seq"] == found.seq
    if file.stem.startswith("schema-1"):  # written before there were others
        assert (found.on, found.turns, found.paused) == ("forward", 0, None)
    later = apply(found, Resumed("eve"), found.created + timedelta(days=1))
    assert later.epoch == found.epoch + 1
    back = apply(later, Turned("back", (), (), State(), "eve", ""), found.created + timedelta(days=1))
    assert (back.on, back.turn.left if back.turn else ()) == ("back", found.track)


def test_the_schema_is_the_one_that_this_version_writes() -> None:
    assert SCHEMA == 3
    assert msgspec.json.decode(msgspec.json.encode(EMPTY))["schema"] == SCHEMA, (
        "or no older version could tell"
    )
