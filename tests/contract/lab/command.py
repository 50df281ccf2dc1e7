"""Runs `blueshift lab` as a person does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

BLUESHIFT = str(Path(sys.executable).with_name("blueshift"))


def blueshift(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """One command line to its end."""
    return subprocess.run([BLUESHIFT, *arguments], capture_output=True, text=True, check=False, **more)


def inside(name: str, *argv: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """A command inside a lab."""
    return blueshift("lab", "exec", "--name", name, "--", *argv, **more)
