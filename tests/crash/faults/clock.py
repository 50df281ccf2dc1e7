"""One process whose wall clock jumps; the machine's is never set. By libfaketime (apt: faketime)."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far off the clock is from the beginning, in seconds."""

    offset: int = 0


@dataclass
class FakeTime:
    """The handle."""

    env: dict[str, str]
    """For the process that is to be misled."""
    file: Path

    def jump(self, seconds: int) -> None:
        """Let the wall clock be so far ahead of the machine's (behind: negative), from now on."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self.file)


def library() -> str | None:
    """Where libfaketime is."""
    found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
    return str(found[0]) if found else None


@asynccontextmanager
async def fault(settings: Settings) -> AsyncIterator[FakeTime]:
    """A clock to jump with. Clocks that count durations are left as they are: they never jump."""
    preload = library()
    if preload is None:
        raise RuntimeError("libfaketime is not installed (apt-get install faketime)")
    with tempfile.TemporaryDirectory(prefix="clock-fault-") as folder:
        file = Path(folder) / "offset"
        env = {
            "LD_PRELOAD": preload,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        handle = FakeTime(env, file)
        handle.jump(settings.offset)
        yield handle
