"""Becomes one process of a lab. `python -m blueshift.lab.launch RECORD LOG INIT PROGRAM [ARGUMENT…]`.

A lab is one process-id, one mount and one network namespace. INIT is the process id of the lab's init, or
`new:NETNS` to become that init. The process writes down who it is *before* it becomes PROGRAM, so that no
crash leaves a process that nobody knows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from blueshift.lab import namespaces
from blueshift.lab.identity import write_record

# Folders that container tools use whatever their settings say: here every lab has its own.
OWN_FOLDERS = ("/run", "/var/lib/cni", "/var/log/containers", "/var/lib/kubelet")


def main() -> None:
    """Fork into the namespaces; this process ends when PROGRAM runs, or with why it does not."""
    record, log, init = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    program = sys.argv[4:]
    told, tell = os.pipe2(os.O_CLOEXEC)
    os.setsid()
    if init.startswith("new:"):
        namespaces.enter(Path(init.removeprefix("new:")), namespaces.NEW_NETWORK)
        namespaces.private_mounts()
        namespaces.unshare(namespaces.NEW_PIDS)
        generations = 1
    else:
        handles = [
            (os.open(f"/proc/{init}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC), kind)
            for name, kind in (("net", namespaces.NEW_NETWORK), ("mnt", namespaces.NEW_MOUNTS))
        ]
        namespaces.enter(Path(f"/proc/{init}/ns/pid"), namespaces.NEW_PIDS)
        # The second child's parent is inside the namespace and gone: the lab's init adopts and reaps it.
        generations = 2
    for _ in range(generations):
        if os.fork():
            os.close(tell)
            failure = os.read(told, 4096).decode()
            if failure:
                sys.stderr.write(failure)
            os._exit(1 if failure else 0)
    try:
        # /proc is still the host's, so this is the process id that the host knows.
        write_record(record, int(Path("/proc/self").readlink().name))
        _streams(log)
        if generations == 1:
            _own_folders()
        else:
            for handle, kind in handles:
                namespaces.enter(handle, kind)
        os.chdir("/")
        os.execvp(program[0], program)  # noqa: S606
    except OSError as error:
        os.write(tell, f"{program[0]}: {error}\n".encode())
        os._exit(127)


def _streams(log: Path) -> None:
    null = os.open("/dev/null", os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)


def _own_folders() -> None:
    namespaces.mount("proc", Path("/proc"))
    for folder in map(Path, OWN_FOLDERS):
        if folder.is_dir():
            namespaces.mount("tmpfs", folder)


if __name__ == "__main__":
    main()
