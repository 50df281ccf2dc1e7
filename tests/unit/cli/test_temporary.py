"""`blueshift temporary render` where no cluster is needed: its help, and bad input."""

from __future__ import annotations

from pathlib import Path

from blueshift.cli.errors import ExitCode
from tests.unit.cli.command import blueshift


def test_help_says_what_is_shown_and_that_nothing_is_changed(tmp_path: Path) -> None:
    done = blueshift(tmp_path, "temporary", "render", "--help")
    assert done.returncode == 0, done.stderr
    assert "Nothing is changed" in done.stdout
    assert "blueshift temporary render -o json" in done.stdout


def test_without_settings_the_next_command_is_named(tmp_path: Path) -> None:
    done = blueshift(tmp_path, "temporary", "render")
    assert done.returncode == ExitCode.ERROR
    assert "blueshift.yaml: there is no such file" in done.stderr
    assert "blueshift init" in done.stderr
