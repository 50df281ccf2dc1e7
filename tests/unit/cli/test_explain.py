"""`blueshift explain` where no cluster is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blueshift.cli.errors import ExitCode
from tests.unit.cli.command import blueshift

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "old.yaml").write_text(SECRET + "data: {a: YQ==}\n")
    (tmp_path / "new.yaml").write_text(SECRET + "data: {a: Yg==}\n")
    return "old.yaml", "new.yaml"


def test_two_files_need_neither_cluster_nor_settings(tmp_path: Path, files: tuple[str, str]) -> None:
    done = blueshift(tmp_path, "explain", "--diff", *files, "--controller-version", "1.12.1", "-o", "json")
    assert done.returncode == ExitCode.DONE, done.stderr
    found = json.loads(done.stdout)
    assert (found["effect"], found["version"]) == ("nothing", "1.12.1")
    assert found["changes"][0]["reasons"][0]["rule"] == "unreferenced"
    assert found["assumed"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "there is no change to explain"),
        (("-f", "old.yaml", "--values", "new.yaml"), "one change is explained at a time"),
        (("--diff", "old.yaml", "new.yaml", "--delete"), "--delete goes with -f"),
        (("--diff", "old.yaml", "new.yaml", "--controller-version", "new"), "is no version of a controller"),
        (
            ("--diff", "old.yaml", "new.yaml", "--controller-version", "4.11.3"),
            "is no version of a controller",
        ),
        (
            ("--diff", "old.yaml", "new.yaml", "--controller-version", "0.30.0"),
            "is no version of a controller",
        ),
        (("--diff", "old.yaml", "none.yaml"), "none.yaml: cannot be read"),
        (("-f", "old.yaml"), "blueshift init"),
    ],
)
def test_what_cannot_be_explained_is_told(
    tmp_path: Path, files: tuple[str, str], arguments: tuple[str, ...], said: str
) -> None:
    done = blueshift(tmp_path, "explain", *arguments)
    assert done.returncode == ExitCode.ERROR
    assert said in done.stderr
    assert "hint:" in done.stderr
