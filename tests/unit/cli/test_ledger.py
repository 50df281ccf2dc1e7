"""What `blueshift probe` kept can be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from blueshift.cli.ledger import ledger
from blueshift.errors import BlueshiftError
from blueshift.traffic.prober.ledger import LedgerWriter, Row

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


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_a_damaged_file_is_an_error_and_no_fault(rows: Path, at: int) -> None:
    whole = bytearray(rows.read_bytes())
    whole[at % len(whole)] ^= 0xFF
    rows.write_bytes(whole)
    ended = CliRunner().invoke(ledger, [str(rows)])
    assert ended.exception is None or isinstance(ended.exception, BlueshiftError), ended.exception
