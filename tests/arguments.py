"""With what arguments the programs of this machine are started: everybody on it can read them."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

PROC = Path("/proc")


class Arguments:
    """A witness in a thread of its own: while it is entered it reads the arguments of every process that
    has begun since, again and again, since a process gets its own by exec."""

    def __init__(self, every: float = 0.005) -> None:
        self.seen: set[bytes] = set()
        """Each command line, its words parted by NUL."""
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Arguments:
        self._before = _processes()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            now = _processes()
            self._before &= now  # a number that is free is given again
            for process in now - self._before:
                with suppress(OSError):
                    self.seen.add((PROC / process / "cmdline").read_bytes())

    def of(self, *words: str) -> list[bytes]:
        """The command lines that hold all of these words."""
        return [line for line in self.seen if all(word.encode() in line for word in words)]


def _processes() -> set[str]:
    return {entry.name for entry in PROC.iterdir() if entry.name.isdigit()}
