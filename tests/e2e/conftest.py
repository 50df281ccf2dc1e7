"""Worlds of the tests' own: each in a lab of its own name, in a state folder of the tests' own."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blueshift.clock import SystemClock
from blueshift.lab import lifecycle
from blueshift.lab.cache import locked
from blueshift.lab.demo import roles, settings, world
from blueshift.lab.demo.world import World
from blueshift.lab.paths import Lab, lab_named
from tests.e2e.command import tell

MakeWorld = Callable[[str], Awaitable[World]]
Record = Callable[[dict[str, Any]], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a lab."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.timeout(1800))


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
    made: list[Lab] = []

    async def make(name: str) -> World:
        while made:  # a test that is tried once more begins anew
            await lifecycle.down(made.pop())
        lab = lab_named(f"t{os.getpid()}-{name}")
        made.append(lab)
        tools, images = await world.prepare(tell, lambda _: None)
        made_world = await world.make(lab, tools, images, tell, SystemClock())
        await roles.grant(made_world, settings.write(made_world))
        return made_world

    # As the demo itself: two at once would make each other's count void.
    with locked("demo", tell):
        yield make
        for lab in made:
            await lifecycle.down(lab)


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Print a test's figures, and keep them for `make test-all`."""

    def keep(figures: dict[str, Any]) -> None:
        tell(json.dumps(figures))
        for name, value in figures.items():
            record_property(name, value)

    return keep
