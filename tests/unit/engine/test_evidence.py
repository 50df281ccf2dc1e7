"""What was seen meanwhile is kept in bounded space, over resumes, and never keeps a run from anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from blueshift import events
from blueshift.cluster import paths
from blueshift.cluster.errors import ApiError
from blueshift.engine import evidence
from blueshift.engine.evidence import MOST, Evidence, Recorder, read
from blueshift.engine.store import Runs
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock

BEGIN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WHERE = paths.core("configmaps", "blueshift", "blueshift-run-r1-evidence")


def side(second: float, rate: float | None = 10.0, name: str = "primary") -> events.SideSeen:
    at = BEGIN + timedelta(seconds=second)
    return events.SideSeen(
        at=at, run="r1", side=name, ready=2, wanted=2, requests_per_s=rate, errors_per_s=0.0
    )


def answers(second: float, temporary: int) -> events.AnswersSeen:
    at = BEGIN + timedelta(seconds=second)
    return events.AnswersSeen(
        at=at, run="r1", server="192.0.2.53", primary=40 - temporary, temporary=temporary, other=0, unknown=0
    )


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


def runs_of(kube: FakeKube) -> Runs:
    return Runs(cast(Any, kube), ManualClock(), "blueshift")


async def test_what_events_show_is_read_back(kube: FakeKube) -> None:
    runs = runs_of(kube)
    recorder = Recorder(runs, "r1")
    for event in (side(0), side(5, None), side(5, 3.0, "temporary"), answers(6, 2)):
        recorder.listen(event)
    recorder.listen(events.StepStarted(at=BEGIN, run="r1", step="soak"))
    await recorder.write()
    found = await read(runs, "r1")
    assert found is not None
    assert [(one.ready, one.requests_per_s) for one in found.sides["primary"]] == [(2, 10.0), (2, None)]
    assert found.sides["temporary"][0].at == BEGIN + timedelta(seconds=5)
    assert [(one.primary, one.temporary) for one in found.answers["192.0.2.53"]] == [(38, 2)]
    assert kube.objects[WHERE]["metadata"]["labels"] == {"blueshift.dev/run": "r1"}


async def test_nothing_new_is_not_written_again(kube: FakeKube) -> None:
    recorder = Recorder(runs_of(kube), "r1")
    await recorder.write()
    assert kube.calls == []
    recorder.listen(side(0))
    await recorder.write()
    asked = len(kube.calls)
    await recorder.write()
    assert len(kube.calls) == asked


async def test_a_resume_goes_on_where_the_first_process_left_it(kube: FakeKube) -> None:
    for second in (0, 100):
        recorder = Recorder(runs_of(kube), "r1")
        recorder.listen(side(second))
        await recorder.write()
        recorder.listen(side(second + 10))
        await recorder.write()
    found = await read(runs_of(kube), "r1")
    assert found is not None
    assert [(one.at - BEGIN).total_seconds() for one in found.sides["primary"]] == [0, 10, 100, 110]


async def test_what_cannot_be_written_is_written_later(kube: FakeKube) -> None:
    def refuses(verb: str, path: str) -> None:
        raise ApiError("the API server is gone")

    kube.hook = refuses
    recorder = Recorder(runs_of(kube), "r1")
    recorder.listen(side(0))
    await recorder.write()
    kube.hook = lambda verb, path: None
    await recorder.write()
    assert await read(runs_of(kube), "r1") is not None


def test_space_is_bounded_and_changes_of_answers_stay() -> None:
    kept = Evidence()
    for second in range(10 * MOST):
        kept.add(side(second, float(second)))
        kept.add(answers(second, 0 if second < 500 else 40))
    line = kept.sides["primary"]
    assert len(line) <= MOST
    assert line[0].at == BEGIN
    assert line[-1].requests_per_s == 10 * MOST - 1
    told = [((one.at - BEGIN).total_seconds(), one.temporary) for one in kept.answers["192.0.2.53"]]
    assert told == [(0, 0), (499, 0), (500, 40), (10 * MOST - 1, 40)]


@pytest.mark.parametrize("data", [{}, {"evidence.json.gz": "!"}, {"evidence.json.gz": "AAAA"}])
async def test_what_cannot_be_read_is_no_evidence(kube: FakeKube, data: dict[str, str]) -> None:
    runs = runs_of(kube)
    assert await read(runs, "r1") is None
    kube.objects[WHERE] = {"metadata": {"name": "x"}, "binaryData": data}
    assert await read(runs, "r1") is None


async def test_evidence_of_a_newer_version_is_not_guessed_at(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = runs_of(kube)
    await evidence._write(runs, "r1", Evidence(schema=2))
    assert await read(runs, "r1") is None
