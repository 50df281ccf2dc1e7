"""What surrounds a run: hooks begin with it, and are told its end however it comes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from blueshift import events
from blueshift.app import carry as carrying
from blueshift.app.carry import carry
from blueshift.engine.loop import Outcome
from blueshift.engine.store import FenceLost
from blueshift.errors import BlueshiftError
from tests.unit.app.test_hooks import Bench, program


class Run:
    """A run whose track is what a test says, with the hooks of a folder."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.bench = Bench(folder)
        self.released: list[bool] = []
        self.ends: Outcome | BaseException = Outcome("succeeded", "", "well")
        patch.setattr(carrying, "_tracks", self.tracks)
        for service in ("watch_sides", "watch_answers", "watch_recursives"):
            patch.setattr(carrying, service, lambda *_: asyncio.sleep(0))
        patch.setattr(carrying.Listener, "run", lambda *_: asyncio.sleep(0))

    async def tracks(self, writer: Any, tools: Any, steps: Any, services: Any, *_: Any) -> Outcome:
        assert services.hooks("before", "forward/upgrade")
        if isinstance(self.ends, BaseException):
            raise self.ends
        fields = {"at": services.clock.utc(), "run": "r1", "status": self.ends.status, "said": ""}
        services.emit(events.RunEnded(**fields))
        return self.ends

    async def released_by(self, *, finished: bool) -> None:
        self.released.append(finished)

    async def go(self) -> Outcome:
        tools = replace(self.bench.tools, followers={})
        journal = SimpleNamespace(**vars(self.bench.journal), run="r1", epoch=1)
        session = SimpleNamespace(clock=tools.clock, kube=None, directory=None, recursives=(), runs=None)
        lease = SimpleNamespace(check=lambda: None, keep=lambda: asyncio.sleep(0), release=self.released_by)
        return await carry(
            cast(Any, session), cast(Any, SimpleNamespace(journal=journal)), tools, (), self.bench.playbook,
            cast(Any, lease), self.bench.seen.append, asyncio.Event(),
        )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for event in ("start", "success", "failure", "end"):
        program(
            tmp_path, event, f'echo "$BLUESHIFT_EVENT $BLUESHIFT_STATUS $BLUESHIFT_REASON" >>{tmp_path}/log'
        )
    program(tmp_path, "before-upgrade", "exit 0")
    return Run(tmp_path, monkeypatch)


def log(folder: Path) -> list[str]:
    return [line.strip() for line in (folder / "log").read_text().splitlines()]


async def test_hooks_are_told_from_the_start_to_the_end(run: Run, tmp_path: Path) -> None:
    assert (await run.go()).status == "succeeded"
    assert log(tmp_path) == ["start", "success succeeded", "end succeeded"]
    assert run.released == [True]


async def test_an_error_is_told_as_a_failure_and_then_the_end(run: Run, tmp_path: Path) -> None:
    run.ends = BlueshiftError("no space left")
    with pytest.raises(BlueshiftError, match="no space left"):
        await run.go()
    assert log(tmp_path) == ["start", "failure failed no space left", "end failed no space left"]
    assert run.released == [False]


async def test_a_run_that_goes_on_elsewhere_has_no_end_here(run: Run, tmp_path: Path) -> None:
    run.ends = FenceLost("carried on by eve")
    with pytest.raises(FenceLost):
        await run.go()
    assert run.released == [False]
    told = log(tmp_path) if (tmp_path / "log").exists() else []
    assert told in ([], ["start"]), "the hook for the start may have been stopped before it wrote"
