"""Files of access logs: opened, cut into lines, and read by the layout that fits."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from blueshift.errors import BlueshiftError
from blueshift.masks import masked
from blueshift.traffic.digest import Digest
from blueshift.traffic.layouts import PREFIX, TRIED, candidates, layout_of
from blueshift.traffic.logs import foreign
from blueshift.traffic.quick import Reader

STDIN = Path("-")
_BLOCK = 1 << 20
_LONGEST = 1 << 20
"""Bytes of a line; what is longer is no access line."""
_GZIP = b"\x1f\x8b"
_TOLD = 120
"""Characters of a line that could not be read."""


def digested(files: Sequence[Path], form: str) -> Digest:
    """The lines of all files in one digest.

    Raises BlueshiftError for a file that cannot be read, and where no layout fits its first lines.
    """
    digest: Digest | None = None
    for file in files:
        with _opened(file) as stream:
            for block in _blocks(stream):
                digest = digest or Digest(_reader(block, form, file))
                digest.add(block)
    if digest is None:
        raise BlueshiftError(
            "there is no line in it",
            place=", ".join(map(str, files)),
            hint="`kubectl logs` of a controller's pod gives what can be read here",
        )
    digest.finish()
    return digest


def _reader(first: Sequence[bytes], form: str, file: Path) -> Reader:
    """The reader of the given format, or of the one by which most of the first lines can be read."""
    if form:
        return Reader(layout_of(form))
    # A pod's log begins with what the controller says of its start.
    said = [line for line in first if not foreign(line)]
    sample = said[:: max(1, len(said) // TRIED)]
    reads = {layout: sum(map(bool, map(Reader(layout).parse, sample))) for layout in candidates(sample)}
    best, *others = sorted(reads, key=lambda layout: -reads[layout])
    if sample and not reads[best]:
        raise BlueshiftError(
            f"none of the first lines is an access of a known format: {shown(sample[0])!r}",
            place=str(file),
            hint="`--format` takes the controller's log-format-upstream, as it stands in its ConfigMap",
        )
    return Reader(best, tuple(Reader(layout) for layout in others if reads[layout]))


def shown(line: bytes) -> str:
    """The beginning of a line, for people: without what has a secret's shape."""
    return masked(line[:_TOLD].decode(errors="replace"), {})


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedIOBase]:
    try:
        if file == STDIN:
            yield sys.stdin.buffer  # type: ignore[misc]  # a buffered reader, whatever typeshed allows
            return
        with file.open("rb") as stream:
            packed = stream.peek(2)[:2] == _GZIP
            yield gzip.GzipFile(fileobj=stream) if packed else stream
    except (OSError, EOFError, zlib.error) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise BlueshiftError(
            f"cannot be read: {said}",
            place=str(file),
            hint="name files of access logs, or `-` for standard input",
        ) from error


def _blocks(stream: io.BufferedIOBase) -> Iterator[list[bytes]]:
    """Whole lines, without what kubectl or the kubelet put before them."""
    left = b""
    strip: bool | None = None
    while block := stream.read(_BLOCK):
        *lines, left = (left + block).split(b"\n")
        if len(left) > _LONGEST:
            lines, left = [*lines, left[:_LONGEST]], b""
        if strip is None and lines:
            strip = any(_prefix(line) for line in lines[:TRIED])
        if lines:
            yield [line[_prefix(line) :] for line in lines] if strip else lines
    if left:
        yield [left[_prefix(left) :] if strip is not False else left]


def _prefix(line: bytes) -> int:
    found = PREFIX.match(line)
    return found.end() if found else 0
