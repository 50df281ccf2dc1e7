"""The runs that were made, kept from sitting to sitting in build/bench/upgrade."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

import msgspec

from tests.bench.upgrade.order import Ran
from tests.e2e.command import REPO

FOLDER = REPO / "build" / "bench" / "upgrade"
"""Raw ledgers, what each tool said, and the state."""
_TELLS = ("page", "picture", "result")
MEASURED = (
    *("blueshift", "playbooks", "hooks", "requirements", "pyproject.toml", "tests/bench/upgrade"),
    *(f":(exclude)tests/bench/upgrade/{name}.py" for name in _TELLS),
)
"""What a figure depends on, as git's paths. Another commit repeats no run of six hours."""


class State(msgspec.Struct):
    """All runs, in the order in which they were made."""

    seed: int
    """Of the order."""
    runs: list[Ran] = []

    def at(self, rate: float) -> list[Ran]:
        """Those of this rate: others are another bench."""
        return [run for run in self.runs if run.rate == rate]


def kept(folder: Path = FOLDER) -> State:
    """As the last sitting left it; a new one with a seed of its own where there was none."""
    file = folder / "state.json"
    if not file.exists():
        return State(seed=secrets.randbelow(1_000_000))
    return msgspec.json.decode(file.read_bytes(), type=State)


def save(state: State, folder: Path = FOLDER) -> None:
    """Keep it, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "state.json", msgspec.json.encode(state))


def write(file: Path, data: bytes) -> None:
    """Write a file whole or not at all; makes its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(file.name + ".half")
    half.write_bytes(data)
    half.replace(file)


def commit() -> str:
    """The last one that changed what is measured; with a `+` where that has changes of no commit."""
    changed = _git("status", "--porcelain", "--", *MEASURED)
    return _git("log", "-1", "--format=%h", "--", *MEASURED) + ("+" if changed else "")


def _git(*arguments: str) -> str:
    argv = ["git", "-C", str(REPO), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
