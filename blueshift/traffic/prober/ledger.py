"""The ledger: a row for each request, in columns, compressed in chunks as they fill.

File: the line MAGIC, then frames of a 4-byte length (big-endian) and MessagePack: a `_Head`, then `_Chunk`s.
A chunk holds the strings and the questions that are new in it (a row names both by their number over the
whole file; a question is what a stream of a plan asks, by the numbers of its strings), and the columns. `id`
and `scheduled` are differences to the row before; each later moment is the distance from the one before it,
all ones for "never"; moments are microseconds. Rows stand in the order in which they ended. A file that was
cut off reads up to its last whole chunk. zlib holds a sum of each column; `check` is the CRC-32 of all else
that a head or a chunk says. Files of before have none, and are read as they are.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.traffic.prober.columns import pack, unpack

MAGIC = b"blueshift-ledger-2\n"
CHUNK = 2048
"""Rows; small, since compressing one (about 3 ms) holds up the sending."""
_NEVER = 0xFFFFFFFF
_QUESTION = ("kind", "persona", "host", "path", "expected")
_TEXTS = ("phase", "reason", "address", "answered_by")
_MOMENTS = ("begun", "sent", "first_byte", "end")
_MAX_TEXTS = 60_000
_REST = "(too many different texts)"


class Row(msgspec.Struct):
    """One request. It is filled while the request goes on and never changed after its end.

    Moments are seconds after the start of the run; -1 means that it did not come to that.
    """

    id: int
    kind: str
    persona: str
    host: str
    path: str
    expected: str
    """Marker of the route that must answer."""
    scheduled: float
    begun: float = -1.0
    """When the generator took it up: late by its own fault only."""
    sent: float = -1.0
    """When its first byte was written, after any lookup and connect."""
    first_byte: float = -1.0
    end: float = -1.0
    status: int = 0
    phase: str = ""
    """Where it failed (connect.Failed); "" if it did not. "check": the answer was wrong."""
    reason: str = ""
    address: str = ""
    answered_by: str = ""
    """Which release of the controller answered, by its response header."""
    reused: bool = False
    """It went over a pooled connection."""
    repeated: bool = False
    """An HTTP/2 server said that it had not touched it, and it was sent once more (RFC 9113 §8.7)."""
    stale_closed: int = 0
    """Pooled connections that were found closed before its first byte was written (DESIGN §7)."""

    @property
    def failed(self) -> bool:
        """A client that behaves saw an error or a wrong answer."""
        return bool(self.phase)


class _Head(msgspec.Struct, frozen=True):
    run: str
    started: datetime
    check: int | None = None


class _Chunk(msgspec.Struct, frozen=True):
    rows: int
    texts: tuple[str, ...]
    questions: tuple[tuple[int, ...], ...]
    columns: dict[str, bytes]
    check: int | None = None


class LedgerWriter:
    """Appends rows to a file; use it as a context manager, so that the last chunk is written.

    A write that fails (no room, a limit) is an error once, and the last: the file keeps its whole chunks,
    and the rows since then are in `unwritten`.
    """

    def __init__(self, path: Path, run: str, started: datetime) -> None:
        self._path = path
        self._file = path.open("wb", buffering=0)  # what is in a buffer could be written after it had failed
        self._whole = 0
        """Bytes of the file that are whole frames."""
        self._full = False
        try:
            self._write(MAGIC)
            self._frame(msgspec.msgpack.encode(_Head(run, started, _sum(run, started))))
        except BlueshiftError:
            with suppress(OSError):
                path.unlink()  # it is no ledger, and would be in the way of the next one
            raise
        self._fresh: list[str] = ["", _REST]
        self._numbers = {text: number for number, text in enumerate(self._fresh)}
        self._fresh_questions: list[tuple[int, ...]] = []
        self._questions: dict[tuple[str, ...], int] = {}
        self._last = 0
        self._last_id = 0
        self._begin()

    def __enter__(self) -> LedgerWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._file.close()

    def add(self, row: Row) -> None:
        """Append a row that has ended. Raises BlueshiftError if the file cannot be written."""
        columns = self._columns
        columns["id"].append(row.id - self._last_id)
        self._last_id = row.id
        before = round(row.scheduled * 1e6)
        columns["scheduled"].append(before - self._last)
        self._last = before
        for name, moment in zip(_MOMENTS, (row.begun, row.sent, row.first_byte, row.end), strict=True):
            if moment < 0:
                columns[name].append(_NEVER)
                continue
            after = min(max(round(moment * 1e6) - before, 0), _NEVER - 1)
            columns[name].append(after)
            before += after
        asked = (row.kind, row.persona, row.host, row.path, row.expected)
        question = self._questions.get(asked)
        columns["question"].append(self._question(asked) if question is None else question)
        for name, text in zip(_TEXTS, (row.phase, row.reason, row.address, row.answered_by), strict=True):
            columns[name].append(self._number(text))
        columns["status"].append(row.status)
        columns["flags"].append(row.reused | row.repeated << 1)
        columns["stale_closed"].append(min(row.stale_closed, 255))
        if len(columns["id"]) == CHUNK:
            self.flush()

    def flush(self) -> None:
        """Write what is there. Raises BlueshiftError if it cannot be written."""
        rows = len(self._columns["id"])
        if not rows or self._full:
            return
        packed = {name: pack(column) for name, column in self._columns.items()}
        texts, questions = tuple(self._fresh), tuple(self._fresh_questions)
        chunk = _Chunk(rows, texts, questions, packed, _sum(texts, questions))
        self._frame(msgspec.msgpack.encode(chunk))
        self._fresh.clear()
        self._fresh_questions.clear()
        self._begin()

    def unwritten(self) -> Iterator[Row]:
        """Yield the rows that are not in the file, rounded as they would be there."""
        texts = list(self._numbers)
        questions = [dict(zip(_QUESTION, asked, strict=True)) for asked in self._questions]
        yield from _rows(self._columns, texts, questions, self._before)

    def _begin(self) -> None:
        self._before = self._last_id, self._last
        self._columns: dict[str, array[int]] = {name: array(code) for name, code in _CODES.items()}

    def _question(self, asked: tuple[str, ...]) -> int:
        self._fresh_questions.append(tuple(self._number(text) for text in asked))
        return self._questions.setdefault(asked, len(self._questions))

    def _number(self, text: str) -> int:
        if (number := self._numbers.get(text)) is None:
            if len(self._numbers) >= _MAX_TEXTS:
                return self._numbers[_REST]
            number = self._numbers[text] = len(self._numbers)
            self._fresh.append(text)
        return number

    def _frame(self, data: bytes) -> None:
        self._write(len(data).to_bytes(4, "big") + data)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._full = True
            with suppress(OSError):
                self._file.truncate(self._whole)
                self._file.close()
            raise BlueshiftError(
                f"the ledger cannot be written: {error.strerror}",
                place=str(self._path),
                hint="make room there, or write it elsewhere; a request takes about 14 bytes",
            ) from error
        self._whole += len(data)


_CODES = {
    "id": "q",
    "scheduled": "q",
    **dict.fromkeys(_MOMENTS, "I"),
    "question": "I",
    **dict.fromkeys(_TEXTS, "H"),
    "status": "H",
    "flags": "B",
    "stale_closed": "B",
}


def read_ledger(path: Path) -> Iterator[Row]:
    """Yield the rows in the order in which they ended. Raises BlueshiftError if it is not a ledger."""
    texts: list[str] = []
    questions: list[dict[str, str]] = []
    before = 0, 0
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise _no_ledger(path)
        head = True
        while (frame := _read_frame(file.read(4), file.read)) is not None:
            if head:
                head = False
                continue
            try:
                columns = _columns(frame, texts, questions)
            except (msgspec.DecodeError, zlib.error, ValueError, IndexError, KeyError) as error:
                raise _damaged(path, file.tell() - len(frame)) from error
            yield from _rows(columns, texts, questions, before)
            before = before[0] + sum(columns["id"]), before[1] + sum(columns["scheduled"])


def _columns(frame: bytes, texts: list[str], questions: list[dict[str, str]]) -> dict[str, array[int]]:
    """A chunk's, whose new strings and questions are added. Raises what its bytes do not allow."""
    chunk = msgspec.msgpack.decode(frame, type=_Chunk)
    if chunk.check not in (None, _sum(chunk.texts, chunk.questions)):
        raise ValueError("other texts than were written")
    texts.extend(chunk.texts)
    questions.extend(
        dict(zip(_QUESTION, (texts[number] for number in asked), strict=True)) for asked in chunk.questions
    )
    columns = {name: unpack(code, chunk.columns[name]) for name, code in _CODES.items()}
    known = {"question": len(questions), **dict.fromkeys(_TEXTS, len(texts))}
    if {len(column) for column in columns.values()} != {chunk.rows}:
        raise ValueError("columns of different lengths")
    if any(max(columns[name], default=0) >= count for name, count in known.items()):
        raise ValueError("a text that is not there")
    return columns


