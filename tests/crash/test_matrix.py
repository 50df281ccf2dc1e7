"""How points are named, dealt out and told; needs no lab."""

from __future__ import annotations

import msgspec
import pytest

from blueshift.engine.entries import Did, Left, Started
from tests.crash import matrix, report
from tests.crash.entry import name_of
from tests.crash.faultfile import Fault, faults
from tests.crash.order import Boundaries, Order, Result

FORWARD = (
    "create",
    "forward/upgrade Started",
    "forward/upgrade Intended upgrade",
    "forward/upgrade effect revision",
    "forward/upgrade Did upgrade",
)
RUN = (
    *FORWARD,
    "forward/lower-ttl Started",
    "forward/lower-ttl effect *.wild.CELL.lab.test+3",
    "forward/install-temporary Started",
    "forward/install-temporary effect namespace",
    "forward/install-temporary effect revision",
    "forward/shift-to-temporary/wave-1 Started",
    "forward/shift-to-temporary/wave-1 effect temporary:one.CELL.lab.test+1",
    "forward/shift-to-temporary/wave-1 WaitBegan watch",
    "forward/shift-to-primary/wave-1 Started",
    "forward/shift-to-primary/wave-1 effect primary:one.CELL.lab.test+1",
    "forward/drain-primary WaitBegan drain",
    "forward/harden Started",
    "forward/harden effect revision",
    "forward/soak WaitBegan soak",
    "forward/purge effect uninstall",
    "forward/restore-ttl Started",
)
"""Boundaries of a whole run, as the lab's cells pass them; a few of each kind."""
BACK = ("back/restore-primary Started", "back/restore-primary effect revision", "Left")
BOUNDARIES: Boundaries = {"forward": FORWARD, "back": BACK}


def test_a_write_is_named_by_step_kind_and_effect() -> None:
    assert name_of(Started("forward/soak")) == "forward/soak Started"
    assert name_of(Did("forward/soak", "one")) == "forward/soak Did one"
    assert name_of(Left("succeeded", "done")) == "Left"


def test_every_boundary_has_a_point_before_and_after_it() -> None:
    points = matrix.kill_points(BOUNDARIES)
    assert len(points) == 2 * len(FORWARD) + 1
    assert "amid|forward/upgrade effect revision" in points


def forward_kills(*tried: Result) -> list[Order]:
    """Cells of three kills that are left."""
    left = matrix.orders(BOUNDARIES, 3, tried)
    return [order for order in left if (order.track, order.fault) == ("forward", "")]


def test_every_point_is_dealt_once_and_never_again_when_it_has_passed() -> None:
    points = matrix.kill_points(BOUNDARIES)
    kills = forward_kills()
    assert sorted(point for order in kills for point in order.points) == sorted(points)
    assert max(len(order.points) for order in kills) <= 3
    passed = [Result("c001", Order("forward", "", points), points, (), 20.0, FORWARD)]
    assert not forward_kills(*passed)


@pytest.mark.parametrize(("name", "fault"), faults().items(), ids=list(faults()))
def test_a_fault_file_kills_or_disturbs_and_applies_somewhere(name: str, fault: Fault) -> None:
    assert (fault.kill is None) is not (fault.disturb is None)
    assert fault.points({"forward": RUN, "back": BACK}), "it would never be tried"
    if fault.disturb and fault.disturb.by == "person":
        assert fault.disturb.rule.keys() in ({"does"}, {"does", "mends"}, {"does", "proves"})


def test_the_report_counts_what_failed_and_what_was_not_tried() -> None:
    def result(points: tuple[str, ...], *wrong: str) -> Result:
        return Result("c001", Order("forward", "", points), points, wrong, 20.0, FORWARD, "abc")

    points = matrix.kill_points(BOUNDARIES)
    back = msgspec.structs.replace(result(()), boundaries=BACK)
    results = [result(points[:2]), result(points[2:4], "left over: x")]
    text = report.text("today", {"forward": result(()), "back": back}, results)
    assert "| `kill-before-write` | 4 | 1 | 1 | 2 | 2 | 0 s | abc |" in text
    assert "left over: x" in text


def test_what_is_tried_anew_takes_the_place_of_an_older_commits_results() -> None:
    def result(commit: str, *points: str, fault: str = "", wrong: tuple[str, ...] = ()) -> Result:
        return Result("c001", Order("forward", fault, points), points, wrong, 20.0, FORWARD, commit)

    older = [result("a", "p", "q", wrong=("left over",)), result("a", "p", fault="quota"), result("a", "r")]
    kept = report.newest([*older, result("b", "p", "r")])
    assert [(one.commit, one.order.fault, one.order.points) for one in kept] == [
        ("a", "", ("q",)), ("a", "quota", ("p",)), ("b", "", ("p", "r")),
    ]  # fmt: skip
