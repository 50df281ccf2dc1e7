"""Worlds of the tests' own: each in a lab of its own name, in a state folder of the tests' own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.lab import lifecycle
from blueshift.lab.demo import world
from blueshift.lab.demo.world import World
from blueshift.lab.paths import lab_named
from tests.conftest import ROOT
from tests.e2e.command import tell

MakeWorld = Callable[[str], Awaitable[World]]
Record = Callable[[str, dict[str, Any]], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a lab."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def state_folder() -> Iterator[Path]:
    """Short, because a unix socket's path may have 107 characters; child processes inherit it."""
    if os.geteuid() != 0:
        pytest.skip("a lab needs root")
    folder = tempfile.mkdtemp(prefix="e2e-")
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = folder
    yield Path(folder)
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before
    shutil.rmtree(folder)


@pytest.fixture
async def make_world(state_folder: Path) -> AsyncIterator[MakeWorld]:
    """The demo's world in a lab of that name; down afterwards, whatever happens."""
    made = []

    async def make(name: str) -> World:
        lab = lab_named(f"t{os.getpid()}-{name}")
        made.append(lab)
        tools, images = await world.prepare(print, lambda _: None)
        return await world.make(lab, tools, images, print, SystemClock())

    yield make
    for lab in made:
        await lifecycle.down(lab)


@pytest.fixture
def record() -> Record:
    """Print figures, and keep them as `<name>.json` in $BLUESHIFT_RESULTS if that is set (make test-all)."""

    def keep(name: str, figures: dict[str, Any]) -> None:
        tell(f"{name}: {json.dumps(figures)}")
        if folder := os.environ.get("BLUESHIFT_RESULTS"):
            commit = subprocess.run(
                ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
            )
            about = {"commit": commit.stdout.strip(), "date": datetime.now(UTC).isoformat(timespec="seconds")}
            target = Path(folder) / f"{name}.json"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps({**about, **figures}, indent=2) + "\n")

    return keep
