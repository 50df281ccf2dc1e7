"""How points are named, dealt out and told; needs no lab."""

from __future__ import annotations

import os
import re
import subprocess

import msgspec
import pytest

from blueshift.engine.entries import Did, Left, Started
from blueshift.lab.paths import lab_named
from tests.crash import matrix, report
from tests.crash.disturber import FOLDER
from tests.crash.entry import name_of
from tests.crash.faultfile import Fault, faults
from tests.crash.grounds import GROUNDS
from tests.crash.order import Boundaries, Order, Result, Traffic
from tests.crash.runner import Bed
from tests.crash.state import State, newest

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
    "forward/shift-to-temporary/wave-2 effect temporary:app02.lab.test+6",
    "forward/shift-to-temporary/wave-2 StepSettled",
    "forward/shift-to-temporary/wave-3 effect temporary:app05.lab.test+70",
    "forward/drain-primary WaitBegan drain",
    "forward/drain-primary StepSettled",
    "forward/harden Started",
    "forward/harden effect revision",
    "forward/shift-to-primary/wave-1 Started",
    "forward/shift-to-primary/wave-1 effect primary:one.CELL.lab.test+1",
    "forward/shift-to-primary/wave-2 WaitBegan watch",
    "forward/soak WaitBegan soak",
    "forward/purge effect uninstall",
    "forward/restore-ttl Started",
)
"""Boundaries of a whole run, as the lab's cells pass them; a few of each kind."""
BACK = ("back/restore-primary Started", "back/restore-primary effect revision", "Left")
WAY_BACK = (
    "back/shift-to-temporary/wave-3 effect temporary:app05.lab.test+70",
    "back/drain-primary StepSettled",
    *BACK,
    "back/shift-to-primary/wave-2 WaitBegan watch",
)
"""Of a way back, a few as well."""
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
        for command in fault.disturb.rule.values():
            subprocess.run(["bash", "-n", "-c", command], check=True)
            for program in re.findall(r'"\$FAULTS"/(\S+)', command):
                assert os.access(FOLDER / program, os.X_OK)


def test_no_two_faults_spell_out_the_same_policy() -> None:
    said = [fault.disturb.rule.get("does", "") for fault in faults().values() if fault.disturb]
    mutations = [one for command in said for one in re.findall(r"jsonPatch: (.*)", command)]
    assert len(mutations) == len(set(mutations)), "what they share belongs into a program in faults/"


def test_the_real_controller_is_tried_at_twelve_points_and_more_each_once() -> None:
    boundaries: Boundaries = {"forward": RUN, "back": WAY_BACK}
    chosen = {name: fault.points(boundaries, "real") for name, fault in faults().items() if fault.real}
    assert all(chosen.values()), "a point that no run has would never be tried"
    cells = matrix.orders(boundaries, 4, (), "real")
    assert max(len(cell.points) for cell in cells) <= 4
    dealt = sorted((cell.track, cell.fault, point) for cell in cells for point in cell.points)
    assert len(dealt) == len(set(dealt)) == sum(map(len, chosen.values()))
    assert len(dealt) >= 12
    assert {cell.track for cell in cells} == {"forward", "back"}


async def test_a_count_that_proves_nothing_is_made_once_more_and_a_lost_request_is_not() -> None:
    void, sound, lost = Traffic(500, 0, ("a gap",)), Traffic(500, 0), Traffic(500, 1, ("a gap",))

    async def judged(*counts: Traffic) -> Result:
        left = [result((), *counted.wrong(), traffic=counted) for counted in counts]

        class Counted(Bed):
            async def _once(self, order: Order) -> Result:
                return left.pop(0)

        found = await Counted(lab_named("none"), GROUNDS["real"]).cell(Order())
        assert not left
        return found

    assert (await judged(void, sound)).passed
    assert (await judged(void, void)).wrong == ("the count proves nothing: a gap",)
    assert (await judged(lost)).wrong[0] == "1 of 500 requests failed"


def result(points: tuple[str, ...], *wrong: str, traffic: Traffic | None = None) -> Result:
    """A cell of kills."""
    return Result("c001", Order("forward", "", points), points, wrong, 20.0, FORWARD, "abc", traffic)


def state(*results: Result, traffic: Traffic | None = None) -> State:
    """What was tried after two undisturbed runs."""
    forward = result((), traffic=traffic)
    back = msgspec.structs.replace(forward, boundaries=BACK)
    return State("abc", "today", {"forward": forward, "back": back}, list(results))


def test_the_report_counts_what_failed_and_what_was_not_tried() -> None:
    points = matrix.kill_points(BOUNDARIES)
    text = report.text({"stub": state(result(points[:2]), result(points[2:4], "left over: x"))})
    assert "| `kill-before-write` | 4 | 1 | 1 | 2 | 2 | 0 s | abc |" in text
    assert f"In all 2 of {sum(len(fault.points(BOUNDARIES)) for fault in faults().values())} points" in text
    assert "left over: x" in text
    assert "--bed real" in text, "what nobody tried is told"


def test_the_report_counts_requests_of_the_real_controller() -> None:
    (point,) = faults()["kill-amid-helm"].points({"forward": FORWARD}, "real")
    lost = Traffic(500, 2)
    failed = result((point,), *lost.wrong(), traffic=lost)
    text = report.text({"stub": state(), "real": state(failed, traffic=Traffic(1000, 0))})
    assert "| `kill-amid-helm` | 1 | 0 | 1 | 0 | 1 | 2 of 500 |  | abc |" in text
    assert "0 of 2,000 requests failed there" in text
    assert "0 of 2 points passed, and 2 of 2,500 requests failed." in text
    assert "2 of 500 requests failed" in text.partition("## Failed")[2]


def test_what_is_tried_anew_takes_the_place_of_an_older_commits_results() -> None:
    def of(commit: str, *points: str, fault: str = "", wrong: tuple[str, ...] = ()) -> Result:
        return Result("c001", Order("forward", fault, points), points, wrong, 20.0, FORWARD, commit)

    older = [of("a", "p", "q", wrong=("left over",)), of("a", "p", fault="quota"), of("a", "r")]
    kept = newest([*older, of("b", "p", "r")])
    assert [(one.commit, one.order.fault, one.order.points) for one in kept] == [
        ("a", "", ("q",)), ("a", "quota", ("p",)), ("b", "", ("p", "r")),
    ]  # fmt: skip
