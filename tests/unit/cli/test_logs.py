"""`blueshift logs analyze`: files as people have them, and a verdict between two sides."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from blueshift.cli.errors import ExitCode
from blueshift.cli.main import run
from tests.unit.traffic.test_digest import access


def log(*, good: int, bad: int = 0, slow: bytes = b"0.004", upstream: str = "shop-web-80") -> bytes:
    lines = [access(number, upstream=upstream) for number in range(good)]
    lines += [access(10_000 + number, status='" 502 ', upstream=upstream) for number in range(bad)]
    return b"\n".join(line.replace(b" 0.004 [", b" " + slow + b" [") for line in lines) + b"\n"


class Told(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Told]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def told(*arguments: str) -> Told:
        code = run(arguments)
        return Told(code, *capsys.readouterr())

    return told


@pytest.fixture
def side(tmp_path: Path) -> Path:
    file = tmp_path / "access.log"
    file.write_bytes(log(good=300, bad=3))
    return file


def test_a_table_for_people_and_figures_for_programs(side: Path, command: Command) -> None:
    told = command("logs", "analyze", str(side))
    assert told.code == ExitCode.DONE
    assert told.out.splitlines()[1].split()[:3] == ["shop-web-80", "303", "3"]
    assert "2xx 300, 5xx 3" in told.out
    assert "303 requests in 303 lines (ingress-nginx, 2026-11-23 23:41:48 to " in told.err
    found = json.loads(command("logs", "analyze", str(side), "-o", "json").out)
    assert (found["requests"], found["errors"]) == (303, 3)
    assert found["targets"][0]["statuses"] == {"200": 300, "502": 3}
    assert found["clients"] == [["192.0.2.7", 303]]
    assert found["ms"]["p50"] == pytest.approx(4, rel=0.02)


def test_gzip_prefixes_and_standard_input(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(log(good=5)))
    prefixes = (
        b"[pod/web-7d/controller] ",
        b"2026-11-23T23:41:48.123456789Z ",
        b"[pod/web-7d/controller] 2026-11-23T23:41:48.1Z ",
        b"2026-11-23T23:41:48.1+01:00 stdout F ",
    )
    kubectl = b"".join(prefix + access(100 + number) + b"\n" for number, prefix in enumerate(prefixes))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(kubectl), isatty=lambda: False))
    found = json.loads(command("logs", "analyze", str(packed), "-", "-o", "json").out)
    assert (found["requests"], found["unread"], found["foreign"]) == (9, 0, 0)


def test_lines_that_the_runtime_cut_are_whole_in_the_kubelets_own_files(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blueshift.traffic.streams._BLOCK", 300)

    def row(part: bytes, stream: bytes = b"stdout", mark: bytes = b"F") -> bytes:
        return b" ".join((b"2026-11-23T23:41:48.123456789Z", stream, mark, part)) + b"\n"

    cut = access(2, status='" 502 ')
    said = b"I1123 23:41:48.000000       7 main.go:1] P told"
    lines = [
        row(access(1)),
        row(cut[:40], mark=b"P"),
        row(said[:20], b"stderr", b"P"),
        row(cut[40:90], mark=b"P"),
        row(said[20:], b"stderr"),
        row(cut[90:]),
        row(access(3)),
        row(access(4)[:90], mark=b"P"),
    ]
    file = tmp_path / "0.log"
    file.write_bytes(b"".join(lines))
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["requests"], found["errors"], found["foreign"]) == (3, 1, 1)
    assert (found["lines"], found["unread"]) == (5, 1), "the last one has no end"
    assert found["clients"] == [["192.0.2.7", 3]]


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\0" * 10, b"\0" * 5000, b"\0" * 3_000_000])
@pytest.mark.parametrize("form", ["", "$host $status $remote_addr", "{}"])
def test_what_stands_before_a_line_of_a_torn_file_is_none_of_it(
    tmp_path: Path, command: Command, before: bytes, form: str
) -> None:
    rows = {
        "": log(good=5),
        "$host $status $remote_addr": b"a.example 200 192.0.2.7\n" * 5,
        "{}": b'{"remote_addr": "192.0.2.7", "status": 200}\n' * 5,
    }
    file = tmp_path / "access.log"
    file.write_bytes(before + rows[form] + before + rows[form].replace(b"00000", b"11111") + before)
    given = ["--format", form] if "$" in form else []
    found = json.loads(command("logs", "analyze", str(file), *given, "-o", "json").out)
    assert (found["requests"], found["unread"]) == (10, 0)
    assert found["clients"] == [["192.0.2.7", 10]]
    assert len(found["targets"]) == 1


@pytest.mark.parametrize("turns", [2, 3, 4])
def test_two_formats_that_take_turns_are_both_read(tmp_path: Path, command: Command, turns: int) -> None:
    plain = b'192.0.2.7 - - [23/Nov/2026:23:41:48 +0000] "GET / HTTP/1.1" 502 12 "-" "curl/8"'
    file = tmp_path / "access.log"
    lines = [plain if number % turns == 1 else access(number) for number in range(2400)]
    file.write_bytes(b"\n".join(lines) + b"\n")
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["requests"], found["unread"], found["errors"]) == (2400, 0, 2400 // turns)
    assert set(found["layout"].split(", ")) == {"ingress-nginx", "combined"}


def test_standard_input_may_be_packed_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.BytesIO(gzip.compress(log(good=5)) + gzip.compress(log(good=3).replace(b"00000", b"11111")))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=given, isatty=lambda: False))
    found = json.loads(command("logs", "analyze", "-", "-o", "json").out)
    assert (found["requests"], found["unread"], found["foreign"]) == (8, 0, 0)
    assert not given.closed


def test_what_cannot_be_read_is_said(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "mixed"
    long = b"x" * (3 << 20)
    file.write_bytes(log(good=5) + b"Authorization: Bearer abcdefgh12345678\n" + long + b"\n")
    told = command("logs", "analyze", str(file))
    assert "NOT READ: " in told.err
    assert "abcdefgh12345678" not in told.err
    assert "5 requests in " in told.err


@pytest.mark.parametrize(
    ("new", "code", "says"),
    [
        (log(good=3000), ExitCode.DONE, "verdict: pass"),
        (log(good=1000, bad=100), ExitCode.ERROR, "verdict: fail: 100 of 1100 failed"),
        (log(good=1000, slow=b"0.900"), ExitCode.ERROR, "verdict: fail: p95 0.896 s, old 0.004 s"),
        (log(good=20), ExitCode.ERROR, "verdict: nodata: only 20 requests came"),
    ],
)
def test_one_side_is_judged_by_the_other(
    tmp_path: Path, command: Command, new: bytes, code: ExitCode, says: str
) -> None:
    old, other = tmp_path / "old", tmp_path / "new"
    old.write_bytes(log(good=1000) + log(good=90, upstream="shop-gone-80").replace(b"00000", b"11111"))
    other.write_bytes(new)
    told = command("logs", "analyze", str(other), "--compare", str(old))
    assert told.code == code
    assert says in told.err
    assert "REQUESTS OLD → NEW" in told.out
    assert re.search(r"shop-gone-80 +nodata +90 → - +0 → - +3.97 → -", told.out)
    found = json.loads(command("logs", "analyze", str(other), "--compare", str(old), "-o", "json").out)
    (gone,) = [one for one in found["differences"] if one["target"] == "shop-gone-80"]
    assert gone["new"] is None
    assert gone["verdict"]["outcome"] == "nodata", "a host that nobody asks is no pass"


def test_nothing_in_a_log_moves_the_cursor(tmp_path: Path, command: Command) -> None:
    evil = "\x1b[2J\x07\u009b2J\u202e\r\n"
    file = tmp_path / "rows"
    row = {"remote_addr": f"198.51.100.1{evil}", "status": 200, "host": f"a.example{evil}"}
    file.write_bytes((json.dumps(row) + f"\nunread {evil}\n").encode() * 3)
    for arguments in ([], ["--compare", str(file)]):
        told = command("logs", "analyze", str(file), *arguments)
        shown = told.out + told.err
        assert "a.example\\x1b[2j\\x07\\x9b2j\\u202e\\r\\n" in told.out
        assert "198.51.100.1\\x1b[2J\\x07" in told.err or arguments
        assert r"NOT READ: 3 lines, the first: 'unread \x1b[2J\x07\x9b2J\u202e\r'" in told.err
        assert all(character.isprintable() or character == "\n" for character in shown), repr(shown)
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert found["clients"] == [[f"198.51.100.1{evil}", 3]]


@pytest.mark.parametrize("blind", ["new", "old"])
@pytest.mark.parametrize(("unread", "outcome"), [(6, "pass"), (7, "nodata"), (3000, "nodata")])
def test_a_side_that_was_not_read_is_no_pass(
    tmp_path: Path, command: Command, blind: str, unread: int, outcome: str
) -> None:
    junk = b"what is this\n" * unread
    for side in ("old", "new"):
        (tmp_path / side).write_bytes(log(good=3000) + (junk if side == blind else b""))
    told = command("logs", "analyze", str(tmp_path / "new"), "--compare", str(tmp_path / "old"), "-o", "json")
    found = json.loads(told.out)
    assert told.code == (ExitCode.DONE if outcome == "pass" else ExitCode.ERROR)
    assert [one["verdict"]["outcome"] for one in (found, *found["differences"])] == [outcome] * 2
    if outcome == "nodata":
        (reason,) = found["verdict"]["reasons"]
        assert f"{unread} of {3000 + unread} lines of the {blind} side could not be read" in reason


def test_without_a_status_nothing_passes(tmp_path: Path, command: Command) -> None:
    for side in ("new", "old"):
        (tmp_path / side).write_bytes(b"192.0.2.7 a.example 0.1\n" * 3_000)
    told = command(
        "logs", "analyze", str(tmp_path / "new"), "--compare", str(tmp_path / "old"),
        "--format", "$remote_addr $host $request_time",
    )  # fmt: skip
    assert told.code == ExitCode.ERROR
    assert "nodata: the lines of the new side have no $status: errors are not known" in told.err


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        (b"", [], "there is no line in it"),
        (b"\x00\x01\x02\xff" * 100, [], "no line is an access of a known format"),
        (b"no such thing\n", [], "no line is an access of a known format"),
        (b"\x1f\x8bno gzip", [], "cannot be read"),
        (b"x\n", ["--format", "plain"], "'plain' is no log format"),
        (access() + b"\n", ["--format", "vhost-combined"], "file: no line is an access of the given format"),
    ],
)
def test_what_is_no_log_is_one_error(
    tmp_path: Path, command: Command, content: bytes, arguments: list[str], says: str
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    told = command("logs", "analyze", str(file), *arguments)
    assert told.code == ExitCode.ERROR
    assert says in told.err
    assert len(told.err.splitlines()) <= 5


def test_a_file_that_is_not_there(tmp_path: Path, command: Command) -> None:
    told = command("logs", "analyze", str(tmp_path / "nothing"))
    assert told.code == ExitCode.ERROR
    assert "nothing: cannot be read: No such file or directory" in told.err


def test_the_format_is_found_wherever_the_accesses_begin(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "pod"
    said = b"I1123 23:41:48.000000       7 main.go:1] " + b"told " * 100 + b"\n"
    begun = said * (3 << 11)
    assert len(begun) > 3 << 20
    common = b'192.0.2.9 - - [23/Nov/2026:23:41:48 +0000] "GET / HTTP/1.1" 200 5\n'
    file.write_bytes(begun + common * 4)
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["requests"], found["unread"], found["layout"]) == (4, 0, "common")
    file.write_bytes(said)
    told = command("logs", "analyze", str(file))
    assert (told.code, "0 requests in 1 lines" in told.err) == (ExitCode.DONE, True), "a pod nobody asked"


def test_each_file_is_read_by_its_own_format(tmp_path: Path, side: Path, command: Command) -> None:
    rows = tmp_path / "rows"
    rows.write_bytes(b'{"remote_addr": "192.0.2.8", "status": 503, "host": "a.example"}\n' * 4)
    junk = tmp_path / "junk"
    junk.write_bytes(b"what is this\n" * 3)
    for files in ([junk, side, rows], [rows, junk, side]):
        told = command("logs", "analyze", *map(str, files), "-o", "json")
        found = json.loads(told.out)
        assert (found["requests"], found["errors"], found["unread"]) == (307, 7, 3)
        assert set(found["layout"].split(", ")) >= {"ingress-nginx"}
        assert [one["target"] for one in found["targets"]] == ["shop-web-80", "a.example"]
        assert "request_time" in found["lacks"]
        assert found["ms"] is not None, "the other file tells it"


@pytest.mark.parametrize("prefix", [b"", b"2026-11-23T23:41:48.123456789Z ", b"[pod/web-7d/controller] "])
def test_a_format_may_begin_with_a_time_that_looks_like_kubectls(
    tmp_path: Path, command: Command, prefix: bytes
) -> None:
    file = tmp_path / "access.log"
    file.write_bytes((prefix + b"2026-11-23T23:41:48+00:00 192.0.2.7 a.example 200\n") * 5)
    form = "$time_iso8601 $remote_addr $host $status"
    found = json.loads(command("logs", "analyze", str(file), "--format", form, "-o", "json").out)
    assert (found["requests"], found["unread"], found["first"]) == (5, 0, "2026-11-23T23:41:48Z")


@pytest.mark.parametrize(
    ("small", "says"),
    [
        (log(good=300, slow=b"0.900", upstream="shop-small-80"), "verdict: fail: shop-small-80 fails: p95"),
        (log(good=290, bad=10, upstream="shop-small-80"), "verdict: fail: shop-small-80 fails: 10 of 300"),
        (b"", "verdict: nodata: shop-small-80 is asked or served too seldom now: only 0 requests"),
    ],
    ids=["slow", "failing", "gone"],
)
def test_a_busy_whole_hides_no_host(tmp_path: Path, command: Command, small: bytes, says: str) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    before = log(good=300, upstream="shop-small-80")
    # Other ids than those of the busy host: equal lines count once.
    old.write_bytes(log(good=20_000) + before.replace(b" 200 0000", b" 200 1111"))
    new.write_bytes(log(good=20_000) + small.replace(b" 200 0000", b" 200 1111"))
    told = command("logs", "analyze", str(new), "--compare", str(old))
    assert told.code == ExitCode.ERROR
    assert says in told.err


def test_what_nginx_writes_in_place_of_a_status_is_no_class_of_it(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(log(good=2) + access(9, status='" 000 ') + b"\n" + access(8, status='" 009 ') + b"\n")
    assert "000 1, 009 1, 2xx 2" in command("logs", "analyze", str(file)).out


def test_of_no_request_no_share_of_errors_is_told(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "controller.log"
    file.write_bytes(b'I1123 23:41:48.000000       7 controller.go:193] "Configuration changes detected"\n')
    told = command("logs", "analyze", str(file))
    assert "0 requests in 1 lines" in told.err
    assert "error" not in told.err


def hidden(count: int, status: str = '" 502 ', upstream: str = "shop-web-80") -> bytes:
    """Requests of a client that sends one request id, all within four seconds."""
    lines = [
        access(77_777, status=status, upstream=upstream).replace(b"23:41:48", b"23:41:4%d" % (number % 4))
        for number in range(count)
    ]
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize("side", ["new", "old"])
@pytest.mark.parametrize(
    ("more", "outcome", "errors"),
    [
        (hidden(400), "marginal", 396),
        (hidden(400, status='" 200 '), "pass", 0),
        (log(good=0, bad=1), "pass", 1),
        (log(good=3000, bad=3), "pass", 3),  # the same, fetched twice
    ],
)
def test_errors_that_one_request_id_makes_equal_are_told_and_let_nothing_pass(
    tmp_path: Path, command: Command, side: str, more: bytes, outcome: str, errors: int
) -> None:
    (tmp_path / "old").write_bytes(log(good=3000, bad=3) + (more if side == "old" else b""))
    (tmp_path / "new").write_bytes(log(good=3000, bad=3) + (more if side == "new" else b""))
    arguments = ["logs", "analyze", str(tmp_path / "new"), "--compare", str(tmp_path / "old")]
    told = command(*arguments)
    found = json.loads(command(*arguments, "-o", "json").out)
    assert told.code == ExitCode.DONE
    assert found[side]["duplicate_errors"] == errors
    assert (f"{errors} of them errors" in told.err) is (errors > 0)
    assert [one["verdict"]["outcome"] for one in (found, *found["differences"])] == [outcome] * 2
    if outcome == "marginal":
        assert f"396 lines of the {side} side came twice and count once" in found["verdict"]["reasons"][-1]


def test_errors_that_are_hidden_at_a_small_host_make_the_whole_no_pass(
    tmp_path: Path, command: Command
) -> None:
    small = log(good=2500, upstream="shop-small-80").replace(b"00000", b"11111")
    for name in ("old", "new"):
        (tmp_path / name).write_bytes(log(good=30_000) + small)
    with (tmp_path / "new").open("ab") as file:
        file.write(hidden(50, upstream="shop-small-80"))
    told = command("logs", "analyze", str(tmp_path / "new"), "--compare", str(tmp_path / "old"), "-o", "json")
    found = json.loads(told.out)
    outcomes = {one["target"]: one["verdict"]["outcome"] for one in found["differences"]}
    assert outcomes == {"shop-web-80": "pass", "shop-small-80": "marginal"}
    assert found["verdict"]["outcome"] == "marginal"
    assert found["verdict"]["reasons"][0].startswith("shop-small-80: 46 lines of the new side came twice")
