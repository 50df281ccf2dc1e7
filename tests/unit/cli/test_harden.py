"""`blueshift harden` where no cluster is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from blueshift.cli.errors import ExitCode
from tests.unit.cli.command import blueshift


@pytest.mark.parametrize("plan", [(), ("--plan",)])
def test_without_settings_the_next_command_is_named(tmp_path: Path, plan: tuple[str, ...]) -> None:
    done = blueshift(tmp_path, "harden", *plan)
    assert done.returncode == ExitCode.ERROR
    assert "blueshift init" in done.stderr
