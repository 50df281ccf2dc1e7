"""The way back is walked from everywhere; a playbook that cannot be taken back, or has a gap, is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from blueshift.app.back import panic, way_back
from blueshift.app.kinds import compile_entries, settings_types
from blueshift.app.lint import lint
from blueshift.app.plans import offline
from blueshift.engine.state import SideName, State
from blueshift.errors import BlueshiftError
from blueshift.playbook.schema import Playbook, StepEntry, load, parse_set
from blueshift.playbook.shipped import find
from blueshift.steps.context import Tools
from blueshift.steps.located import at
from blueshift.steps.places import Places
from blueshift.steps.quiesce import QuiesceSettings
from tests.unit.app.worlds import world


def tools(names: int = 40) -> Tools:
    places = Places(kubeconfig=None, context=None, nsupdate="nsupdate", server="")
    return offline(world(names), places, "r1")


def blue_green(*sets: str) -> Playbook:
    return load(find("blue-green"), settings_types(), [parse_set(text) for text in sets])


def back(state: State, playbook: Playbook | None = None, **located: Any) -> list[str]:
    return [entry.id for entry in way_back(state, playbook or blue_green(), located)]


@pytest.mark.parametrize("names", [1, 2, 40])
@pytest.mark.parametrize("sets", [(), ("harden.keep=false",)])
def test_the_shipped_playbook_leads_back_from_everywhere(names: int, sets: tuple[str, ...]) -> None:
    found = lint(blue_green(*sets), tools(names))
    assert found.problems == ()
    assert found.cuts > 30
    assert all("purge" in where or "restore-ttl" in where or "after" in where for where in found.past_return)


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        ("lower-ttl", "the TTL was not lowered"),
        ("install-temporary", "there is no temporary release"),
        ("drain-primary", "the primary was not proven idle"),
        ("release-floors", "floors is"),
        ("purge", "temporary is ready"),
        ("restore-ttl", "ttl is low"),
        ("shift-to-primary", "traffic is temporary"),
    ],
)
def test_a_playbook_with_a_gap_is_told(left_out: str, says: str) -> None:
    whole = blue_green()
    steps = tuple(entry for entry in whole.steps if entry.id != left_out)
    found = lint(Playbook(whole.name, "", steps), tools())
    assert any(says in problem for problem in found.problems), found.problems


def test_nothing_was_changed_yet() -> None:
    assert back(State()) == []
    assert back(State(preflight=True, ttl="low")) == ["restore-ttl"]


def test_names_that_are_astray_are_gathered_at_the_side_that_was_never_changed() -> None:
    state = State(
        ttl="low", temporary="ready", traffic="split", verified=("primary", "temporary"), drained=()
    )
    located: dict[str, SideName] = {"a.lab.test": "temporary", "b.lab.test": "primary"}
    entries = way_back(state, blue_green(), located)
    assert [entry.id for entry in entries] == [
        "gather-at-primary", "drain-temporary", "release-floors", "purge", "restore-ttl",
    ]  # fmt: skip
    assert entries[0].settings.names == ("a.lab.test",)
    steps = compile_entries("back", entries, tools())
    assert [step.id for step in steps[:2]] == [
        "back/gather-at-primary/floor",
        "back/gather-at-primary/wave-1",
    ]


def test_a_changed_primary_is_put_right_while_traffic_is_elsewhere() -> None:
    state = State(
        ttl="low", temporary="ready", traffic="primary", primary="target", verified=("temporary", "primary"),
        drained=("temporary",), floors=("primary", "temporary"),
    )  # fmt: skip
    assert back(state) == [
        "shift-to-temporary", "drain-primary", "restore-primary", "shift-to-primary", "drain-temporary",
        "release-floors", "purge", "restore-ttl",
    ]  # fmt: skip
    away = state.but(traffic="temporary", drained=("primary",), primary="unsure", verified=("temporary",))
    assert back(away)[0] == "restore-primary"


def test_whether_the_hardening_stays_is_the_playbooks_word() -> None:
    state = State(
        ttl="low", temporary="ready", traffic="temporary", primary="hardened", drained=("primary",),
        verified=("temporary", "primary"),
    )  # fmt: skip
    assert "restore-primary" not in back(state)
    assert back(state, blue_green("harden.keep=false"))[0] == "restore-primary"


def test_without_the_temporary_a_changed_primary_has_no_short_way_back() -> None:
    state = State(primary="target", temporary="partial", ttl="low")
    with pytest.raises(BlueshiftError, match="the temporary release has gone") as told:
        back(state)
    assert "resume" in str(told.value.hint)


def test_the_way_back_asks_nobody_before_it_purges() -> None:
    state = State(ttl="low", temporary="ready", verified=("primary", "temporary"))
    purge = way_back(state, blue_green(), {})[-2]
    assert (purge.id, purge.settings.auto) == ("purge", True)


def test_panic_moves_what_is_not_there_to_the_side_that_proved_itself_last() -> None:
    state = State(verified=("primary", "temporary"))
    (entry,) = panic(state, {"a": "temporary", "b": "primary"})
    assert (entry.settings.to, entry.settings.names) == ("temporary", ("b",))
    with pytest.raises(BlueshiftError, match="no side has proved itself"):
        panic(State(verified=()), {})


def test_traffic_is_where_the_names_are() -> None:
    assert at(State(), {"a": "primary", "b": "temporary"}).traffic == "split"
    assert at(State(), {"a": "temporary"}).traffic == "temporary"
    assert at(State(), {}).traffic == "primary"


def quieting(*, before: str = "drain-primary", side: SideName = "primary") -> Playbook:
    """Blue-green with a quiesce of a side before a step."""
    whole = blue_green()
    entry = StepEntry("quiesce", f"quiesce-{side}", QuiesceSettings(side=side), "here")
    at = next(number for number, one in enumerate(whole.steps) if one.id == before)
    return msgspec.structs.replace(whole, steps=(*whole.steps[:at], entry, *whole.steps[at:]))


def test_a_quiesce_of_either_side_leads_back_from_everywhere() -> None:
    both = quieting()
    at = next(number for number, one in enumerate(both.steps) if one.id == "drain-temporary")
    entry = StepEntry("quiesce", "quiesce-temporary", QuiesceSettings(side="temporary"), "here")
    both = msgspec.structs.replace(both, steps=(*both.steps[:at], entry, *both.steps[at:]))
    found = lint(both, tools())
    assert found.problems == ()
    assert found.cuts > lint(blue_green(), tools()).cuts


@pytest.mark.parametrize(
    ("playbook", "says"),
    [
        (quieting(before="shift-to-temporary"), "traffic is on primary"),
        (quieting(before="upgrade"), "the primary was changed already"),
        (quieting(before="drain-primary", side="temporary"), "traffic is on temporary"),
    ],
)
def test_a_quiesce_in_a_wrong_place_is_told(playbook: Playbook, says: str) -> None:
    assert any(says in problem for problem in lint(playbook, tools()).problems)


def test_traffic_never_comes_back_to_a_side_whose_connections_end_early() -> None:
    whole = quieting()
    short = tuple(entry for entry in whole.steps if entry.kind not in ("harden", "upgrade"))
    found = lint(msgspec.structs.replace(whole, steps=short), tools())
    assert any("the primary was quiesced" in problem for problem in found.problems)


def test_a_quiesced_primary_is_woken_and_needs_no_new_pods() -> None:
    state = State(
        ttl="low", temporary="ready", traffic="temporary", verified=("primary", "temporary"), drained=(),
        quiesced=("primary",), floors=("temporary",),
    )  # fmt: skip
    expected = [
        "wake-primary",
        "shift-to-primary",
        "drain-temporary",
        "release-floors",
        "purge",
        "restore-ttl",
    ]
    assert back(state, quieting()) == expected
    # Cut off inside the quiesce nothing is proven of it: what wakes it proves it.
    assert back(state.without_side("verified", "primary"), quieting()) == expected


def test_a_quiesced_temporary_is_woken_before_it_takes_traffic_again() -> None:
    state = State(
        ttl="low", temporary="ready", traffic="primary", primary="target", verified=("temporary", "primary"),
        drained=(), floors=("primary", "temporary"), quiesced=("temporary",),
    )  # fmt: skip
    assert back(state)[:3] == ["wake-temporary", "shift-to-temporary", "drain-primary"]
    assert "wake-temporary" not in back(state.but(primary="hardened")), "it goes as a whole"


@pytest.mark.parametrize(
    "setting",
    [
        "soak.failures=0",  # every look would move the names back
        "soak.margin=1",  # no share of errors would be too much
        "soak.margin=-0.1",
        "drain-primary.accept=1",  # whoever comes would be the rest that may stay
        "drain-primary.factor=-1",
        "lower-ttl.factor=-0.5",
    ],
)
def test_a_setting_that_would_take_a_proof_away_is_refused(setting: str) -> None:
    with pytest.raises(BlueshiftError, match="must be") as caught:
        blue_green(setting)
    assert str(caught.value.place) == f"--set {setting.partition('=')[0]}"


def test_a_side_that_stays_quiesced_is_named_in_words() -> None:
    entry = StepEntry("quiesce", "quiesce-temporary", QuiesceSettings(side="temporary"), "here")
    steps: list[StepEntry] = []
    for step in blue_green().steps:
        steps += [step, entry] if step.id == "shift-to-primary" else [step] if step.kind != "purge" else []
    found = lint(msgspec.structs.replace(blue_green(), steps=tuple(steps)), tools())
    assert "at the end of the playbook quiesced is temporary, not none" in found.problems
