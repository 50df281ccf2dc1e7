"""Programs that are told what becomes of a run: what they get, and that they cannot harm it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blueshift import events
from blueshift.app import hooks
from blueshift.app.hooks import Hooks, folder_of, programs
from blueshift.clock import SystemClock
from blueshift.errors import BlueshiftError
from tests.fakes import ManualClock

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HELD = events.Held(at=NOW, run="r1", step="forward/upgrade", reason="pods do not start", ways=())
GATE = events.GateWaits(
    at=NOW,
    run="r1",
    step="forward/purge-gate",
    gate="purge",
    reason="may it go?",
    command="blueshift approve",
)


def program(folder: Path, event: str, body: str, name: str = "10-tell") -> Path:
    path = folder / event / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


async def told(folder: Path, *given: events.Event) -> list[str]:
    """The notices after these events."""
    seen: list[Any] = []
    listener = Hooks(folder, SystemClock(), "edge/ingress-nginx", seen.append)
    for event in given:
        listener.listen(event)
        await asyncio.sleep(0)
    await listener.close()
    return [notice.sentence for notice in seen]


async def test_a_program_gets_the_event_by_environment_and_as_json(tmp_path: Path) -> None:
    program(tmp_path, "holding", f"cat >{tmp_path}/in; env | grep ^BLUESHIFT_ | sort >{tmp_path}/env")
    assert await told(tmp_path, HELD) == []
    given = json.loads((tmp_path / "in").read_text())
    assert (given["event"], given["run"], given["step"]) == ("holding", "r1", "forward/upgrade")
    assert "BLUESHIFT_REASON=pods do not start" in (tmp_path / "env").read_text()
    assert "BLUESHIFT_RELEASE=edge/ingress-nginx" in (tmp_path / "env").read_text()


@pytest.mark.parametrize(
    ("status", "event"),
    [("succeeded", "success"), ("rolled-back", "rolled-back"), ("interrupted", "interrupted")],
)
async def test_each_end_has_its_event(tmp_path: Path, status: str, event: str) -> None:
    program(tmp_path, event, "echo told")
    ended = events.RunEnded(at=NOW, run="r1", status=status, said="")
    assert await told(tmp_path, ended) == [f"hook {event}/10-tell: told"]


async def test_a_failure_is_a_notice_and_the_next_program_runs(tmp_path: Path) -> None:
    program(tmp_path, "holding", "echo no route >&2; exit 3", "10-chat")
    program(tmp_path, "holding", "echo ticket 7", "20-ticket")
    program(tmp_path, "holding", "exit 1", "README").chmod(0o644)
    assert await told(tmp_path, HELD) == [
        "hook holding/10-chat ended with 3: no route",
        "hook holding/20-ticket: ticket 7",
    ]


async def test_a_program_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "TIMEOUT", 0.3)
    program(tmp_path, "holding", f"sh -c 'sleep 2; touch {tmp_path}/late' & sleep 30")
    assert await told(tmp_path, HELD) == ["hook holding/10-tell was ended after 0 s"]
    await asyncio.sleep(2.2)
    assert not (tmp_path / "late").exists()


async def test_a_gate_is_told_again_until_it_opens(tmp_path: Path) -> None:
    program(tmp_path, "gate", f"echo . >>{tmp_path}/count")
    clock = ManualClock()
    listener = Hooks(tmp_path, clock, "edge", lambda event: None)
    listener.listen(GATE)
    while clock.elapsed < 2 * hooks.AGAIN:  # noqa: ASYNC110  # the clock moves by what is slept
        await asyncio.sleep(0)
    listener.listen(events.StepSettled(at=NOW, run="r1", step="forward/purge-gate", said=""))
    await listener.close()
    counted = len((tmp_path / "count").read_text().split())
    assert counted >= 2
    assert clock.sleeps[0] == hooks.AGAIN


async def test_without_a_folder_nothing_is_run() -> None:
    listener = Hooks(None, SystemClock(), "edge", lambda event: None)
    listener.listen(HELD)
    await listener.close()


def test_a_folder_is_looked_at_before_the_run(tmp_path: Path) -> None:
    assert folder_of(None) is None
    assert folder_of(tmp_path) == tmp_path
    (tmp_path / "hold").mkdir()
    with pytest.raises(BlueshiftError, match="no event is called hold") as wrong:
        folder_of(tmp_path)
    assert "holding" in str(wrong.value.hint)
    with pytest.raises(BlueshiftError, match="no such folder"):
        folder_of(tmp_path / "none")
    assert programs(tmp_path / "none") == []
