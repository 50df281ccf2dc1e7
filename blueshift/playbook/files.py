"""Files that a person names, read within bounds: every way in which that fails is one error with a place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from blueshift.errors import BlueshiftError

MOST = 1_000_000
"""Bytes of a file that people write. Kubernetes keeps no object bigger than that, and so Helm no values."""
MOST_SAVED = 64_000_000
"""Bytes of a file that Blueshift writes: a World of 2,500 hosts is a tenth of it."""


def read(path: str | Path, *, most: int = MOST, hint: str = "check the path") -> bytes:
    """What is in a file. Raises BlueshiftError if there is none, it may not be read, or has more than `most`.

    A named pipe is refused, since it may block forever; that of a shell's `<(…)` is none of these.
    """
    place = str(path)
    try:
        file = expanded(path)
        if stat.S_ISFIFO(file.stat().st_mode) and not place.startswith(("/dev/", "/proc/")):
            raise BlueshiftError("is a pipe and no file", place=place, hint=hint)
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise BlueshiftError(f"cannot be read: {error.strerror}", place=place, hint=hint) from None
    except ValueError as error:  # a NUL in its name
        raise BlueshiftError(f"is no path: {error}", place=repr(place), hint=hint) from None
    if len(data) > most:
        raise BlueshiftError(f"is bigger than {most:,} bytes", place=place, hint="is this the right file?")
    return data


def text(data: bytes, place: str) -> str:
    """The text of a file, without a byte order mark. Raises BlueshiftError for what is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        raise BlueshiftError(
            f"is not UTF-8 (byte {error.start})",
            place=at(place, before, len(before)),
            hint="is this the right file? if it is text, save it as UTF-8",
        ) from None


def at(place: str, text: str, index: int) -> str:
    """`file:line:column` of a character."""
    line = text.count("\n", 0, index) + 1
    return f"{place}:{line}:{index - text.rfind(chr(10), 0, index)}"


def there(path: Path) -> bool:
    """Whether there is something, and it can be reached: `Path.exists` raises for a folder that is locked."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def expanded(path: str | Path) -> Path:
    """A path with `~` as the home folder; of a user who is not here it stays as written."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  # Path's own raises RuntimeError for such a user
