"""Lines that came before, such as where pods' logs are fetched twice, known again in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

REMEMBERED = 250_000
"""Lines, of two generations, in which one that comes again is known: pods' logs fetched twice overlap."""


class Seen:
    """Lines that came before, by their hashes."""

    def __init__(self) -> None:
        self.young: set[int] = set()
        self.old: set[int] = set()

    def fresh(self, lines: Sequence[bytes]) -> bool:
        """Whether none of them came before, nor any twice; then all have come now, else none."""
        marks = set(map(hash, lines))
        new = len(marks) == len(lines) and self.young.isdisjoint(marks) and self.old.isdisjoint(marks)
        if new:
            self.young |= marks
        return new

    def again(self, line: bytes) -> bool:
        """Whether the line came before; it has come now."""
        mark = hash(line)
        known = mark in self.young or mark in self.old
        self.young.add(mark)
        return known

    def age(self) -> None:
        """Forget the older generation when the younger is full."""
        if len(self.young) > REMEMBERED:
            self.young, self.old = set(), self.young
