"""What `blueshift probe` says at its end can be laid beside what a run said meanwhile."""

from __future__ import annotations

import errno
import re
import tempfile
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from blueshift.app.asked import Asked
from blueshift.app.overhead import Overhead
from blueshift.app.probe import Probed, found
from blueshift.cli.probe import probe
from blueshift.cli.probed import tell
from blueshift.errors import BlueshiftError
from blueshift.traffic.prober.count import Counter
from blueshift.traffic.prober.ledger import LedgerWriter, Row, read_ledger

BEGAN = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)
URL = "https://a.test/"
ASKED = Asked((URL,), 1.0, 60.0)
OWN = Overhead(cpu_s=3.04, cpu_share=0.0506, cpu_ms_per_request=0.15, peak_rss_mb=61.4)


def row(number: int, at: float, **more: object) -> Row:
    fields: dict[str, object] = {"kind": "http1", "begun": at, "sent": at, "end": at + 0.01, **more}
    return Row(id=number, persona="0", host="a.test", path="/", expected="", scheduled=at, **fields)  # type: ignore[arg-type]


def probed(folder: Path, *rows: Row, asked: Asked = ASKED) -> Probed:
    """As the command makes it of these rows."""
    counter = Counter("0badcafe")
    with LedgerWriter(folder / "rows", "0badcafe", BEGAN) as ledger:
        for each in rows:
            counter.due(each, prompt=False)
            counter.end(each, prompt=False)
            ledger.add(each)
    return found(asked, read_ledger(folder / "rows"), counter, 60.0, BEGAN, OWN)


@pytest.mark.parametrize("rate", ["nan", "-nan", "NaN", "inf", "1e999", "0", "-1", "soon"])
def test_a_rate_that_is_no_number_is_an_error_of_usage(rate: str) -> None:
    ended = CliRunner().invoke(probe, ["http://192.0.2.1/", "--rate", rate])
    assert isinstance(ended.exception, SystemExit), ended.exception
    assert "Invalid value for '--rate'" in ended.output


@pytest.mark.parametrize("length", ["nan", "inf", "1e9", "-1", "11000000h"])
@pytest.mark.parametrize("option", ["--for", "--timeout", "--wait", "--hold"])
def test_a_length_that_is_none_is_an_error_of_usage(option: str, length: str) -> None:
    ended = CliRunner().invoke(probe, ["ws://192.0.2.1/", option, length])
    assert isinstance(ended.exception, SystemExit), ended.exception
    assert f"Invalid value for {option}" in ended.output


def test_no_room_for_temporary_files_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", full)
    ended = CliRunner().invoke(probe, ["http://192.0.2.1/"])
    assert isinstance(ended.exception, BlueshiftError), ended.exception
    assert "no room for the rows of the requests: No space left on device" in ended.exception.message
    assert "$TMPDIR" in (ended.exception.hint or "")


def test_a_failure_has_its_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = {"kind": "websocket", "end": 61.5, "phase": "session", "reason": "cut without a Close frame"}
    refused = {"end": 2.002, "address": "192.0.2.1", "phase": "connect", "reason": "refused"}
    tell(probed(tmp_path, row(0, 1.0, **cut), row(1, 2.0, **refused)), Asked((URL,), 1.0, 60.0))
    said = capsys.readouterr().err
    assert "failed at 2026-11-29 15:01:01.500Z, 60.5 s after it was due: a.test/ at no address" in said
    assert "failed at 2026-11-29 15:00:02.002Z: a.test/ at 192.0.2.1 in connect: refused" in said
    assert "2 failed (connect 1, session 1)" in said
    assert "itself: 3.0 s of the processor (5% of one, 0.15 ms a request), 61 MiB of memory at most" in said


def test_what_was_never_sent_is_no_failure_of_the_url(tmp_path: Path) -> None:
    never = {"begun": -1.0, "sent": -1.0, "end": -1.0, "phase": "unsent", "reason": "too many in flight"}
    came_to = probed(tmp_path, row(0, 1.0, status=200, first_byte=1.01), row(1, 2.0, **never))
    assert [(one.requests, one.failed) for one in came_to.targets] == [(1, 0)]
    assert (came_to.summary.requests, came_to.summary.failed, came_to.summary.void) == (1, 0, True)


def test_idle_connections_that_a_server_ended_are_a_figure_and_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answered = {"status": 200, "first_byte": 1.0}
    rows = [row(number, float(number), **answered, stale_closed=int(number > 0)) for number in range(5)]
    came_to = probed(tmp_path, *rows)
    assert came_to.sound
    (target,) = came_to.targets
    assert (target.failed, came_to.summary.failed, came_to.summary.by_phase) == (0, 0, {})
    assert (target.stale_closed, came_to.summary.stale_closed) == (4, 4)
    assert came_to.summary.failures == ()
    tell(came_to, Asked((URL,), 1.0, 5.0))
    said = capsys.readouterr().err
    assert "0 failed, 4 kept connections found closed" in said
    assert "note: kept connections found closed by the server: 4, 80.00% of the requests" in said


