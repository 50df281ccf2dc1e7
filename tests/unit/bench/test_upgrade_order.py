"""The bench of upgrades: which runs are left, how they are kept, and what they sum up to."""

from __future__ import annotations

from pathlib import Path

from tests.bench.upgrade import state
from tests.bench.upgrade.ledger import Count
from tests.bench.upgrade.order import TOOLS, Cell, Ran, ToolName, cells, left, voids
from tests.bench.upgrade.result import Sum, result
from tests.bench.upgrade.state import State

REPEATS = {"healthy": 3, "long": 1, "silent-break": 3}
ALL = dict.fromkeys(REPEATS, TOOLS)


def ran(
    cell: Cell,
    *void: str,
    commit: str = "abc1234",
    at: str = "2026-11-29T15:00:00Z",
    rate: float = 800.0,
    noticed: bool = False,
    **count: int,
) -> Ran:
    return Ran(
        cell=cell,
        commit=commit,
        at=at,
        rate=rate,
        count=Count(**count),  # type: ignore[arg-type]  # its figures alone
        wall_s=40.5,
        noticed=noticed,
        said="upgraded",
        version="4.12.1",
        void=void,
    )


def of(scenario: str, tool: ToolName = "blueshift", repeat: int = 1) -> Cell:
    return Cell(scenario, tool, repeat)


def test_every_run_is_there_once_and_first_repeats_come_first() -> None:
    order = cells(REPEATS, ALL, seed=7)
    assert len(order) == len(set(order)) == 3 * (3 + 1 + 3)
    assert [cell.repeat for cell in order] == sorted(cell.repeat for cell in order)


def test_the_order_is_shuffled_by_the_seed_and_by_nothing_else() -> None:
    order = cells(REPEATS, ALL, seed=7)
    assert order == cells(dict(reversed(REPEATS.items())), ALL, seed=7)
    assert order != cells(REPEATS, ALL, seed=8)
    alone = cells({"healthy": 3}, {"healthy": ("manual", "blueshift")}, seed=7)
    assert alone == [cell for cell in order if cell.scenario == "healthy" and cell.tool != "helm_upgrade"]
    rounds = [[cell.tool for cell in order if cell.repeat == 1], [*TOOLS, *TOOLS, *TOOLS]]
    assert rounds[0] != rounds[1]


def test_what_has_a_sound_run_of_this_commit_is_not_run_again() -> None:
    wanted = [of("healthy"), of("healthy", "manual"), of("long")]
    runs = [ran(wanted[0]), ran(wanted[1], commit="0ld0000")]
    assert left(wanted, runs, ["abc1234"]) == wanted[1:]
    assert left(wanted, runs, ["abc1234", "0ld0000"]) == wanted[2:]


def test_a_void_run_is_tried_once_more_and_then_named() -> None:
    cell = of("healthy")
    once, twice = [ran(cell, "late")], [ran(cell, "late"), ran(cell, "late again")]
    assert left([cell], once, ["abc1234"]) == [cell]
    assert left([cell], twice, ["abc1234"]) == []
    assert voids(twice, ["abc1234"]) == {cell: twice}
    assert voids([*once, ran(cell)], ["abc1234"]) == {}


def test_runs_are_kept_from_sitting_to_sitting(tmp_path: Path) -> None:
    begun = state.kept(tmp_path)
    begun.runs.append(ran(of("healthy"), requests=5))
    state.save(begun, tmp_path)
    assert state.kept(tmp_path) == begun
    assert state.kept(tmp_path / "elsewhere").runs == []


def test_sums_leave_void_runs_and_other_commits_out() -> None:
    runs = [
        ran(of("healthy"), requests=100, failed=1, wrong_seconds=1, noticed=True),
        ran(of("healthy", repeat=2), requests=50, failed=2, wrong=2),
        ran(of("healthy", repeat=3), "late", requests=999),
        ran(of("healthy", repeat=3), "late", requests=999),
        ran(of("healthy", "manual"), requests=70, commit="0ld0000"),
        ran(of("long"), requests=10, cut_long=2, long=9),
        ran(of("quiet"), requests=20, failed=1),
    ]
    found = result(runs, ["abc1234"], ("long", "healthy"), ["quiet"], seed=7, waits_s=146.5, settings={})
    assert list(found.scenarios) == ["long", "healthy"]
    assert found.scenarios["healthy"] == {
        "blueshift": Sum(runs=2, requests=150, failed=3, wrong=2, wrong_seconds=1, wall_s=81.0, noticed=1)
    }
    assert found.scenarios["long"]["blueshift"].cut_long == 2
    assert found.void == ("healthy-blueshift-3, tried 2 times: late",)
    assert found.variations["quiet"]["blueshift"].failed == 1
    assert list(found.worlds) == ["long", "healthy", "quiet"]
    assert (found.commit, found.date, len(found.runs)) == ("abc1234", "2026-11-29", 4)


def test_runs_of_another_rate_are_another_bench() -> None:
    kept = State(seed=7, runs=[ran(of("healthy"), rate=400.0), ran(of("healthy", repeat=2))])
    assert kept.at(400.0) == kept.runs[:1]
    assert kept.at(800.0) == kept.runs[1:]
