"""Installs packages without letting their services loose on this machine: a lab starts its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from blueshift.errors import BlueshiftError
from blueshift.lab.doctor import INSTALL
from blueshift.lab.paths import with_system_path

# Asked by invoke-rc.d and deb-systemd-invoke before they start a service; 101 means: it is forbidden.
POLICY = Path("/usr/sbin/policy-rc.d")
_REFUSE = "#!/bin/sh\n# Written by blueshift lab doctor --install, for as long as it runs.\nexit 101\n"
_SERVICES = {"containerd": ("containerd",), "bind9": ("named",), "unbound": ("unbound",)}


def install(packages: Sequence[str], say: Callable[[str], None]) -> None:
    """Install packages as root; none of their services runs, now or after a reboot.

    Raises BlueshiftError when apt-get fails.
    """
    with no_services():
        _apt(["apt-get", "update"], say)
        _apt([*INSTALL, *packages], say)
    services = [service for package in packages for service in _SERVICES.get(package, ())]
    if services and shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "--quiet", *services], check=False)


@contextlib.contextmanager
def no_services(policy: Path = POLICY) -> Iterator[None]:
    """Refuse the start of services; an administrator's own policy comes back afterwards."""
    aside = policy.with_name(f"{policy.name}.blueshift")
    ours = policy.exists() and policy.read_text() == _REFUSE
    if policy.exists() and not ours:
        policy.rename(aside)
    policy.write_text(_REFUSE)
    policy.chmod(0o755)
    try:
        yield
    finally:
        if aside.exists():
            aside.rename(policy)
        else:
            policy.unlink()


def _apt(argv: Sequence[str], say: Callable[[str], None]) -> None:
    say(" ".join(argv))
    # apt's own words are for the person: they go to the terminal, away from what a program reads.
    done = subprocess.run(
        argv, env={**with_system_path(), "DEBIAN_FRONTEND": "noninteractive"}, stdout=2, check=False
    )
    if done.returncode != 0:
        raise BlueshiftError(f"{' '.join(argv[:2])} failed", hint="Its last lines above say why.")
