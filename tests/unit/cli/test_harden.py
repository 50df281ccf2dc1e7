"""`blueshift harden` where no cluster is needed."""

from __future__ import annotations

from pathlib import Path

from blueshift.cli.errors import ExitCode
from tests.unit.cli.command import blueshift


def test_alone_it_names_what_shows_and_what_does_it(tmp_path: Path) -> None:
    done = blueshift(tmp_path, "harden")
    assert done.returncode == ExitCode.ERROR
    assert "blueshift harden --plan" in done.stderr
    assert "blueshift upgrade --playbook harden" in done.stderr


def test_without_settings_the_next_command_is_named(tmp_path: Path) -> None:
    done = blueshift(tmp_path, "harden", "--plan")
    assert done.returncode == ExitCode.ERROR
    assert "blueshift init" in done.stderr
