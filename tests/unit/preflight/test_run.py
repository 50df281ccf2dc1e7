"""How checks are run: all shown, none hidden by another's fault, never a pass without a look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from blueshift.discovery import world as worlds
from blueshift.discovery.seen import Denied, Permissions
from blueshift.discovery.world import World
from blueshift.errors import BlueshiftError
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Check, Seen, failed
from blueshift.preflight.run import run_all, run_one
from tests.unit.preflight.worlds import RELEASE, WORKLOAD, but, seen, world


def test_all_checks_are_run_in_the_order_of_the_table() -> None:
    order = list(dict.fromkeys(one.check for one in run_all(world())))
    assert order == [check.id for check in CHECKS]


def test_only_what_is_named_is_run() -> None:
    only = {"helm-render", "dns-hosts"}
    assert {one.check for one in run_all(world(), only=only)} == only


def test_what_is_skipped_stops_nothing_and_is_told_all_the_same() -> None:
    pending = world(release=but(RELEASE, status="pending-upgrade"))
    counted = {one.check: one for one in run_all(pending)}
    assert counted["helm-release-pending"].stops
    found = {one.check: one for one in run_all(pending, skip=["helm-release-pending", "helm-render"])}
    assert not failed(tuple(found.values()))
    skipped = found["helm-release-pending"]
    assert skipped == but(counted["helm-release-pending"], outcome="skipped", stops=False)
    assert found["helm-render"].outcome == "skipped"
    assert found["helm-render"].sentence == "it has nothing against an upgrade"
    assert found["dns-hosts"] == counted["dns-hosts"]


def test_a_warning_that_is_acknowledged_is_one_no_more() -> None:
    one_pod = world(workload=but(WORKLOAD, ready=1, replicas=1))
    counted = {one.check: one for one in run_all(one_pod)}
    known = {one.check: one for one in run_all(one_pod, acknowledged=["cluster-replicas", "dns-hosts"])}
    assert counted["cluster-replicas"].outcome == "warn"
    assert known["cluster-replicas"] == but(counted["cluster-replicas"], outcome="acknowledged")
    assert known["dns-hosts"].outcome == "pass", "there is nothing to acknowledge"


def test_what_stops_and_what_nobody_saw_is_not_acknowledged_away() -> None:
    none_ready = world(workload=but(WORKLOAD, ready=0))
    (found,) = run_all(none_ready, only=["cluster-replicas"], acknowledged=["cluster-replicas"])
    assert (found.outcome, found.stops) == ("fail", True)
    no_exec = seen(cluster_exec=Permissions(2, (Denied("create", "pods/exec", "ingress", "RBAC"),)))
    blind = run_all(
        world(findings=no_exec), only=["nginx-prestop-binary"], acknowledged=["nginx-prestop-binary"]
    )
    assert [(one.outcome, one.stops) for one in blind] == [("not-looked", False)]


def test_settings_may_acknowledge_a_check_that_is_no_more() -> None:
    assert run_all(world(), acknowledged=["helm-of-old"]) == run_all(world())


def test_every_finding_names_its_line_in_the_documentation() -> None:
    assert {one.link for one in run_all(world())} == {f"docs/checks.md#{check.id}" for check in CHECKS}


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
