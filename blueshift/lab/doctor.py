"""What this machine lacks for a lab, each finding with the command that mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.lab import golang, network
from blueshift.lab.paths import SYSTEM_PATH, cache_folder, with_system_path

# A program or file that shows the package, and the package of Debian and Ubuntu that brings it.
_NEEDED: Mapping[str, str] = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "iptables": "iptables",
    "nft": "nftables",
    "ip": "iproute2",
    "catatonit": "catatonit",
    "named": "bind9",
    "dig": "bind9-dnsutils",
    "nsupdate": "bind9-dnsutils",
    "unbound": "unbound",
    "nsenter": "util-linux",
    "mount": "mount",
}
_KERNEL: Mapping[str, str] = {
    "namespaces": "CONFIG_PID_NS, CONFIG_NET_NS",
    "bridge": "CONFIG_BRIDGE",
    "veth": "CONFIG_VETH",
    "nftables NAT": "CONFIG_NF_TABLES, CONFIG_NFT_NAT",
    "overlayfs": "CONFIG_OVERLAY_FS",
}
_SPACE = 10.0
"""GB: Go's build cache 3, modules 2, programs 1, images and a run's state the rest."""
INSTALL = ("apt-get", "install", "--no-install-recommends", "--yes")


class Finding(msgspec.Struct, frozen=True):
    """One thing that a lab needs. `unknown`: it could not be tried; `note`: the lab goes on without."""

    name: str
    state: Literal["ok", "missing", "unknown", "note"]
    says: str
    remedy: str = ""


def examine() -> tuple[Finding, ...]:
    """Look at this machine; changes nothing. Without root, what the kernel can do stays unknown."""
    return (_root(), *_programs(), *_kernel(), _cgroups(), _ipv6(), _go(), _space())


def missing_packages(exists: Iterable[str] | None = None) -> tuple[str, ...]:
    """The packages to install. `exists` is for tests: the programs that are there."""
    there = {name for name in _NEEDED if _there(name)} if exists is None else set(exists)
    return tuple(dict.fromkeys(package for name, package in _NEEDED.items() if name not in there))


def require_packages() -> None:
    """Raise BlueshiftError with the command that installs what is missing."""
    missing = missing_packages()
    if missing:
        raise BlueshiftError(f"not installed: {', '.join(missing)}", hint="blueshift lab doctor --install")


def _there(name: str) -> bool:
    return Path(name).exists() if name.startswith("/") else shutil.which(name, path=SYSTEM_PATH) is not None


def _root() -> Finding:
    if os.geteuid() == 0:
        return Finding("root", "ok", "this is root")
    if shutil.which("sudo"):
        return Finding("root", "ok", "sudo is there, and is asked when root is needed")
    return Finding("root", "missing", "a lab needs root, and there is no sudo", "Run blueshift lab as root.")


def _programs() -> list[Finding]:
    missing = missing_packages()
    if not missing:
        return [Finding("packages", "ok", f"{', '.join(dict.fromkeys(_NEEDED.values()))} are installed")]
    said = f"not installed: {', '.join(missing)}"
    if shutil.which("apt-get") is None:
        return [Finding("packages", "missing", said, "Install them: this machine has no apt-get.")]
    sudo = "" if os.geteuid() == 0 else "sudo "
    remedy = f"{sudo}{' '.join(INSTALL)} {' '.join(missing)}   (or: blueshift lab doctor --install)"
    return [Finding("packages", "missing", said, remedy)]


def _kernel() -> list[Finding]:
    if os.geteuid() != 0:
        return [Finding("kernel", "unknown", "only root can try", f"sudo {sys.argv[0]} lab doctor")]
    probe = [sys.executable, "-m", "blueshift.lab.kernel_probe", str(cache_folder())]
    done = subprocess.run(probe, env=with_system_path(), capture_output=True, check=False)
    errors = msgspec.json.decode(done.stdout, type=dict[str, str]) if done.returncode == 0 else {}
    failure = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    findings = []
    for name, option in _KERNEL.items():
        error = errors.get(name, "the trial ended early" if errors else failure)
        remedy = f"A kernel with {option} (try: modprobe), or a machine that is no restricted container."
        state: Literal["ok", "missing"] = "missing" if error else "ok"
        findings.append(Finding(name, state, error or "works", remedy if error else ""))
    return findings


def _cgroups() -> Finding:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return Finding("cgroups", "ok", "version 2")
    if (root / "memory").is_dir() and (root / "cpu").is_dir():
        return Finding("cgroups", "ok", "version 1")
    return Finding(
        "cgroups", "missing", f"neither version is mounted on {root}", "mount -t cgroup2 none " + str(root)
    )


def _ipv6() -> Finding:
    if network.has_ipv6():
        return Finding("IPv6", "ok", "the lab will have both families")
    return Finding("IPv6", "note", "this kernel has no IPv6: the lab will have IPv4 only")


def _go() -> Finding:
    program = golang.choose(golang.NEEDED).program
    said = str(program) if program else "none that is new enough; it will be fetched as a Python package"
    return Finding("Go", "ok", said)


def _space() -> Finding:
    folder = next(path for path in (cache_folder(), *cache_folder().parents) if path.exists())
    free = shutil.disk_usage(folder).free / 1e9
    if free >= _SPACE:
        return Finding("disk", "ok", f"{free:.0f} GB free for {cache_folder()}")
    remedy = "Set XDG_CACHE_HOME to a folder on a larger disk."
    return Finding("disk", "missing", f"{free:.1f} GB free for {cache_folder()}, not {_SPACE:.0f}", remedy)
