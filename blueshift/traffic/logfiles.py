"""Files of access logs: each read by the format that is given, or by those that fit its lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from blueshift.errors import BlueshiftError
from blueshift.masks import masked
from blueshift.traffic.digest import Digest
from blueshift.traffic.finding import Way, few, readers_of, way_of
from blueshift.traffic.layouts import NAMED
from blueshift.traffic.prefixes import KUBERNETES, WORDS, Parts, unwrapped, without
from blueshift.traffic.quick import Reader
from blueshift.traffic.streams import LONGEST, Read, blocks, opened

_TOLD = 120
"""Characters of a line that could not be read."""
_BARREN = 3
"""Blocks with lines that nothing reads, after which words before a few more are not tried: it takes long."""

_OF_TEXT = "`--format` takes the controller's log-format-upstream, as it stands in its ConfigMap"
_OF_OBJECTS = (
    "`--format` names the keys by nginx's variables, those alone that matter: "
    """'{"KEY": "$remote_addr", "KEY": "$status", "KEY": "$host", "KEY": "$request_time"}'"""
)


def digested(files: Sequence[Path], form: str) -> Digest:
    """The lines of all files in one digest, each file read by the given format or by the one that fits it.

    Raises BlueshiftError for a file that cannot be read, and where lines are left and none of all was read.
    """
    given = readers_of(form) if form else ()
    digest = Digest(given[0] if given else Reader(NAMED["ingress-nginx"]))
    unread_in: Path | None = None
    for file in files:
        with opened(file) as read:
            _File(digest, given).count(read)
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
            hint=_OF_OBJECTS if digest.unread_first.startswith(b"{") and not form else _OF_TEXT,
        )
    digest.finish()
    return digest


class _File:
    """The lines of one file, and how they are read."""

    def __init__(self, digest: Digest, given: Sequence[Reader]) -> None:
        self._digest = digest
        self._given = given
        self._way = Way(KUBERNETES)
        self._block: list[bytes] = []
        """The lines that are counted, with all that stood before them."""
        self._barren = 0
        """How often nothing read what could not be read."""

    def count(self, read: Read) -> None:
        """All of them."""
        for block in _joined(blocks(read)):
            if self._way.reader is None and (way := way_of(block, self._given)):
                self._take(way, block)
            self._block = block
            lines = self._way.accesses(block)
            self._digest.add(lines, self._again if self._way.reader else None)
        if left := self._way.left():
            self._digest.add(left)

    def _take(self, way: Way, lines: Sequence[bytes]) -> None:
        self._way = way
        if way.reader:
            self._digest.read_by(way.reader)
        if way.prefix in WORDS:
            found = next(filter(None, map(way.prefix.match, lines)), None)
            self._digest.before = self._digest.before or (found[0].rstrip() if found else b"")

    def _again(self, missed: list[bytes]) -> list[bytes] | None:
        """Lines of a kind that was not met before, as where a format was changed meanwhile."""
        if (prefix := self._way.prefix) in WORDS:  # the first words of others are their own
            whole = dict(zip(without(prefix, self._block), self._block, strict=True))
            missed = [whole.get(line, line) for line in missed]
        most = len(missed) * 2 > len(self._block)
        words = most or self._barren < _BARREN
        way, known = way_of(few(missed), self._given, words), self._way.reader
        if way is None or way.reader is None or known is None:
            self._barren += 1
            return None
        if most:  # what most are is read quickly from here on
            way.reader.learn(known)
            self._take(way, missed)
        elif not self._given:
            known.learn(way.reader)
        return way.again(missed)


def _joined(blocks: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    """The lines that a node's runtime wrapped or cut in parts, whole."""
    parts = Parts(LONGEST)
    for block in blocks:
        if lines := parts.joined(unwrapped(block)):
            yield lines
    if left := parts.left():
        yield left


def shown(line: bytes) -> str:
    """The beginning of a line, for people: without what has a secret's shape."""
    return masked(line[:_TOLD].decode(errors="replace"), {})
