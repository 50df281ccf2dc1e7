"""Linux namespaces by system call: nothing stays between a caller and the program that it becomes.

ctypes, because os.setns and os.unshare exist from Python 3.12 on only, and mount never.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

# <linux/sched.h> and <linux/mount.h>
NEW_MOUNTS = 0x00020000
NEW_PIDS = 0x20000000
NEW_NETWORK = 0x40000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace: Path | int, kind: int) -> None:
    """Move the calling thread into a namespace (a path, or an open file); `kind` is one of NEW_*."""
    if isinstance(namespace, int):
        _check(_libc.setns(namespace, kind), f"setns {namespace}")
        return
    handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(handle, kind), f"setns {namespace}")
    finally:
        os.close(handle)


def unshare(kinds: int) -> None:
    """Give the calling process namespaces of its own (for NEW_PIDS: its future children)."""
    _check(_libc.unshare(kinds), "unshare")


def private_mounts() -> None:
    """A mount namespace of its own, whose mounts show nowhere else and end with its last process."""
    unshare(NEW_MOUNTS)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def mount(kind: str, target: Path) -> None:
    """Mount a kernel file system (`proc`, `tmpfs`)."""
    _mount(kind, str(target), kind, 0)


def bind(source: Path, target: Path) -> None:
    """Make `target` show what `source` holds."""
    _mount(str(source), str(target), None, _MS_BIND)


def unmount(target: Path) -> bool:
    """Take a mount away, at once for the name space and later for who still uses it; false if none."""
    return int(_libc.umount2(os.fsencode(target), _MNT_DETACH)) == 0


def inside(netns: Path, do: Callable[[], T]) -> T:
    """Run `do` in a thread that is in another network namespace: its sockets and its /proc/sys/net."""
    result: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            enter(netns, NEW_NETWORK)
            result.append(do())
        except BaseException as error:
            errors.append(error)

    # A thread of its own and no pool: it must never do other work in the wrong namespace.
    thread = threading.Thread(target=work, name="inside-netns")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return result[0]


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    done = _libc.mount(
        os.fsencode(source), os.fsencode(target), None if kind is None else kind.encode(), flags, None
    )
    _check(done, f"mount {source} on {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
