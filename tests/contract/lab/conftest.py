"""Labs of the tests' own, in a state folder of their own; taken down whatever happens."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blueshift.lab import build, lifecycle
from blueshift.lab.loadbalancer import Habits
from blueshift.lab.paths import Lab, lab_named

LB_DELAY, LB_LAG = 3.0, 4.0
"""Seconds."""


def quiet(_: object) -> None:
    """Nobody listens."""


@pytest.fixture(scope="session")
def tools() -> Path:
    """The cluster's programs; built on the first run on a machine."""
    return asyncio.run(build.cluster_tools(print, quiet))


@pytest.fixture(scope="session")
def state_folder() -> Iterator[None]:
    """Short, because a unix socket's path may have 107 characters."""
    if os.geteuid() != 0:
        pytest.skip("a lab needs root")
    folder = tempfile.mkdtemp(prefix="labs-")
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = folder
    yield
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before
    shutil.rmtree(folder)


@pytest.fixture
def named(state_folder: None) -> Iterator[Callable[[str], Lab]]:
    """A lab's name for this test alone; whatever carries it is down afterwards."""
    made: list[Lab] = []

    def make(name: str) -> Lab:
        made.append(lab_named(f"t{os.getpid()}-{name}"))
        return made[-1]

    yield make
    for lab in made:
        asyncio.run(lifecycle.down(lab))


@pytest.fixture(scope="module")
def lab(state_folder: None, tools: Path) -> Iterator[Lab]:
    """One lab that the tests of a module share, its load balancer with a delay and a lag."""
    shared = lab_named(f"t{os.getpid()}-shared")
    asyncio.run(
        lifecycle.up(shared, tools=tools, balancer=Habits(delay=LB_DELAY, deregister_lag=LB_LAG), say=quiet)
    )
    yield shared
    asyncio.run(lifecycle.down(shared))
