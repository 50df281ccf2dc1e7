"""What was seen meanwhile is kept in bounded space, over resumes, and never keeps a run from anything."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest

from blueshift import events
from blueshift.cluster import paths
from blueshift.cluster.errors import ApiError
from blueshift.engine.evidence import MOST, Evidence
from blueshift.engine.recorder import Recorder, _stored, read
from blueshift.engine.store import Runs
from tests.fake_kube import FakeKube
from tests.fakes import ManualClock

BEGIN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAMAGED = "H4sIAAAAAAAC////////"
"""The head of a gzip file, and nothing that can be unpacked."""
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
    assert MOST // 3 <= len(line) <= MOST
    assert line[-1].at == BEGIN + timedelta(seconds=10 * MOST - 1)
    early = [one for one in line if one.at < BEGIN + timedelta(seconds=5 * MOST)]
    assert 0.3 < len(early) / len(line) < 0.6, "the beginning is told as finely as the end"
    told = [((one.at - BEGIN).total_seconds(), one.temporary) for one in kept.answers["192.0.2.53"]]
    assert told == [(0, 0), (499, 0), (500, 40), (10 * MOST - 1, 40)]


def test_errors_and_gaps_outlive_the_thinning() -> None:
    kept = Evidence()
    for second in range(5 * MOST):
        event = side(second, None if second == 701 else 10.0)
        kept.add(
            msgspec.structs.replace(event, errors_per_s=50.0 if second == 333 else 0.0, ready=second != 99)
        )
    line = kept.sides["primary"]
    assert max(one.errors_per_s or 0.0 for one in line) == 50.0
    assert min(one.ready for one in line) == 0
    assert sum(one.missed for one in line) == 1


async def test_what_comes_while_it_is_written_is_not_lost(kube: FakeKube) -> None:
    recorder = Recorder(runs_of(kube), "r1")
    recorder.listen(side(0))

    def meanwhile(verb: str, path: str) -> None:
        kube.hook = lambda verb, path: None
        recorder.listen(side(5))

    kube.hook = lambda verb, path: meanwhile(verb, path) if verb == "create" else None
    await asyncio.gather(recorder.write(), recorder.write())
    await recorder.write()
    found = await read(runs_of(kube), "r1")
    assert found is not None
    assert [(one.at - BEGIN).total_seconds() for one in found.sides["primary"]] == [0, 5]


async def test_what_is_of_a_newer_version_is_left_alone(kube: FakeKube) -> None:
    runs = runs_of(kube)
    await _stored(runs, "r1", Evidence(schema=2), None)
    before = kube.objects[WHERE]
    recorder = Recorder(runs, "r1")
    recorder.listen(side(0))
    await recorder.write()
    assert kube.objects[WHERE] == before


@pytest.mark.parametrize("packed", ["", "!", "AAAA", DAMAGED])
async def test_what_cannot_be_read_is_no_evidence(kube: FakeKube, packed: str) -> None:
    runs = runs_of(kube)
    assert await read(runs, "r1") is None
    kube.objects[WHERE] = {"metadata": {"name": "x"}, "binaryData": {"evidence.json.gz": packed}}
    assert await read(runs, "r1") is None


async def test_evidence_of_a_newer_version_is_not_guessed_at(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = runs_of(kube)
    await _stored(runs, "r1", Evidence(schema=2), None)
    assert await read(runs, "r1") is None
