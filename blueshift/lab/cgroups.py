"""The containers' cgroups: their share of the machine, and that they go with the lab.

They outlive their processes as empty folders; `down` takes them away. The kubelet without per-QoS cgroups
lets containerd choose: /k8s.io/<container> in every hierarchy, beside those of any other lab. So they are
known by containerd's own list of containers, which is on disk. The kernel weighs that parent, with every
container in it, as one process beside each process of the control plane.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from blueshift.lab.paths import Lab

_ROOT = Path("/sys/fs/cgroup")
_PARENT = "k8s.io"
"""containerd's namespace for Kubernetes."""
_TIMES = 8
"""Processes of the ordinary priority that the containers weigh together: about as many as the cluster has."""


def favour() -> None:
    """Let what serves the traffic keep its share while the control plane and its clients are busy.

    Elsewhere they are other machines. A machine that does not let us serves as well, with longer gaps.
    Ordinary weights: 100 in version 2, 1024 in version 1 (the kernel's cgroup-v2.rst, sched-design-CFS.rst).
    """
    with contextlib.suppress(OSError):
        if (_ROOT / "cgroup.controllers").exists():
            (_ROOT / "cgroup.subtree_control").write_text("+cpu")
            _weigh(_ROOT / _PARENT / "cpu.weight", _TIMES * 100)
        for shares in _ROOT.glob("*/cpu.shares"):
            _weigh(shares.parent / _PARENT / shares.name, _TIMES * 1024)


def _weigh(file: Path, weight: int) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(str(weight))


def remaining(lab: Lab) -> tuple[Path, ...]:
    """The lab's cgroup folders: one hierarchy in all (v2), or one for each controller (v1)."""
    containers = lab.root / "containerd" / "io.containerd.runtime.v2.task" / _PARENT
    names = [folder.name for folder in containers.iterdir()] if containers.is_dir() else []
    return tuple(parent / name for parent in _parents() for name in names if (parent / name).is_dir())


def processes(container: str) -> tuple[int, ...]:
    """The process ids of a container, by its id."""
    for parent in _parents():
        with contextlib.suppress(OSError):
            return tuple(map(int, (parent / container / "cgroup.procs").read_text().split()))
    return ()


def remove(lab: Lab) -> None:
    """Remove those that are empty: a process that was just killed holds its own for a moment."""
    for folder in remaining(lab):
        # Controllers that share a hierarchy (cpu,cpuacct) show the same folder twice.
        with contextlib.suppress(OSError):
            folder.rmdir()
    for parent in _parents():
        # Not empty: another lab's.
        with contextlib.suppress(OSError):
            parent.rmdir()


def _parents() -> list[Path]:
    hierarchies = [_ROOT, *(folder for folder in _ROOT.iterdir() if folder.is_dir())]
    return [folder / _PARENT for folder in hierarchies if (folder / _PARENT).is_dir()]
