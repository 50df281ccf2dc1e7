"""A disk that is full, or a limit on a file's size: one error, no lost row, nothing more sent."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest

from blueshift.errors import BlueshiftError
from blueshift.traffic.prober import ledger
from blueshift.traffic.prober.client import tls_of
from blueshift.traffic.prober.ledger import LedgerWriter, Row, read_ledger
from blueshift.traffic.prober.names import Resolved
from blueshift.traffic.prober.plan import Persona, Plan, Route, Stream
from blueshift.traffic.prober.run import Run
from tests.fakes import ManualClock

STARTED = datetime(2026, 11, 24, tzinfo=UTC)
SAYS = "the ledger cannot be written: File too large"


@contextmanager
def room(most: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: the kernel writes what still fits, then refuses."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


def row(number: int) -> Row:
    return Row(
        id=number * 3, kind="http1", persona="p", host=f"{number % 4}.test", path="/", expected="",
        scheduled=number / 8, begun=number / 8, end=number / 8 + 0.5, status=200, reason=f"because {number}",
    )  # fmt: skip


def test_what_could_not_be_written_is_still_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "CHUNK", 10)
    path = tmp_path / "rows"
    errors: list[BlueshiftError] = []
    with room(1000), LedgerWriter(path, "run", STARTED) as writer:
        for number in range(100):
            try:
                writer.add(row(number))
            except BlueshiftError as error:
                errors.append(error)
    (told,) = errors  # once, and not again at the end
    assert (told.message, told.place, bool(told.hint)) == (SAYS, str(path), True)
    written = list(read_ledger(path))
    assert 0 < len(written) < 100
    assert len(written) % 10 == 0
    assert path.stat().st_size < 1000, "the part of a chunk that still fitted is gone"
    assert [*written, *writer.unwritten()] == [row(number) for number in range(100)]


@pytest.mark.parametrize("most", [0, 10, 25])
def test_without_room_for_its_first_bytes_no_file_is_left(tmp_path: Path, most: int) -> None:
    with room(most), pytest.raises(BlueshiftError, match=SAYS):
        LedgerWriter(tmp_path / "rows", "run", STARTED)
    assert not (tmp_path / "rows").exists(), "the next try would find it there, and not overwrite it"


def test_the_last_rows_find_no_room(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "rows", "run", STARTED)
    writer.add(row(0))
    with room(100), pytest.raises(BlueshiftError, match=SAYS), writer:
        pass


@pytest.mark.parametrize("chunk", [10, 1_000_000])
async def test_the_sending_ends_where_the_ledger_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(ledger, "CHUNK", chunk)
    persona, stream = Persona("p", "http1"), Stream("http1", "p", Route("a.test"), rate=10.0)
    # None of them is sent, since none may be in flight: each has a row all the same.
    plan = Plan((persona,), (stream,), 100.0, most_in_flight=0)

    async def resolve(_host: str, _family: int) -> Resolved:
        raise AssertionError("nothing is asked")

    with room(400), LedgerWriter(tmp_path / "rows", "0badcafe", STARTED) as writer:
        run = Run(plan, tls_of(plan), "0badcafe", resolve, ManualClock(), writer)
        counter = await run.go()
    assert run.fault
    assert run.fault.message == SAYS
    rows = chain(read_ledger(tmp_path / "rows"), writer.unwritten())
    assert [each.id for each in rows] == list(range(counter.scheduled))
    early = chunk == 10  # else the end alone finds out
    assert (counter.scheduled < 1000, run.seconds < 100.0) == (early, early)
