"""What `blueshift probe` kept can be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from blueshift.cli.ledger import ledger
from blueshift.errors import BlueshiftError
from blueshift.traffic.prober.ledger import MAGIC, LedgerWriter, Row

BEGAN = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    asked: dict[str, Any] = {
        "kind": "http1",
        "persona": "0/ipv4",
        "host": "a.test",
        "path": "/x",
        "expected": "",
    }
    with LedgerWriter(tmp_path / "rows", "run", BEGAN) as writer:
        writer.add(Row(0, scheduled=1.0, begun=1.0, end=1.5, status=200, address="192.0.2.1", **asked))
        refused: dict[str, Any] = {"phase": "connect", "reason": "refused\x1b[2J"}
        writer.add(Row(1, scheduled=2.0, begun=2.0, end=2.0123, **asked, **refused))
    return tmp_path / "rows"


def test_each_request_is_a_line(rows: Path) -> None:
    ended = CliRunner().invoke(ledger, [str(rows)])
    assert ended.output.splitlines() == [
        "2026-11-29 15:00:01.500Z 200     500.0 ms http1 a.test/x at 192.0.2.1",
        r"2026-11-29 15:00:02.012Z ---      12.3 ms http1 a.test/x at no address in connect: refused\x1b[2J",
    ]


def test_what_failed_alone_as_json(rows: Path) -> None:
    (line,) = CliRunner().invoke(ledger, [str(rows), "--failed", "-o", "json"]).output.splitlines()
    row = json.loads(line)
    assert (row["began"], row["id"], row["phase"]) == ("2026-11-29T15:00:00Z", 1, "connect")
    assert (row["scheduled"], row["sent"], row["end"]) == (2.0, -1.0, 2.0123)


def test_a_damaged_file_is_an_error_or_the_sound_rows_before(rows: Path) -> None:
    sound = rows.read_bytes()
    (written,) = {tuple(lines(rows))}
    told = 0
    for at, mask in product(range(len(sound)), (0xFF, 0x80, 0x01)):
        damaged = bytearray(sound)
        damaged[at] ^= mask
        rows.write_bytes(damaged)
        try:
            read = lines(rows)
        except BlueshiftError:
            told += 1
            continue
        assert tuple(read) == written[: len(read)], f"byte {at} ^ {mask:#x}"
    assert told > 2.8 * len(sound)  # a length of a frame alone can make a file look as if it were cut off


def lines(rows: Path) -> list[str]:
    """Every figure of each row. Raises what the command raises."""
    ended = CliRunner().invoke(ledger, [str(rows), "-o", "json"])
    if ended.exception is not None:
        raise ended.exception
    return ended.output.splitlines()


def test_a_file_of_before_has_no_sums_and_is_read(rows: Path) -> None:
    written = lines(rows)
    older = bytearray(MAGIC)
    rest = rows.read_bytes()[len(MAGIC) :]
    while rest:
        end = 4 + int.from_bytes(rest[:4], "big")
        fields = msgspec.msgpack.decode(rest[4:end])
        assert fields.pop("check")
        frame = msgspec.msgpack.encode(fields)
        older += len(frame).to_bytes(4, "big") + frame
        rest = rest[end:]
    rows.write_bytes(older)
    assert lines(rows) == written
