"""The containers' cgroups outlive their processes as empty folders; `down` takes them away.

The kubelet without per-QoS cgroups lets containerd choose: /k8s.io/<container> in every hierarchy, beside
those of any other lab. So they are known by containerd's own list of containers, which is on disk.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from blueshift.lab.paths import Lab

_ROOT = Path("/sys/fs/cgroup")
_PARENT = "k8s.io"
"""containerd's namespace for Kubernetes."""


def remaining(lab: Lab) -> tuple[Path, ...]:
    """The lab's cgroup folders: one hierarchy in all (v2), or one for each controller (v1)."""
    containers = lab.root / "containerd" / "io.containerd.runtime.v2.task" / _PARENT
    names = [folder.name for folder in containers.iterdir()] if containers.is_dir() else []
    return tuple(parent / name for parent in _parents() for name in names if (parent / name).is_dir())


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
