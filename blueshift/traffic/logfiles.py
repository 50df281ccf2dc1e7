"""Files of access logs: opened, cut into lines, and read by the layout that fits."""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blueshift.errors import BlueshiftError
from blueshift.masks import masked
from blueshift.traffic.digest import Digest
from blueshift.traffic.layouts import NAMED, TRIED, candidates, layout_of
from blueshift.traffic.logs import bare, foreign
from blueshift.traffic.prefixes import NOTHING, PREFIXES, Parts, without
from blueshift.traffic.quick import Reader

STDIN = Path("-")
_BLOCK = 1 << 20
_LONGEST = 1 << 20
"""Bytes of a line; what is longer is no access line."""
_RUN = 8
"""Lines in a row, from each of the places at which formats are tried."""
_GZIP = b"\x1f\x8b"
_TOLD = 120
"""Characters of a line that could not be read."""


def digested(files: Sequence[Path], form: str) -> Digest:
    """The lines of all files in one digest, each file read by the given format or by the one that fits it.

    Raises BlueshiftError for a file that cannot be read, and where lines are left and none of all was read.
    """
    given = Reader(layout_of(form)) if form else None
    digest = Digest(given or Reader(NAMED["ingress-nginx"]))
    unread_in: Path | None = None
    for file in files:
        with _opened(file) as stream:
            _count(stream, given, digest)
        if digest.unread and unread_in is None:
            unread_in = file
    if not digest.lines:
        raise BlueshiftError(
            "there is no line in it",
            place=", ".join(map(str, files)),
            hint="`kubectl logs` of a controller's pod gives what can be read here",
        )
    if unread_in is not None and not digest.accesses:
        raise BlueshiftError(
            f"no line is an access of {'the given' if form else 'a known'} format, "
            f"the first of {digest.unread}: {shown(digest.unread_first)!r}",
            place=str(unread_in),
            hint="`--format` takes the controller's log-format-upstream, as it stands in its ConfigMap",
        )
    digest.finish()
    return digest


def _count(stream: io.BufferedIOBase, given: Reader | None, digest: Digest) -> None:
    """The lines of one file, by the given reader or by the first that can be found."""
    reader, prefix = given, None
    for block in _joined(_blocks(stream)):
        prefix = prefix or _prefix(block, given)
        lines = without(prefix or PREFIXES[0], block)
        if reader is None and (reader := _reader(lines)):
            digest.read_by(reader)
        digest.add(lines)


def _joined(blocks: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    """The lines that a node's runtime cut in parts, whole."""
    parts = Parts(_LONGEST)
    for block in blocks:
        if lines := parts.joined(block):
            yield lines
    if left := parts.left():
        yield left


def _reader(lines: Sequence[bytes]) -> Reader | None:
    """That of the format by which most of these can be read; None where they are of none."""
    # A pod's log begins with what the controller says of its start.
    said = [line for line in lines if not foreign(line)]
    # Runs of lines, as two formats may take turns.
    stride = max(_RUN, len(said) * _RUN // TRIED)
    sample = [line for start in range(0, len(said), stride) for line in said[start : start + _RUN]]
    reads = {layout: sum(map(bool, map(Reader(layout).parse, sample))) for layout in candidates(sample)}
    best, *others = sorted(reads, key=lambda layout: -reads[layout])
    return Reader(best, tuple(Reader(layout) for layout in others if reads[layout])) if reads[best] else None


def _prefix(block: Sequence[bytes], given: Reader | None) -> re.Pattern[bytes] | None:
    """What stands before the lines of a file, by its first; None where these do not tell.

    A format may begin with a time of its own, which looks like kubectl's.
    """
    begun = [line for line in block[:TRIED] if without(PREFIXES[0], [line]) != [line]]
    if not begun:
        return NOTHING
    if given is None:
        return PREFIXES[0]
    reads = {prefix: sum(map(bool, map(given.parse, without(prefix, begun)))) for prefix in PREFIXES}
    best = max(PREFIXES, key=lambda prefix: reads[prefix])
    return best if reads[best] else None


def shown(line: bytes) -> str:
    """The beginning of a line, for people: without what has a secret's shape."""
    return masked(line[:_TOLD].decode(errors="replace"), {})


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedIOBase]:
    try:
        if file == STDIN:
            given: Any = sys.stdin.buffer  # reads as a raw stream does, whatever typeshed allows
            peeked: io.BufferedReader = io.BufferedReader(given)
            try:
                yield _unpacked(peeked)
            finally:
                peeked.detach()  # which would close standard input in its end
            return
        with file.open("rb") as stream:
            yield _unpacked(stream)
    except (OSError, EOFError, zlib.error) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise BlueshiftError(
            f"cannot be read: {said}",
            place=str(file),
            hint="name files of access logs, or `-` for standard input",
        ) from error


def _unpacked(stream: io.BufferedReader) -> io.BufferedIOBase:
    return gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == _GZIP else stream


def _blocks(stream: io.BufferedIOBase) -> Iterator[list[bytes]]:
    """Whole lines."""
    left = b""
    while block := stream.read(_BLOCK):
        *lines, left = (left + block).split(b"\n")
        if len(left) > _LONGEST and len(left := bare(left)) > _LONGEST:
            lines, left = [*lines, left[:_LONGEST]], b""
        if lines:
            yield lines
    if left:
        yield [left]
