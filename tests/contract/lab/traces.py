"""Everything that a lab could leave on a machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from blueshift.lab import cgroups, identity, processes
from blueshift.lab.paths import Lab


def pid_namespace(lab: Lab) -> str:
    """The identity of the namespace of all processes of a lab that is up."""
    init = identity.running(processes.record(lab, processes.INIT))
    return _link(f"/proc/{init}/ns/pid")


def processes_in(namespace: str) -> list[str]:
    """Process ids of a process-id namespace, seen from outside.

    A zombie has ended: it is only the machine's own init that has not read its exit code yet.
    """
    found = [path for path in Path("/proc").iterdir() if path.name.isdigit()]
    members = [path for path in found if _link(f"{path}/ns/pid") == namespace]
    return [
        path.name
        for path in members
        if not any(line.startswith("State:\tZ") for line in _lines(f"{path}/status"))
    ]


def of_machine() -> dict[str, str]:
    """What must be after a lab as it was before: links, rules and mounts of the machine itself.

    Without handles of network namespaces, which other labs make meanwhile; `of_lab` looks for the lab's own.
    """
    mounts = [line.split()[4] for line in _lines("/proc/self/mountinfo")]
    return {
        "links": _said("ip", "-o", "link"),
        "rules": _said("nft", "list", "ruleset"),
        "mounts": "\n".join(sorted(mount for mount in mounts if not mount.startswith("/run/netns/"))),
    }


def of_lab(lab: Lab) -> list[str]:
    """What carries the lab's name or lies in its folder."""
    handles = [path for path in (lab.netns_path, lab.clients_netns_path, lab.root) if path.exists()]
    mounts: set[str] = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            mounts |= {line for line in _lines(f"{process}/mountinfo") if str(lab.root) in line}
    return [*map(str, handles), *sorted(mounts), *map(str, cgroups.remaining(lab))]


def weight_of_containers() -> float:
    """How many processes of the ordinary priority all containers weigh together, by either cgroup version."""
    root = Path("/sys/fs/cgroup")
    found = [(root / "k8s.io/cpu.weight", 100), *((path, 1024) for path in root.glob("*/k8s.io/cpu.shares"))]
    return max(int(path.read_text()) / ordinary for path, ordinary in found if path.exists())


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
