"""Each check fires on a World that is spoilt in its one point, and is silent on the sound one."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import failed
from blueshift.preflight.run import run_all
from tests.unit.preflight import cluster_cases, dns_cases, group_cases, helm_cases, nginx_cases, primary_cases
from tests.unit.preflight.case import Case, of
from tests.unit.preflight.worlds import world

CASES = [
    *cluster_cases.CASES,
    *helm_cases.CASES,
    *primary_cases.CASES,
    *dns_cases.CASES,
    *nginx_cases.CASES,
    *group_cases.CASES,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_a_check_fires(case: Case) -> None:
    found = [one for one in of(case.check, world(**case.changes)) if case.says in one.sentence]
    assert [one.outcome for one in found] == [case.outcome]
    assert found[0].stops is case.stops
    if case.outcome == "fail":
        assert found[0].remedy


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_a_check_is_silent_on_a_sound_world(check: str) -> None:
    assert {one.outcome for one in of(check, world())} <= {"pass", "info"}


@pytest.mark.parametrize(("check", "changes"), [*cluster_cases.QUIET, *group_cases.QUIET])
def test_a_check_of_the_surroundings_knows_its_bounds(check: str, changes: dict[str, Any]) -> None:
    found = {one.outcome for one in of(check, world(**changes))}
    assert found <= {"pass", "info"}
    assert "pass" in found


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_every_check_has_a_case_where_it_fires(check: str) -> None:
    assert check in {case.check for case in CASES}


def test_a_sound_world_may_be_upgraded() -> None:
    assert not failed(run_all(world()))
