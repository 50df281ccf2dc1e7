"""The playbook that ships: its production defaults, and that every step's needs are left by those before."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.app.kinds import accepting_remaining, compile_track, settings_types
from blueshift.app.plans import offline
from blueshift.engine.state import State
from blueshift.errors import BlueshiftError
from blueshift.playbook.schema import Playbook, load
from blueshift.playbook.shipped import find
from blueshift.steps.places import Places
from tests.unit.app.worlds import world


@pytest.fixture
def blue_green() -> Playbook:
    return load(find("blue-green"), settings_types())


def test_production_defaults(blue_green: Playbook) -> None:
    """DESIGN §3: a change of any of these is a decision and not an accident."""
    settings = {entry.id: entry.settings for entry in blue_green.steps}
    for side in ("drain-primary", "drain-temporary"):
        drain = settings[side]
        assert (drain.at_least, drain.factor, drain.window, drain.ask_after) == (900, 10, 600, 86400)
    for shift in ("shift-to-temporary", "shift-to-primary"):
        assert (settings[shift].canary, settings[shift].waves, settings[shift].hold) == (1, (10, 100), 300)
    assert settings["soak"].lasts == 3600
    assert settings["purge"].auto is False
    lower = settings["lower-ttl"]
    assert (lower.ttl, lower.factor, lower.margin) == (60, 1.1, 60)
    assert settings["install-temporary"].answering == 60


def test_a_soak_that_would_judge_no_requests_at_all_is_refused(tmp_path: Path) -> None:
    """Shares of nothing cannot be told: it ended in a division by zero, in the middle of a run."""
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nsteps:\n  - soak: {least: 0}\n")
    with pytest.raises(BlueshiftError, match="must be at least 1"):
        load(find(str(file)), settings_types())


def test_the_file_says_what_the_code_would_do_without_it(blue_green: Playbook) -> None:
    """Settings that the file spells out are for readers; they must not drift from the defaults in code."""
    for entry in blue_green.steps:
        kind = type(entry.settings)
        given = {
            name: getattr(entry.settings, name) for name in ("to", "side") if hasattr(entry.settings, name)
        }
        assert entry.settings == kind(**given), entry.id


def test_every_step_finds_what_it_needs_and_the_end_is_the_start(blue_green: Playbook) -> None:
    steps = compile_track(blue_green, offline(world(), _places(), "r1"))
    state = State()
    for step in steps:
        assert step.needs(state) is None, f"{step.id}: {step.needs(state)}"
        state = step.leaves(state)
    assert (state.traffic, state.temporary, state.ttl, state.floors) == ("primary", "absent", "as-before", ())
    assert state.primary == "target"


def test_no_step_may_be_left_out(blue_green: Playbook) -> None:
    """Each step is needed by a later one, or by the end: without it something says so."""
    steps = compile_track(blue_green, offline(world(), _places(), "r1"))
    needed_by_nobody = {
        "snapshot",
        "harden",
        "soak",
        "purge-gate",
        "restore-ttl",
        "release-floors",
        "purge",
        "drain-temporary",
        "upgrade",
    }
    for left_out in steps:
        name = left_out.id.removeprefix("forward/")
        state, refused = State(), False
        for step in steps:
            if step is left_out:
                continue
            refused = refused or step.needs(state) is not None
            state = step.leaves(state)
        if "wave" in name and not name.endswith("wave-3"):
            continue  # the last wave makes the shift; fewer waves are a playbook's choice
        assert refused or name in needed_by_nobody, name


def test_step_ids_are_unique_and_tell_the_track(blue_green: Playbook) -> None:
    ids = [step.id for step in compile_track(blue_green, offline(world(), _places(), "r1"))]
    assert len(ids) == len(set(ids))
    assert all(name.startswith("forward/") for name in ids)
    assert "forward/shift-to-temporary/wave-3" in ids


def _places() -> Places:
    return Places(kubeconfig=None, context=None, nsupdate="nsupdate -k K", server="server 127.0.0.1 53")


def test_the_shipped_file_is_the_one_in_the_repository() -> None:
    root = Path(__file__).resolve().parents[3]
    assert (root / "playbooks" / "blue-green.yaml").is_file()


def test_an_accepted_rest_is_a_setting_of_every_drain_and_of_nothing_else() -> None:
    whole = load(find("blue-green"), settings_types())
    accepting = accepting_remaining(whole)
    changed = {
        entry.id: entry.settings.remaining
        for before, entry in zip(whole.steps, accepting.steps, strict=True)
        if entry != before
    }
    assert changed == {"drain-primary": "accept", "drain-temporary": "accept"}
