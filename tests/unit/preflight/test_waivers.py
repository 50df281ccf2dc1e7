"""What is skipped and acknowledged, and what of it the journal keeps."""

from __future__ import annotations

import pytest

from blueshift.engine.journal import Waived
from blueshift.errors import BlueshiftError
from blueshift.preflight.protocol import Check
from blueshift.preflight.waivers import NONE, Waivers, given, waived
from tests.unit.preflight.worlds import RELEASE, WORKLOAD, but, world

PENDING = world(release=but(RELEASE, status="pending-upgrade"), workload=but(WORKLOAD, ready=1, replicas=1))
ONE_POD = "Deployment ingress/web-controller has one pod: whatever ends it, ends all traffic"


@pytest.mark.parametrize("option", ["skip", "acknowledge"])
def test_an_unknown_id_is_refused_with_the_nearest(option: str) -> None:
    wrong: dict[str, tuple[str, ...]] = {"skip": (), "acknowledge": (), option: ("helm-rendr",)}
    with pytest.raises(BlueshiftError, match="there is no check 'helm-rendr'") as caught:
        given(**wrong)
    assert caught.value.hint == "did you mean 'helm-render'?"


def test_the_options_of_a_plan_and_of_its_upgrade_count_together() -> None:
    planned = given(("helm-render",), ("dns-hosts",))
    both = planned.with_those_of(given(("dns-hosts", "helm-render"), ()))
    assert both == Waivers(("helm-render", "dns-hosts"), ("dns-hosts",))


def test_only_a_check_that_may_stop_an_upgrade_needs_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    table = (
        Check("helm-a", "error", "", lambda _: iter(())),
        Check("helm-b", "warning", "", lambda _: iter(())),
        Check("helm-c", "info", "", lambda _: iter(())),
    )
    monkeypatch.setattr("blueshift.preflight.waivers.CHECKS", table)
    assert Waivers(skip=("helm-c", "helm-b", "helm-a")).errors == ("helm-a",)
    assert Waivers(skip=("helm-b",), acknowledge=("helm-a",)).errors == ()


def test_the_journal_keeps_what_each_saw_by_whom_and_where_it_was_said() -> None:
    waivers = given(("helm-release-pending",), ())
    assert waived(PENDING, waivers, ("cluster-replicas", "dns-hosts"), "ann") == (
        Waived(
            "helm-release-pending", "skipped", "ann", "--skip",
            "revision 3 of web is pending-upgrade: Helm works, or was killed",
        ),
        Waived("cluster-replicas", "acknowledged", "ann", "settings", ONE_POD),
    )  # fmt: skip
    (found,) = waived(PENDING, given((), ("cluster-replicas",)), ("cluster-replicas",), "ann")
    assert found.given == "--acknowledge"
    assert waived(PENDING, NONE, (), "ann") == ()
    (left,) = waived(PENDING, given(("dns-hosts",), ()), (), "ann")
    assert left.saw == "it has nothing against an upgrade"
