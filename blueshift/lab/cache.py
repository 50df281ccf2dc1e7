"""What all labs share and may be made anew: one maker at a time, and nothing half-made."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from blueshift.lab.paths import cache_folder


@contextlib.contextmanager
def locked(name: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock of the cache; says so when somebody else holds it, and waits for them.

    The kernel gives it back when its holder dies, so a lock is never left over.
    """
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is making {name}: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def remade(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `folder` in one step when the block ends well. Hold a lock around it.

    What an earlier maker left half-made is removed.
    """
    half = folder.with_name(f".{folder.name}.half")
    if half.exists():
        shutil.rmtree(half)
    half.mkdir(parents=True)
    yield half
    half.rename(folder)
