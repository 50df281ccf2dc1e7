"""What the repository keeps to: sizes of files, and one version of what is locked."""

from __future__ import annotations

import re
import statistics
import tomllib
from pathlib import Path

from tests.conftest import ROOT

# Blueshift's own rule (CONTRIBUTING.md): a file has one reason to exist.
LONGEST = 500
MEDIAN = 150


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_long_and_most_are_short() -> None:
    sizes = {path: lines(path) for path in (ROOT / "blueshift").rglob("*.py")}
    assert {str(path): size for path, size in sizes.items() if size > LONGEST} == {}
    with_content = [size for size in sizes.values() if size > 1]
    assert statistics.median(with_content) <= MEDIAN


def test_every_dependency_is_locked_with_hashes() -> None:
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    locked = {match[1].lower(): match[2] for match in re.finditer(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)}
    blocks = re.split(r"^(?=[\w.-]+==)", lock, flags=re.MULTILINE)[1:]
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=]", wanted)[0].lower() for wanted in project["dependencies"]}
    assert names <= set(locked)
