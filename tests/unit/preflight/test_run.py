"""How checks are run: all shown, none hidden by another's fault, never a pass without a look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from blueshift.discovery import world as worlds
from blueshift.discovery.world import World
from blueshift.errors import BlueshiftError
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Check, Seen
from blueshift.preflight.run import run_all, run_one
from tests.unit.preflight.worlds import world


def test_all_checks_are_run_in_the_order_of_the_table() -> None:
    order = list(dict.fromkeys(one.check for one in run_all(world())))
    assert order == [check.id for check in CHECKS]


def test_only_and_skip() -> None:
    only = {"helm-render", "dns-hosts"}
    assert {one.check for one in run_all(world(), only=only)} == only
    assert {one.check for one in run_all(world(), only=only, skip=["dns-hosts"])} == {"helm-render"}


def test_an_unknown_id_is_refused_with_the_nearest() -> None:
    with pytest.raises(BlueshiftError) as caught:
        run_all(world(), skip=["helm-rendr"])
    assert caught.value.hint == "did you mean 'helm-render'?"


def test_a_check_that_raises_was_not_looked() -> None:
    def broken(_: World) -> Iterator[Seen]:
        yield Seen("pass", "so far")
        raise KeyError("x")

    found = run_one(Check("helm-x", "error", "", broken), world())
    assert [one.outcome for one in found] == ["pass", "not-looked"]
    assert "KeyError" in found[1].sentence


def test_a_check_that_says_nothing_is_no_pass() -> None:
    found = run_one(Check("helm-x", "error", "", lambda _: iter(())), world())
    assert [one.outcome for one in found] == ["not-looked"]


def test_findings_are_the_same_from_a_saved_world(tmp_path: Path) -> None:
    worlds.save(world(), tmp_path / "world.json")
    assert run_all(worlds.load(tmp_path / "world.json")) == run_all(world())


def test_ids_are_unique_and_name_their_area() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert {check.id: check.area for check in CHECKS}["nginx-status-race"] == "controller"
    assert {check.area for check in CHECKS} == {"helm", "cluster", "controller", "dns"}
