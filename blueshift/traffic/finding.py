"""How the lines of a file are read: what stands before them, how many make an access, their format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from blueshift.traffic.guesses import candidates
from blueshift.traffic.layouts import Layout, layouts_of
from blueshift.traffic.logs import foreign
from blueshift.traffic.prefixes import NOTHING, PREFIXES, WORDS, without
from blueshift.traffic.quick import Reader
from blueshift.traffic.records import AsFormatted, AsObjects, Records, has_open_object

_TRIED = 200
"""Lines by which a format is found."""
_LONG = 1 << 16
"""Bytes of a line by which none is looked for."""
_FEW = 40
_RUN = 8
"""Lines in a row, from each of the places at which formats are tried."""

Prefix = re.Pattern[bytes]


class Way:
    """One way of reading a file, with the lines of an access that is not whole yet."""

    def __init__(self, prefix: Prefix, records: Records | None = None, reader: Reader | None = None) -> None:
        self.prefix = prefix
        self.reader = reader
        """None while none is known."""
        self._records = records

    def accesses(self, lines: list[bytes]) -> list[bytes]:
        """The lines as the reader takes them."""
        bare = without(self.prefix, lines)
        return self._records.joined(bare) if self._records else bare

    def again(self, missed: list[bytes]) -> list[bytes]:
        """Lines that could not be read otherwise, as the reader takes them; the first words of those that it
        does not read are their own."""
        reader = self.reader
        if self.prefix not in WORDS or self._records or reader is None:
            return [*self.accesses(missed), *self.left()]
        return [
            bare if foreign(bare) or reader.parse(bare) else line
            for bare, line in zip(without(self.prefix, missed), missed, strict=True)
        ]

    def left(self) -> list[bytes]:
        """What is left of an access at the end."""
        return self._records.left() if self._records else []


def readers_of(given: str) -> tuple[Reader, ...]:
    """Readers of what a given format may mean; see `layouts_of`, which raises BlueshiftError.

    Where the keys of a JSON format do not tell all that its text does, they help with lines that the text
    does not match, and stand for it in files of which it matches none.
    """
    first, *others = layouts_of(given)
    helping = tuple(Reader(layout) for layout in others if layout.keys)
    return Reader(first, helping), *map(Reader, others)


def way_of(lines: list[bytes], given: Sequence[Reader] = (), words: bool = True) -> Way | None:
    """The way by which most of these lines can be read, by one of the given formats or by any that is known;
    None where none can.

    `words` that others put before a line are tried where what is known of kubectl and the kubelet reads few:
    a given format may begin with a time itself, and any with a word.
    """
    found: list[tuple[float, Way]] = []
    for prefixes in (PREFIXES, WORDS) if words else (PREFIXES,):
        for prefix in prefixes:
            bare = without(prefix, lines)
            if prefix is not NOTHING and bare == lines:
                continue
            for share, records, reader in _readers(bare, given):
                found.append((share, Way(prefix, records, reader)))
                if share == 1.0:
                    return found[-1][1]
        if found and max(share for share, _ in found) > 0.5:
            break
    return max(found, key=lambda one: one[0])[1] if found else None


def _readers(lines: list[bytes], given: Sequence[Reader]) -> Iterator[tuple[float, Records | None, Reader]]:
    """Readers that read any of these, each with the share of them that it reads."""
    for reader in given:
        formatted = AsFormatted(shapes) if (shapes := reader.lines()) else None
        sample = _sample(_joined(lines, formatted))
        if (read := _count(reader, sample)) and any(map(reader.alone, sample)):
            yield read / len(sample), formatted, reader
    if given:
        return
    for objects in (None, AsObjects()) if has_open_object(lines) else (None,):
        sample = _sample(_joined(lines, objects))
        if best := _best(sample):
            yield _count(best, sample) / len(sample), objects, best


def _best(sample: Sequence[bytes]) -> Reader | None:
    """That of the format by which most of these can be read, with the others that read any."""
    reads: dict[Layout, float] = {}
    for layout in candidates(sample):
        reads[layout] = _count(_tried(layout), sample)
        if reads[layout] == len(sample):
            break  # none reads more, and this is more telling than those to come
    best, *others = sorted(reads, key=lambda layout: -reads[layout])
    return Reader(best, tuple(Reader(layout) for layout in others if reads[layout])) if reads[best] else None


def _count(reader: Reader, sample: Sequence[bytes]) -> float:
    return sum(map(reader.fits, sample))


@lru_cache(maxsize=32)
def _tried(layout: Layout) -> Reader:
    return Reader(layout)


def _joined(lines: list[bytes], records: Records | None) -> list[bytes]:
    return [*records.joined(lines), *records.left()] if records else lines


def few(lines: Sequence[bytes]) -> list[bytes]:
    """Some of many lines, by which what reads them is found in little time."""
    if has_open_object(lines):  # the lines of an access stand together
        return list(lines[:_TRIED])
    return list(lines[:: max(1, len(lines) // _FEW)][:_FEW])


def _sample(lines: Sequence[bytes]) -> list[bytes]:
    # A pod's log begins with what the controller says of its start.
    said = [line for line in lines if len(line) < _LONG and not foreign(line)]
    # Runs of lines, as two formats may take turns.
    stride = max(_RUN, len(said) * _RUN // _TRIED)
    return [line for start in range(0, len(said), stride) for line in said[start : start + _RUN]]
