"""`blueshift history`: the table for people, the JSON for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from blueshift.cli.main import root
from blueshift.engine.entries import Left, StepSettled
from blueshift.engine.state import State
from blueshift.engine.store import Runs
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock
from tests.unit.app.test_history import later, opened

FIELDS = ["by", "chart", "ended", "namespace", "opened", "playbook", "release", "reverts", "run"]
FIELDS += ["said", "seconds", "status"]


@pytest.fixture
def kube(monkeypatch: pytest.MonkeyPatch) -> FakeKube:
    """Where two runs are kept: one that succeeded, and one that began an hour later."""
    fake = FakeKube()

    @asynccontextmanager
    async def connect(*_: Any, **__: Any) -> AsyncIterator[FakeKube]:
        yield fake

    async def keep() -> None:
        runs = Runs(cast(Any, fake), ManualClock(), "blueshift")
        over = Left("succeeded", "every step settled")
        await runs.create(later(opened("r1"), StepSettled("a", "well", State()), over), {})
        await runs.create(opened("r2", 1), {})

    monkeypatch.setattr("blueshift.app.session.connect", connect)
    asyncio.run(keep())
    return fake


def history(*arguments: str) -> Result:
    done = CliRunner().invoke(root, ["history", *arguments])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.usefixtures("kube")
def test_the_table_has_a_row_for_each_run_the_newest_first() -> None:
    lines = [line.split("  ") for line in history().stdout.splitlines()]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert rows == [
        ["RUN", "RELEASE", "CHART", "OPENED (UTC)", "BY", "STATUS", "TOOK"],
        ["r2", "ingress/web", "4.11.3 → 4.12.1", "2026-11-24 04:02", "ann@desk", "working", "-"],
        ["r1", "ingress/web", "4.11.3 → 4.12.1", "2026-11-24 03:02", "ann@desk", "succeeded", "1 h 30 min"],
    ]


@pytest.mark.usefixtures("kube")
def test_json_has_the_same_keys_for_every_run() -> None:
    newest, oldest = json.loads(history("-o", "json").stdout)
    assert sorted(newest) == sorted(oldest) == FIELDS
    assert oldest == {
        "run": "r1",
        "namespace": "ingress",
        "release": "web",
        "playbook": "blue-green",
        "chart": {"before": "4.11.3", "after": "4.12.1"},
        "reverts": "",
        "opened": "2026-11-24T03:02:00Z",
        "by": "ann@desk",
        "status": "succeeded",
        "said": "every step settled",
        "ended": "2026-11-24T04:32:00Z",
        "seconds": 5400.0,
    }
    assert (newest["ended"], newest["seconds"]) == (None, None)


@pytest.mark.usefixtures("kube")
def test_only_some_runs_may_be_asked_for() -> None:
    assert [run["run"] for run in json.loads(history("--last", "1", "-o", "json").stdout)] == ["r2"]
    assert len(json.loads(history("--release", "ingress/web", "-o", "json").stdout)) == 2
    none = history("--release", "edge/web")
    assert none.stdout == ""
    assert "no run of edge/web is known in the namespace blueshift" in none.stderr
    assert json.loads(history("--release", "edge/web", "-o", "json").stdout) == []
