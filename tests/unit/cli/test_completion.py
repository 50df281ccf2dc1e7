"""The script for bash, run by bash with the real command behind it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.command import blueshift

# What bash has while somebody completes, and not in a script.
OUTSIDE = 'compopt() { printf "compopt %s %s\\n" "$@"; }; complete() { :; }\n'
ASK = '_blueshift_completion "$0"; printf "%s\\n" "${COMPREPLY[@]}"'


def completed(folder: Path, *words: str) -> list[str]:
    """What bash is given for a line whose last word is being typed."""
    script = blueshift(folder, "completion", "bash").stdout
    line = f"COMP_WORDS=(blueshift {' '.join(words)}); COMP_CWORD={len(words)}; {ASK}"
    program = str(Path(sys.executable).parent / "blueshift")
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{OUTSIDE}{script}\n{line}", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("upgrade", "--set", "soak.las"), ["compopt -o nospace", "soak.lasts="]),
        (("plan", "--playbook", "blue-g"), ["blue-green"]),
    ],
)
def test_no_space_comes_between_a_key_and_its_value(
    tmp_path: Path, words: tuple[str, ...], offered: list[str]
) -> None:
    assert completed(tmp_path, *words) == offered
