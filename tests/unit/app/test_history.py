"""What the list of runs tells of each: from its journal alone, also of one that an older version wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from blueshift.app.history import Past, past
from blueshift.app.runs import _versions
from blueshift.engine.entries import Left, Resumed, StepSettled, Turned, apply
from blueshift.engine.journal import Carried, Journal, Versions
from blueshift.engine.state import State
from blueshift.playbook.schema import Playbook, StepEntry
from tests.unit.app.worlds import world

START = datetime(2026, 11, 24, 3, 2, tzinfo=UTC)
BUMP = Versions("4.11.3", "4.12.1")
OLD = Path(__file__).parents[1] / "engine" / "journals"


def opened(run: str, hours: float = 0.0, **changes: Any) -> Journal:
    at = START + timedelta(hours=hours)
    fields: dict[str, Any] = {
        "run": run, "release": "web", "namespace": "ingress", "cluster": "uid", "plan": "p",
        "playbook": "blue-green", "created": at, "track": ("a",), "chart": BUMP,
        "holder": "ann@desk:7:c0ffee", "carried": (Carried(1, "ann@desk:7:c0ffee", at),),
    }  # fmt: skip
    return Journal(**fields | changes)


def later(journal: Journal, *entries: Any, minutes: float = 90.0) -> Journal:
    for entry in entries:
        journal = apply(journal, entry, journal.created + timedelta(minutes=minutes))
    return journal


def only(journal: Journal) -> Past:
    (one,) = past([journal])
    return one


def test_the_newest_is_first_and_one_release_may_be_asked_for() -> None:
    runs = [opened("r1"), opened("r3", 2), opened("r2", 1, namespace="edge"), opened("r4", 3, release="api")]
    assert [one.run for one in past(runs)] == ["r4", "r3", "r2", "r1"]
    assert [one.run for one in past(runs, release="web")] == ["r3", "r2", "r1"]
    assert [one.run for one in past(runs, release="edge/web")] == ["r2"]
    assert past(runs, release="edge/api") == ()


def test_a_run_took_as_long_as_until_its_last_step() -> None:
    done = later(opened("r1"), StepSettled("a", "well", State()), Left("succeeded", "every step settled"))
    told = only(done)
    assert (told.status, told.said, told.seconds) == ("succeeded", "every step settled", 5400.0)
    assert told.ended == START + timedelta(minutes=90)


def test_a_way_back_without_steps_ends_with_the_turn() -> None:
    back = later(opened("r1"), Turned("back", (), (), State(), "ann", ""), Left("rolled-back", ""), minutes=5)
    assert (only(back).status, only(back).seconds) == ("rolled-back", 300.0)


def test_a_run_that_is_not_over_has_no_end() -> None:
    holds = later(opened("r1"), StepSettled("a", "well", State()), Left("holding", "look"))
    assert (only(holds).status, only(holds).ended, only(holds).seconds) == ("holding", None, None)


def test_who_opened_it_is_told_without_the_process_and_not_who_carries_it_now() -> None:
    taken = later(opened("r1"), Resumed("eve@far:9:facade"))
    assert only(taken).by == "ann@desk"


def test_the_chart_is_told_by_its_versions() -> None:
    assert only(opened("r1")).change == "4.11.3 → 4.12.1"
    assert only(opened("r1", chart=Versions("4.12.1", "4.12.1"))).change == "4.12.1"


@pytest.mark.parametrize("file", sorted(OLD.glob("*.json")), ids=lambda file: file.stem)
def test_a_run_of_an_older_version_is_listed_too(file: Path) -> None:
    told = only(msgspec.json.decode(file.read_bytes(), type=Journal))
    assert (told.chart, told.change) == (None, "")
    assert told.by


def test_a_playbook_without_an_upgrade_leaves_the_version_that_it_found() -> None:
    upgrade, soak = (StepEntry(kind, kind, None, "t.yaml") for kind in ("upgrade", "soak"))
    upgraded, kept = (_versions(world(1), Playbook("t", "", steps)) for steps in ((soak, upgrade), (soak,)))
    assert (upgraded.before, upgraded.after) == (BUMP.before, BUMP.after)
    assert (kept.before, kept.after) == (BUMP.before, BUMP.before)
    assert upgraded.app_before == kept.app_change == world(1).release.app_version
    assert upgraded.app_after == world(1).target.app_version