def test_what_http2_has_sent_once_more_is_no_closed_connection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {"status": 200, "first_byte": 1.0, "stale_closed": 1, "repeated": True}
    came_to = probed(tmp_path, row(0, 0.0, **refused), row(1, 1.0, **refused))
    assert (came_to.summary.stale_closed, came_to.summary.repeated) == (2, 2)
    (remark,) = came_to.remarks
    assert remark.startswith("requests that the server refused without having touched them: 2;")
    tell(came_to, ASKED)
    assert "0 failed, 0 kept connections found closed" in capsys.readouterr().err


def test_a_connection_that_was_closed_now_and_then_is_no_remark(tmp_path: Path) -> None:
    rows = [row(number, number / 10, status=200, stale_closed=int(number == 7)) for number in range(500)]
    came_to = probed(tmp_path, *rows)
    assert (came_to.summary.stale_closed, came_to.remarks) == (1, ())


@pytest.mark.parametrize(
    ("statuses", "says"),
    [
        ([302, 302], f"{URL} answered 302 each time, and redirects are not followed"),
        ([204, 204], f"{URL} answered 204 each time: `--status 204` takes it for right"),
        ([200, 404], ""),
        ([503, 503], ""),
        ([200, 200], ""),
    ],
)
def test_another_status_than_was_thought_is_told_with_the_option(
    tmp_path: Path, statuses: list[int], says: str
) -> None:
    rows = [row(number, float(number), status=status) for number, status in enumerate(statuses)]
    assert "".join(probed(tmp_path, *rows).remarks).startswith(says or "\0") is bool(says)


def test_one_answer_among_failures_is_not_how_it_answers_each_time(tmp_path: Path) -> None:
    wrong = {"status": 404, "phase": "check", "reason": "status 404"}
    slow = {"phase": "headers", "reason": "timeout"}
    assert (
        probed(tmp_path, row(0, 0.0, **wrong), *(row(number, 1.0, **slow) for number in (1, 2))).remarks == ()
    )
    assert len(probed(tmp_path, row(0, 0.0, **wrong), row(1, 1.0, **wrong)).remarks) == 1


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("certificate: unable to get local issuer certificate", True),
        ("certificate: self-signed certificate", True),
        ("certificate: certificate has expired", False),
    ],
)
def test_a_certificate_that_nobody_vouches_for_is_told_with_the_option(
    tmp_path: Path, reason: str, told: bool
) -> None:
    failed = {"phase": "tls", "reason": reason, "address": "192.0.2.1"}
    came_to = probed(tmp_path, row(0, 1.0, **failed), row(1, 2.0, **failed))
    assert ["the certificate of a.test: `--ca FILE`" in one for one in came_to.remarks] == [True] * told


@pytest.mark.parametrize(
    ("lost", "answered", "says"),
    [
        (["2001:db8::1", "192.0.2.1"], [], []),
        (["2001:db8::1"], ["192.0.2.1"], ["this machine has no way to IPv6 addresses: `--family 4` leaves"]),
        (["192.0.2.1"], ["2001:db8::1"], ["this machine has no way to IPv4 addresses: `--family 6` leaves"]),
        (["2001:db8::1"], [], []),  # `--family 4` would find no address
        (["2001:db8::1"], ["2001:db8::2"], []),
    ],
)
def test_a_family_that_this_machine_has_not_is_told_with_the_option(
    tmp_path: Path, lost: list[str], answered: list[str], says: list[str]
) -> None:
    failed = {"phase": "connect", "reason": "network is unreachable"}
    rows = [row(number, 1.0, **failed, address=address) for number, address in enumerate(lost)]
    rows += [
        row(number, 2.0, status=200, address=address) for number, address in enumerate(answered, len(lost))
    ]
    assert [one[: len(said)] for one, said in zip(probed(tmp_path, *rows).remarks, says, strict=True)] == says


def test_it_is_not_told_where_one_of_the_hosts_has_no_other_family(tmp_path: Path) -> None:
    failed = {"phase": "connect", "reason": "network is unreachable", "address": "2001:db8::1"}
    rows = [row(0, 1.0, **failed), row(1, 2.0, status=200, address="192.0.2.1")]
    alone = row(2, 3.0, **failed)
    alone.persona = "1"
    asked = msgspec.structs.replace(ASKED, urls=(URL, "https://v6.test/"))
    assert probed(tmp_path, *rows, alone, asked=asked).remarks == ()


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_narrow_terminal_folds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    out, said = Terminal(), Terminal()
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", said)
    answered = {"status": 200, "first_byte": 1.0, "address": "2001:db8:0:1:2:3:4:5"}
    refused = {"address": "192.0.2.1", "phase": "connect", "reason": "refused"}
    tell(probed(tmp_path, row(0, 1.0, **answered), row(1, 2.0, **refused)), ASKED)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    if columns == "80":
        assert shown == [
            URL,
            "  2 requests, 1 failed",
            "  p50 9.95 ms, p95 9.95 ms, p99 9.95 ms",
            "  statuses: 200 (1)",
            "  addresses: 192.0.2.1 (1), 2001:db8:0:1:2:3:4:5 (1)",
        ]
    else:
        assert len(shown) == 2
        assert shown[1].split()[:3] == [URL, "2", "1"]
    assert max(map(len, said.getvalue().splitlines())) <= int(columns)
    assert "1 failed (connect 1)" in " ".join(said.getvalue().split())
