"""Accesses that take several lines: `log-format-upstream` as a YAML block keeps its line breaks, and nginx
writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from blueshift.traffic.logformat import Compiled
from blueshift.traffic.logs import foreign

_MOST = 200
"""Lines of one access."""
_MOST_BYTES = 1 << 20
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?')
"""Also one without its end, or each quote in it would be looked at as a beginning."""
_GOES_ON = (b":", b"[")
"""What a line ends with before one with the brace of an object inside; any other brace at the begin of a line
is another access, and what was begun is torn."""


class Records(Protocol):
    """Takes lines of one log in their order."""

    def joined(self, lines: Sequence[bytes]) -> list[bytes]:
        """The accesses that are whole by now, each as one, and what is none."""
        ...

    def left(self) -> list[bytes]:
        """What of an access came without its end."""
        ...


class AsFormatted:
    """By the lines of a format."""

    def __init__(self, shapes: Sequence[Compiled]) -> None:
        self._shapes = shapes
        self._begun: list[bytes] = []

    def joined(self, lines: Sequence[bytes]) -> list[bytes]:
        """See `Records`. What does not fit in is for itself: another writer's words between two lines."""
        whole: list[bytes] = []
        for line in lines:
            if self._shapes[len(self._begun)].fits(line):
                self._begun.append(line.rstrip(b"\r"))
            elif self._begun and self._shapes[0].fits(line):
                whole += self.left()
                self._begun.append(line.rstrip(b"\r"))
            else:
                whole.append(line)
            if len(self._begun) == len(self._shapes):
                whole += self.left()
        return whole

    def left(self) -> list[bytes]:
        """See `Records`."""
        begun, self._begun = self._begun, []
        return [b"\n".join(begun)] if begun else []


class AsObjects:
    """By the braces of JSON objects of which no more is known."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._depth = self._bytes = 0

    def joined(self, lines: Sequence[bytes]) -> list[bytes]:
        """See `Records`."""
        whole: list[bytes] = []
        for line in lines:
            if foreign(line) if self._begun else not line.startswith(b"{"):
                whole.append(line)
                continue
            if self._begun and line.startswith(b"{") and not self._begun[-1].rstrip().endswith(_GOES_ON):
                whole += self.left()
            self._begun.append(line)
            bare = _STRING.sub(b"", line)
            self._depth += bare.count(b"{") - bare.count(b"}")
            self._bytes += len(line)
            if self._depth <= 0 or len(self._begun) == _MOST or self._bytes > _MOST_BYTES:
                whole += self.left()
        return whole

    def left(self) -> list[bytes]:
        """See `Records`."""
        begun, self._begun = self._begun, []
        self._depth = self._bytes = 0
        return [b"\n".join(begun)] if begun else []


def has_open_object(lines: Sequence[bytes]) -> bool:
    """Whether a line begins an object that it does not end."""
    return any(line.startswith(b"{") and not line.rstrip().endswith(b"}") for line in lines)
