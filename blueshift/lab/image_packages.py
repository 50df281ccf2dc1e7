"""Debian packages for the lab's images, by apt in a root of its own: the machine's own apt is not touched.

A package set is resolved once and kept in the cache, so every later build has the same input.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import unquote

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.lab.cache import locked, remade
from blueshift.lab.paths import cache_folder

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MIRROR = "http://deb.debian.org"


class PackageSet(msgspec.Struct, frozen=True):
    """Packages of one Debian suite, with what they depend on."""

    suite: str
    names: tuple[str, ...]
    without: tuple[str, ...] = ()
    """Globs of package names that are only needed to install or configure packages, and left out."""

    @property
    def key(self) -> str:
        """Names the set in the cache."""
        return f"{self.suite}-{hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]}"


def fetch(packages: PackageSet, say: Callable[[str], None]) -> tuple[Path, ...]:
    """The set's .deb files, sorted by name; downloaded and verified by apt when the cache lacks them.

    Raises BlueshiftError when apt cannot resolve or reach them.
    """
    folder = cache_folder() / "debian" / packages.key
    with locked(f"debian-{packages.key}", say):
        if not folder.is_dir():
            say(f"packages of Debian {packages.suite}: {', '.join(packages.names)}")
            with remade(folder) as half:
                _download(packages, half)
    return tuple(sorted(folder.glob("*.deb")))


def _download(packages: PackageSet, folder: Path) -> None:
    if not KEYRING.exists():
        raise BlueshiftError(
            "Debian's archive keys are missing, so packages for the lab's images cannot be verified",
            hint="sudo apt-get install debian-archive-keyring",
            place=str(KEYRING),
        )
    options = _apt_root(packages.suite, cache_folder() / "apt" / packages.key)
    _apt("apt-get", *options, "update")
    planned = _apt("apt-get", *options, "install", "--print-uris", "-qq", *packages.names)
    wanted = [name for name in map(_name_and_version, planned.splitlines()) if not _left_out(name, packages)]
    _apt("apt-get", *options, "download", "-qq", *wanted, folder=folder)


def _apt_root(suite: str, root: Path) -> list[str]:
    (root / "state/lists/partial").mkdir(parents=True, exist_ok=True)
    (root / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
    (root / "status").write_text("")  # nothing is installed there, so every dependency is listed
    (root / "sources.list").write_text(
        f"deb [signed-by={KEYRING}] {MIRROR}/debian {suite} main\n"
        f"deb [signed-by={KEYRING}] {MIRROR}/debian-security {suite}-security main\n"
    )
    settings = {
        "Dir::State": root / "state",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "Dir::Etc::sourcelist": root / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",  # else apt warns that its own user cannot write here
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _apt(*argv: str, folder: Path | None = None) -> str:
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip()
        raise BlueshiftError(
            f"apt could not get the packages of the lab's images: {said}",
            hint=f"See whether {MIRROR} can be reached from here, then try again.",
        )
    return done.stdout


def _name_and_version(line: str) -> str:
    """`'URL' name_version_arch.deb size hash` (apt-get --print-uris) as `name=version`."""
    name, version, _ = line.split()[1].split("_")
    return f"{name}={unquote(version)}"


def _left_out(name_and_version: str, packages: PackageSet) -> bool:
    name = name_and_version.partition("=")[0]
    return any(fnmatchcase(name, pattern) for pattern in packages.without)
