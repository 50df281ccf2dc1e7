"""A walk over groups: which, in which order, and what stands between two of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.app import configuration, walk
from blueshift.app.kinds import compile_track, settings_types
from blueshift.app.plans import offline
from blueshift.errors import BlueshiftError, Errors
from blueshift.playbook.groups import Written
from blueshift.playbook.reader import Source
from blueshift.playbook.schema import Playbook, load
from blueshift.steps.gate import GateSettings
from tests.unit.app.test_playbook import _places
from tests.unit.app.worlds import world

STEPS = "steps: [preflight, snapshot]\n"
SETTINGS = """dns: {backend: manual}
groups:
  internal: {release: {name: in, namespace: inside}}
  public: {release: {name: web, namespace: edge}}
"""


def playbook(head: str) -> Playbook:
    return load(Source(f"name: estate\n{head}{STEPS}", "mine.yaml"), settings_types())


def written(tmp_path: Path) -> Written:
    file = tmp_path / "blueshift.yaml"
    file.write_text(SETTINGS)
    return configuration.written(file)


def test_a_playbook_says_which_groups_and_what_is_asked_between() -> None:
    found = playbook("groups: [internal, public]\nbetween: {message: all is green, within: 2h}\n")
    assert found.groups == ("internal", "public")
    assert found.between == GateSettings("all is green", 7200.0)
    assert (playbook("").groups, playbook("").between) == ((), None)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("groups: [a, b, a]\n", "mine.yaml:2:16: the group a stands here for the second time"),
        ("groups: a\n", "mine.yaml:2:9: expected a list"),
        ("groups: [A]\n", "mine.yaml:2:10: 'A' cannot be the name of a group"),
        (
            "between: {message: x}\n",
            "mine.yaml:2:10: `between` is the gate between `groups`, and there are none",
        ),
        ("groups: [a, b]\nbetween: {mesage: x}\n", "mine.yaml:3:11: unknown key 'mesage'"),
    ],
)
def test_faults_of_a_walk_have_a_place(head: str, says: str) -> None:
    with pytest.raises(BlueshiftError) as caught:
        playbook(head)
    errors = caught.value.errors if isinstance(caught.value, Errors) else [caught.value]
    assert any(str(one).startswith(says) for one in errors), [str(one) for one in errors]


def test_given_groups_take_the_place_of_the_playbooks(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(f"name: estate\ngroups: [public, internal]\n{STEPS}")
    settings = written(tmp_path)
    assert walk.wished(settings, (), str(file), ()) == ("public", "internal")
    assert walk.wished(settings, ("internal",), str(file), ()) == ("internal",)
    assert walk.wished(settings, (), None, ()) == ()


def test_a_group_that_cannot_be_walked_is_told_before_anything_is_done(tmp_path: Path) -> None:
    settings = written(tmp_path)
    with pytest.raises(BlueshiftError, match="no group 'partner'"):
        walk.wished(settings, ("internal", "partner"), None, ())
    with pytest.raises(BlueshiftError, match="internal was given twice"):
        walk.wished(settings, ("internal", "internal"), None, ())


def test_a_run_behind_another_group_begins_at_its_gate() -> None:
    gated = walk.gated(playbook("groups: [internal, public]\n"), "internal", "public")
    first, *rest = compile_track(gated, offline(world(), _places(), "r1"))
    assert (first.kind, first.id) == ("gate", "forward/before-public")
    assert "`blueshift approve r1 before-public`" in first.plan().waits[0]
    assert "group internal is done, and public comes next" in first.plan().summary
    assert [step.id for step in rest] == ["forward/preflight", "forward/snapshot"]


def test_the_gate_asks_what_the_playbook_says() -> None:
    head = "groups: [internal, public]\nbetween: {message: all is green, within: 2h, otherwise: open}\n"
    asked = walk.gated(playbook(head), "internal", "public").steps[0].settings
    assert (asked.within, asked.otherwise) == (7200.0, "open")
    assert asked.message.endswith("public comes next: all is green")


def test_a_step_of_the_gates_name_is_told() -> None:
    taken = load(Source("name: x\nsteps: [{snapshot: {id: before-public}}]\n", "x"), settings_types())
    with pytest.raises(BlueshiftError, match="has a step before-public"):
        walk.gated(taken, "internal", "public")
