"""The ledger gives back what was written, also after it was cut off."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blueshift.errors import BlueshiftError
from blueshift.traffic.prober import ledger
from blueshift.traffic.prober.ledger import LedgerWriter, Row, read_ledger

STARTED = datetime(2026, 11, 24, tzinfo=UTC)
texts = st.text(max_size=8)
after = st.one_of(st.just(-1.0), st.integers(0, 300_000_000).map(lambda micros: micros / 1e6))


@st.composite
def rows(draw: st.DrawFn) -> Row:
    scheduled = latest = draw(st.integers(0, 4 * 3600 * 10**6)) / 1e6

    def moment() -> float:
        nonlocal latest
        if (distance := draw(after)) < 0:
            return -1.0
        latest = round(latest + distance, 6)
        return latest

    return Row(
        id=draw(st.integers(0, 2**40)),
        kind=draw(texts),
        persona=draw(texts),
        host=draw(texts),
        path=draw(texts),
        expected=draw(texts),
        scheduled=scheduled,
        begun=moment(),
        sent=moment(),
        first_byte=moment(),
        end=moment(),
        status=draw(st.integers(0, 599)),
        phase=draw(texts),
        reason=draw(texts),
        address=draw(texts),
        answered_by=draw(texts),
        reused=draw(st.booleans()),
        repeated=draw(st.booleans()),
        stale_closed=draw(st.integers(0, 255)),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(written=st.lists(rows(), max_size=20), chunk=st.integers(1, 7))
def test_what_was_written_is_read(tmp_path: Path, written: list[Row], chunk: int) -> None:
    before, ledger.CHUNK = ledger.CHUNK, chunk
    try:
        with LedgerWriter(tmp_path / "ledger", "run", STARTED) as writer:
            for row in written:
                writer.add(row)
    finally:
        ledger.CHUNK = before
    assert [_rounded(row) for row in read_ledger(tmp_path / "ledger")] == [_rounded(row) for row in written]


def _rounded(row: Row) -> tuple[object, ...]:
    return tuple(
        round(value, 5) if isinstance(value, float) else value
        for value in (getattr(row, field) for field in row.__struct_fields__)
    )


def many(path: Path, count: int) -> None:
    with LedgerWriter(path, "run", STARTED) as writer:
        for number in range(count):
            at = number / 300
            writer.add(
                Row(
                    id=number,
                    kind="http1" if number % 3 else "http2",
                    persona=f"browser-{4 + number % 2 * 2}",
                    host=f"app{number * 7 % 40:02d}.lab.test",
                    path=f"/{number % 5}",
                    expected="echo-a",
                    scheduled=at,
                    begun=at + number * 7919 % 997 * 1e-6,
                    sent=at + number * 7919 % 1499 * 1e-6,
                    first_byte=at + 0.004 + number * 104729 % 3001 * 1e-6,
                    end=at + 0.0045 + number * 104729 % 3001 * 1e-6,
                    status=200,
                    address="198.18.1.1",
                    answered_by="v1.11.3",
                    reused=True,
                )
            )


def test_a_row_takes_less_than_15_bytes(tmp_path: Path) -> None:
    many(tmp_path / "ledger", 20_000)
    assert (tmp_path / "ledger").stat().st_size < 20_000 * 15


def test_a_ledger_that_was_cut_off_reads_up_to_its_last_whole_chunk(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    many(path, 3 * ledger.CHUNK)
    path.write_bytes(path.read_bytes()[:-10])
    assert [row.id for row in read_ledger(path)] == list(range(2 * ledger.CHUNK))


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("id,host\n")
    with pytest.raises(BlueshiftError, match="not a ledger"):
        list(read_ledger(tmp_path / "other"))


def test_endless_different_texts_do_not_break_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_MAX_TEXTS", 10)
    with LedgerWriter(tmp_path / "ledger", "run", STARTED) as writer:
        for number in range(30):
            writer.add(
                Row(
                    id=number, kind="http1", persona="", host="", path="", expected="", scheduled=0,
                    reason=f"reason {number}",
                )
            )  # fmt: skip
    reasons = [row.reason for row in read_ledger(tmp_path / "ledger")]
    assert reasons[0] == "reason 0"
    assert reasons[-1] == "(too many different texts)"
