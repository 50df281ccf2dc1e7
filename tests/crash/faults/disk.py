"""A small disk for one process's temporary files, which fills up. Needs root, for the mount."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How large it is, and whether it is full from the beginning."""

    kib: int = 256
    full: bool = False


@dataclass
class Disk:
    """The handle."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """For the process that is to use it."""
        return {"TMPDIR": str(self.folder)}

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.folder / "filler").open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                return

    def free(self) -> None:
        """Take the filler away."""
        (self.folder / "filler").unlink(missing_ok=True)


@asynccontextmanager
async def fault(settings: Settings) -> AsyncIterator[Disk]:
    """A tmpfs of that size."""
    folder = Path(tempfile.mkdtemp(prefix="disk-fault-"))
    await _run("mount", "-t", "tmpfs", "-o", f"size={settings.kib}k,mode=0700", "blueshift-test", folder)
    disk = Disk(folder)
    try:
        if settings.full:
            disk.fill()
        yield disk
    finally:
        await _run("umount", "--lazy", folder)
        folder.rmdir()  # noqa: ASYNC240  # an empty folder


async def _run(*argv: str | Path) -> None:
    process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{argv[0]}: {said.decode().strip()}")
