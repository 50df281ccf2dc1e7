"""`revert` around a look: what is refused or skipped before anything is asked, and what is begun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blueshift.app import plans, revert
from blueshift.app.runs import Refused
from blueshift.cli import carried
from blueshift.cli.errors import ExitCode
from blueshift.cli.work import Manner
from blueshift.playbook.schema import Playbook
from blueshift.preflight.waivers import Waivers
from tests.unit.app.worlds import world

PLAYBOOK = Playbook("blue-green", "", ())
NAMED = carried.Named("r1", None, None, "blueshift", hooks=None, output="json", park=True)
MANNER = Manner(True, "json", "rollback", True)


class Bench:
    """A finished run, and a look; what was begun is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[Any] = []
        self.refuses = self.closed = False
        monkeypatch.setattr(carried, "session_of", self.session)
        monkeypatch.setattr(plans, "playbook_of", lambda _: PLAYBOOK)
        monkeypatch.setattr(carried, "outside_window", lambda _: self.closed)
        monkeypatch.setattr(revert, "look_back", self.look_back)
        monkeypatch.setattr(carried, "begin", self.begin)

    @asynccontextmanager
    async def session(self, *_: Any) -> AsyncIterator[Any]:
        config = SimpleNamespace(release=SimpleNamespace(name="demo"))
        yield SimpleNamespace(cluster=world(1).cluster, config=config), None

    async def look_back(self, session: Any, playbook: Playbook, run: str, _: Path) -> Any:
        self.done.append(f"looked for {run}")
        if self.refuses:
            raise Refused("web is at revision 4, and run r1 left it at revision 3", hint="helm history")
        return session, SimpleNamespace(world=world(1))

    async def begin(self, *arguments: Any, reverts: str) -> ExitCode:
        self.done.append((arguments[3], reverts))
        return ExitCode.DONE

    async def revert(self, manner: Manner = MANNER) -> ExitCode:
        return await carried.revert_run(NAMED, asyncio.Event(), manner)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


async def test_it_begins_as_an_upgrade_does_with_the_options_given(bench: Bench) -> None:
    assert await bench.revert() == ExitCode.DONE
    assert bench.done == ["looked for r1", (MANNER, "r1")]


async def test_a_check_is_skipped_by_the_name_of_the_release_alone(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    without = replace(MANNER, waivers=Waivers(skip=("helm-gitops-owner",)))
    assert await bench.revert(without) == ExitCode.REFUSED
    assert bench.done == []
    assert "`--skip-confirmed demo` names it in advance" in capsys.readouterr().err
    assert await bench.revert(replace(without, skip_confirmed="demo")) == ExitCode.DONE


async def test_a_release_that_was_changed_since_is_3_and_begins_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.refuses = True
    assert await bench.revert() == ExitCode.REFUSED
    assert bench.done == ["looked for r1"]
    said = capsys.readouterr().err
    assert "error: web is at revision 4, and run r1 left it at revision 3\nhint: helm history" in said


async def test_outside_the_window_of_its_playbook_nothing_is_looked_at(bench: Bench) -> None:
    bench.closed = True
    assert await bench.revert() == ExitCode.SKIPPED
    assert bench.done == []
