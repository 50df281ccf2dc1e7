"""Checks of the primary itself at the edges of what they allow."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.world import ObjectChange, Rendered
from tests.unit.preflight.case import of
from tests.unit.preflight.primary_cases import BARE, ONE_ADDRESS, UNSEEN
from tests.unit.preflight.worlds import CONTROLLER, RELEASE, WORKLOAD, but, seen, world

QUIET = [
    ("update-status is off", {"workload": but(WORKLOAD, args=("--update-status=false",))}),
    ("it is off at shutdown", {"workload": but(WORKLOAD, args=("--update-status-on-shutdown=false",))}),
    ("pods have no version label", {"release": but(RELEASE, chart_version="4.5.2")}),
    ("nothing is published", {"controller": but(CONTROLLER, publishes=())}),
    ("another controller", {"controller": but(ONE_ADDRESS, profile="traefik")}),
]


@pytest.mark.parametrize("changes", [case[1] for case in QUIET], ids=[case[0] for case in QUIET])
def test_the_status_race_needs_all_its_conditions(changes: dict[str, Any]) -> None:
    found = of("nginx-status-race", world(**{"controller": ONE_ADDRESS, "harden": BARE, **changes}))
    assert [one.outcome for one in found] == ["pass"]


def test_a_fork_with_a_calendar_version_has_the_race_too() -> None:
    spoilt = world(controller=ONE_ADDRESS, harden=BARE, release=but(RELEASE, chart_version="2026.5.3"))
    assert [one.outcome for one in of("nginx-status-race", spoilt)] == ["fail"]


def test_a_service_that_no_client_comes_by_may_go() -> None:
    gone = (ObjectChange("delete", "Service ingress/web-metrics"),)
    found = of("helm-service-recreated", world(target=Rendered(objects=gone)))
    assert [one.outcome for one in found] == ["pass"]


def test_no_prestop_hook_has_nothing_to_be_missing() -> None:
    bare = world(workload=but(WORKLOAD, prestop=()), findings=seen(nginx_prestop_binary=UNSEEN))
    assert [one.outcome for one in of("nginx-prestop-binary", bare)] == ["pass"]
