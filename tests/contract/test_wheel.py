"""The wheel that `pip install .` builds carries everything that is not Python."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as content:
        return set(content.namelist())


def tracked(folder: str) -> list[Path]:
    """What git has there, so that stray files of a work tree prove nothing."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [Path(name) for name in listed.stdout.split("\0") if name]


def test_every_file_of_the_package_is_in_it(names: set[str]) -> None:
    files = {str(path) for path in tracked("blueshift")}
    assert len(files) > 100
    assert files - names == set()


def test_the_playbooks_are_in_it(names: set[str]) -> None:
    playbooks = tracked("playbooks")
    assert playbooks
    assert {f"blueshift/_shipped/{path}" for path in playbooks} - names == set()


def test_the_hooks_are_in_it_and_can_be_executed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        modes = {entry.filename: entry.external_attr >> 16 for entry in content.infolist()}
    hooks = [f"blueshift/_shipped/{path}" for path in tracked("hooks")]
    assert len(hooks) >= 4
    assert [name for name in hooks if not modes[name] & 0o111] == []


def test_the_lab_has_its_modules_its_chart_and_its_templates(names: set[str]) -> None:
    for ending in ("go.mod", "go.sum", "values.yaml", ".tpl", "nginx.tmpl", ".lua", ".j2"):
        assert any(name.startswith("blueshift/lab/") and name.endswith(ending) for name in names), ending


def test_nothing_else_is_in_it(names: set[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in names} == {"blueshift"}
    assert not [name for name in names if "tests/" in name or "__pycache__" in name]
