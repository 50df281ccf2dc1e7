"""Files as people keep them, packed or not, and standard input, cut into lines."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blueshift.errors import BlueshiftError
from blueshift.traffic.logs import bare

STDIN = Path("-")
LONGEST = 1 << 20
"""Bytes of a line; what is longer is no access line."""
_BLOCK = 1 << 20
_MAGIC = 6
Read = Callable[[int], bytes]
"""Gives at most so many bytes, none at the end."""

_PACKED: tuple[tuple[bytes, Callable[[io.BufferedReader], io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"BZh", bz2.BZ2File),
)
_FOREIGN = ((b"\x28\xb5\x2f\xfd", "zstd -dc"), (b"PK\x03\x04", "unzip -p"))
"""What this Python cannot unpack, and what does."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""Of a redirection in Windows PowerShell."""


@contextmanager
def opened(file: Path) -> Iterator[Read]:
    """Read a file, or standard input for `-`. Raises BlueshiftError for one that cannot be read."""
    try:
        if file == STDIN:
            given: Any = sys.stdin.buffer  # reads as a raw stream does, whatever typeshed allows
            peeked: io.BufferedReader = io.BufferedReader(given)
            try:
                yield _unpacked(peeked, file)
            finally:
                peeked.detach()  # which would close standard input in its end
            return
        with file.open("rb") as stream:
            yield _unpacked(stream, file)
    except EOFError as error:
        raise BlueshiftError(
            "cannot be read: it is packed, and ends before its end",
            place=str(file),
            hint="fetch it again; `gzip -dc FILE | blueshift logs analyze -` (xz, bzip2) reads what is there",
        ) from error
    except (OSError, zlib.error, lzma.LZMAError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise BlueshiftError(
            f"cannot be read: {said}",
            place=str(file),
            hint="name files of access logs, or `-` for standard input",
        ) from error


def _unpacked(stream: io.BufferedReader, file: Path) -> Read:
    begun = stream.peek(_MAGIC)[:_MAGIC]
    for magic, tool in _FOREIGN:
        if begun.startswith(magic):
            raise BlueshiftError(
                f"is packed in a way that cannot be read here ({tool.split()[0]})",
                place=str(file),
                hint=f"`{tool} FILE | blueshift logs analyze -`",
            )
    unpack = next((unpack for magic, unpack in _PACKED if begun.startswith(magic)), None)
    plain = unpack(stream) if unpack else stream
    if begun.startswith(_UTF16):
        decode = codecs.getincrementaldecoder("utf-16")("replace").decode
        return lambda most: decode(plain.read(most)).encode(errors="replace")
    return plain.read


def blocks(read: Read) -> Iterator[list[bytes]]:
    """Whole lines."""
    left = b""
    while block := read(_BLOCK):
        *lines, left = (left + block).split(b"\n")
        if len(left) > LONGEST and len(left := bare(left)) > LONGEST:
            lines, left = [*lines, left[:LONGEST]], b""
        if lines:
            yield lines
    if left:
        yield [left]