def started_of(path: Path) -> datetime:
    """The instant from which a ledger's moments count. Raises BlueshiftError if there is no whole head."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC or (frame := _read_frame(file.read(4), file.read)) is None:
            raise _no_ledger(path)
    try:
        head = msgspec.msgpack.decode(frame, type=_Head)
        if head.check not in (None, _sum(head.run, head.started)):
            raise ValueError("another head than was written")
    except (msgspec.DecodeError, ValueError) as error:  # the latter also of bytes that are no UTF-8
        raise _damaged(path, len(MAGIC) + 4) from error
    return head.started


def _sum(*parts: object) -> int:
    return zlib.crc32(msgspec.msgpack.encode(parts))


def _damaged(path: Path, byte: int) -> BlueshiftError:
    return BlueshiftError(
        "the ledger is damaged from here on",
        place=f"{path}: byte {byte}",
        hint="copy it again from where it was written; what stands before it was read",
    )


def _no_ledger(path: Path) -> BlueshiftError:
    return BlueshiftError(
        "not a ledger of this version",
        place=str(path),
        hint="`blueshift probe URL… --ledger FILE` writes one, and this version reads its own",
    )


def _read_frame(size: bytes, read: object) -> bytes | None:
    assert callable(read)
    if len(size) < 4:
        return None
    data: bytes = read(int.from_bytes(size, "big"))
    return data if len(data) == int.from_bytes(size, "big") else None


def _rows(
    columns: dict[str, array[int]], texts: list[str], questions: list[dict[str, str]], before: tuple[int, int]
) -> Iterator[Row]:
    """A chunk's; `before`: id and moment of the last row of the chunk before."""
    identity, scheduled = before
    for number in range(len(columns["id"])):
        identity += columns["id"][number]
        scheduled += columns["scheduled"][number]
        text = {name: texts[columns[name][number]] for name in _TEXTS}
        text |= questions[columns["question"][number]]
        yield _row(columns, text, number, identity, scheduled)


def _row(
    columns: dict[str, array[int]], text: dict[str, str], number: int, identity: int, scheduled: int
) -> Row:
    moments = []
    before = scheduled
    for name in _MOMENTS:
        after = columns[name][number]
        before += after if after != _NEVER else 0
        moments.append(before / 1e6 if after != _NEVER else -1.0)
    begun, sent, first_byte, end = moments
    flags = columns["flags"][number]
    return Row(
        id=identity,
        scheduled=scheduled / 1e6,
        begun=begun,
        sent=sent,
        first_byte=first_byte,
        end=end,
        status=columns["status"][number],
        reused=bool(flags & 1),
        repeated=bool(flags & 2),
        stale_closed=columns["stale_closed"][number],
        **text,
    )
