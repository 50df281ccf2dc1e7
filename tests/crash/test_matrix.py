"""How points are named, dealt out and told; needs no lab."""

from __future__ import annotations

from blueshift.engine.entries import Did, Left, Started
from tests.crash import matrix, report
from tests.crash.entry import name_of
from tests.crash.runner import Result

BOUNDARIES = (
    "create",
    "forward/upgrade Started",
    "forward/upgrade Intended upgrade",
    "forward/upgrade effect revision",
    "forward/upgrade Did upgrade",
)


def test_a_write_is_named_by_step_kind_and_effect() -> None:
    assert name_of(Started("forward/soak")) == "forward/soak Started"
    assert name_of(Did("forward/soak", "one")) == "forward/soak Did one"
    assert name_of(Left("succeeded", "done")) == "Left"


def test_every_boundary_has_a_point_before_and_after_it() -> None:
    points = matrix.all_points(BOUNDARIES)
    assert len(points) == 2 * len(BOUNDARIES) + 1
    assert "amid|forward/upgrade effect revision" in points


def test_every_point_is_dealt_once() -> None:
    points = matrix.all_points(BOUNDARIES)
    cells = list(matrix.dealt(points, 3))
    assert sorted(point for cell in cells for point in cell) == sorted(points)
    assert max(len(cell) for cell in cells) <= 3


def test_the_report_counts_what_failed_and_what_was_not_tried() -> None:
    def result(points: tuple[str, ...], *wrong: str) -> Result:
        return Result("c001", points, points, wrong, 20.0, BOUNDARIES)

    points = matrix.all_points(BOUNDARIES)
    text = report.text(
        "abc", "today", result(()), [result(points[:2]), result(points[2:4], "left over: x")], len(points)
    )
    assert "In all 2 of 11 points passed." in text
    assert "| `kill-before-write` | 4 | 1 | 1 | 2 | 0 s |" in text
    assert "left over: x" in text
