"""Runs `blueshift` as a person does: a process of its own in a folder, with no kubeconfig to be found."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = "from blueshift.cli.main import main; main()"


def blueshift(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One command line to its end, without a terminal."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **(environment or {})},
    )
