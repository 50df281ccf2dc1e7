"""`blueshift logs analyze` of strangers' files: packed, prefixed, of other controllers, in many formats."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from blueshift.cli.errors import ExitCode
from tests.unit.cli.test_logs import Command, command, log

__all__ = ("command",)


@pytest.mark.parametrize(
    "packed",
    [
        lzma.compress,
        bz2.compress,
        lambda data: data.decode().encode("utf-16"),
        lambda data: gzip.compress(data),
    ],
    ids=["xz", "bzip2", "gzip", "UTF-16"],
)
@pytest.mark.parametrize("piped", [False, True])
def test_what_is_packed_or_redirected_by_powershell_is_read(
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    packed: Callable[[bytes], bytes],
    piped: bool,
) -> None:
    data = packed(log(good=3000, bad=3))
    file = tmp_path / "access.log"
    file.write_bytes(data)
    given = io.BytesIO(data)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=given, isatty=lambda: False))
    found = json.loads(command("logs", "analyze", "-" if piped else str(file), "-o", "json").out)
    assert (found["requests"], found["errors"], found["unread"]) == (3003, 3, 0)
    assert not given.closed


@pytest.mark.parametrize(
    ("begun", "says"),
    [
        (b"\x28\xb5\x2f\xfd", "zstd -dc FILE | blueshift logs analyze -"),
        (b"PK\x03\x04", "unzip -p FILE | blueshift logs analyze -"),
        (b"\xfd7zXZ\x00", "cannot be read"),
        (b"BZh9", "cannot be read"),
    ],
)
def test_what_cannot_be_unpacked_says_what_can(
    tmp_path: Path, command: Command, begun: bytes, says: str
) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(begun + b"\x01\x02\x03" * 100)
    told = command("logs", "analyze", str(file))
    assert (told.code, says in told.err) == (ExitCode.ERROR, True)
    assert len(told.err.splitlines()) <= 5


STERN = b"web-7d9f-x controller "


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        (STERN, STERN),
        (b"ingress web-7d9f-x \xe2\x80\xba controller ", b"ingress web-7d9f-x \xe2\x80\xba controller"),
        (STERN + b"2026-11-23T23:41:48.123456789Z ", STERN + b"2026-11-23T23:41:48.123456789Z"),
        (b"\x1b[38;5;202mweb-7d9f-x\x1b[0m controller ", b"\\x1b[38;5;202mweb-7d9f-x\\x1b[0m controller"),
        (b"<190>Nov 23 23:41:48 node-1 nginx: ", b"<190>Nov 23 23:41:48 node-1 nginx:"),
        (b"web-1  | ", b"web-1  |"),
    ],
)
@pytest.mark.parametrize("form", ["", "$host $remote_addr $status"])
def test_what_others_put_before_a_line_is_taken_off_and_told(
    tmp_path: Path, command: Command, prefix: bytes, told: bytes, form: str
) -> None:
    said = b"I1123 23:41:48.000000       7 main.go:1] told\n"
    rows = b"a.example 192.0.2.7 502\n" * 9 if form else log(good=6, bad=3)
    file = tmp_path / "access.log"
    file.write_bytes(b"".join(prefix + line for line in (said * 300 + rows).splitlines(keepends=True)))
    given = ["--format", form] if form else []
    found = json.loads(command("logs", "analyze", str(file), *given, "-o", "json").out)
    assert (found["requests"], found["unread"], found["foreign"]) == (9, 0, 300)
    assert found["clients"] == [["192.0.2.7", 9]]
    assert "taken off before each line: " in command("logs", "analyze", str(file), *given).err
    assert told.strip() in command("logs", "analyze", str(file), *given).err.encode()


@pytest.mark.parametrize("packed", [gzip.compress, lzma.compress, bz2.compress])
def test_a_packed_file_that_is_cut_short_says_how_to_read_what_is_there(
    tmp_path: Path, command: Command, packed: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(packed(log(good=3000))[:-20])
    told = command("logs", "analyze", str(file))
    assert (told.code, "ends before its end" in told.err) == (ExitCode.ERROR, True)
    assert "gzip -dc FILE | blueshift logs analyze -" in told.err


def test_objects_whose_keys_are_unknown_are_told_how_to_name_them(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(b'{"who": {"from": "192.0.2.7"}, "how": 502, "unknown": [1]}\n' * 3)
    told = command("logs", "analyze", str(file))
    assert '{"KEY": "$remote_addr", "KEY": "$status"' in told.err
    assert len(told.err.splitlines()) <= 5
    form = '{"who": {"from": "$remote_addr"}, "how": "$status"}'
    found = json.loads(command("logs", "analyze", str(file), "--format", form, "-o", "json").out)
    assert (found["requests"], found["errors"], found["clients"]) == (3, 3, [["192.0.2.7", 3]])


def test_lines_without_what_stood_before_others_keep_their_first_words(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blueshift.traffic.streams._BLOCK", 20_000)
    plain = b'192.0.2.9 - - [23/Nov/2026:23:41:48 +0000] "GET / HTTP/1.1" 503 5\n'
    rows = b"".join(STERN + line for line in log(good=500).splitlines(keepends=True))
    file = tmp_path / "access.log"
    for text in (rows + plain * 10 + rows.replace(b"00000", b"11111"), rows + plain * 3000):
        file.write_bytes(text)
        found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
        assert (found["unread"], found["errors"]) == (0, text.count(b" 503 "))
        assert dict(found["clients"])["192.0.2.9"] == found["errors"]


def test_a_host_before_a_line_is_no_prefix(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(b"".join(b"a.example " + line for line in log(good=9).splitlines(keepends=True)))
    told = command("logs", "analyze", str(file))
    assert (told.code, "--format" in told.err) == (ExitCode.ERROR, True), "it would be lost"


@pytest.mark.parametrize(
    ("begun", "unread"),
    [
        ("", 1),
        ("==> 0-json.log <==\n", 2),
        ('torn\n","stream":"stdout","time":"2026-11-23T23:41:48.1Z"}\n', 3),
    ],
)
def test_lines_that_docker_keeps_are_taken_out_of_its_objects(
    tmp_path: Path, command: Command, begun: str, unread: int
) -> None:
    file = tmp_path / "0-json.log"
    rows = [
        {"log": line.decode() + "\n", "stream": "stdout", "time": "2026-11-23T23:41:48.1Z"}
        for line in log(good=5, bad=1).splitlines()
    ]
    text = "\n".join(json.dumps(one, separators=(",", ":")) for one in rows)
    file.write_text(begun + text + '\n{"log":"cut')
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["requests"], found["errors"], found["unread"]) == (6, 1, unread)


def test_an_access_with_a_key_named_log_is_none_of_dockers(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(b'{"log":"access","remote_addr":"192.0.2.7","status":502,"host":"a.example"}\n' * 3)
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["requests"], found["errors"], found["clients"]) == (3, 3, [["192.0.2.7", 3]])


URL = '{"ip":"$remote_addr","url":"$scheme://$host$request_uri","status":$status}'
OF_URL = b'{"ip":"192.0.2.7","url":"https://%s.example/x","status":%d}\n'
BY_KEYS = OF_URL.replace(b"}", b',"node":"node-1"}')


@pytest.mark.parametrize("many", [5, 3000])
@pytest.mark.parametrize("first", [True, False])
def test_a_line_that_only_its_keys_tell_takes_no_host_from_the_others(
    tmp_path: Path, command: Command, many: int, first: bool
) -> None:
    odd, rows = BY_KEYS % (b"a", 200), OF_URL % (b"a", 502) * many
    file, other = tmp_path / "access.log", tmp_path / "other.log"
    file.write_bytes(odd + rows if first else rows + odd)
    found = json.loads(command("logs", "analyze", str(file), "--format", URL, "-o", "json").out)
    assert found["unread"] == 0
    assert {one["target"]: one["requests"] for one in found["targets"]} == {"a.example": many, "-": 1}
    other.write_bytes(rows)
    judged = ("logs", "analyze", str(file), "--compare", str(other), "--format", URL, "-o", "json")
    assert "told apart" not in command(*judged).out, "both sides are of one format"


def test_where_the_text_matches_none_its_keys_are_the_format(tmp_path: Path, command: Command) -> None:
    file, other = tmp_path / "access.log", tmp_path / "other.log"
    file.write_bytes(BY_KEYS % (b"a", 502) * 30)
    other.write_bytes(OF_URL % (b"a", 502) * 30)
    judged = ("logs", "analyze", str(file), "--compare", str(other), "--format", URL, "-o", "json")
    found = json.loads(command(*judged).out)
    assert (found["new"]["unread"], found["new"]["errors"]) == (0, 30)
    assert "by host in the log of the old side and by nothing" in found["verdict"]["reasons"][0]


ROW = b'{"remote_addr": "192.0.2.8", "status": %d, "host": "a.example", "request_time": 0.5}\n'


@pytest.mark.parametrize("late", [1, 40, 5000])
@pytest.mark.parametrize("junk", [b"", b"what is this\n"])
def test_a_format_that_comes_late_is_read_however_much_came_before_it(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch, late: int, junk: bytes
) -> None:
    monkeypatch.setattr("blueshift.traffic.streams._BLOCK", 100_000)
    file = tmp_path / "access.log"
    file.write_bytes(log(good=5000) + junk + ROW % 502 * late + log(good=500).replace(b"00000", b"11111"))
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert found["unread"] == bool(junk)
    assert (found["requests"], found["errors"]) == (5500 + late, late)
    assert found["layout"] in ("ingress-nginx, JSON, by its keys", "JSON, by its keys, ingress-nginx")


TRAEFIK = (
    '192.0.2.7 - ann [23/Nov/2026:23:41:48 +0000] "GET /a HTTP/2.0" 502 11 "-" "say "hi" 200" 7 '
    '"web@kubernetes" "http://10.0.0.1:80" 250ms'
)
ENVOY = (
    '[2026-11-23T23:41:48.123Z] "GET /a HTTP/2" 502 UH 0 11 250 - "192.0.2.7" "say "hi" 200" "4f2a" '
    '"a.example" "-"'
)
ISTIO = (
    '[2026-11-23T23:41:48.123Z] "GET /a HTTP/2" 502 - via_upstream - "-" 0 11 250 249 "192.0.2.7" '
    '"say "hi" 200" "4f2a" "a.example" "10.0.0.1:80" outbound|80||web.shop.svc.cluster.local '
    "10.0.0.2:4711 10.0.0.2:8443 192.0.2.7:4711 a.example -"
)

HAPROXY = (
    "192.0.2.7:4711 [23/Nov/2026:23:41:48.123] https~ shop_web_80/SRV_1 0/0/1/249/250 502 11 - - SH-- "
    '2/2/0/0/0 0/0 "GET a.example/a?b=/// HTTP/2.0"'
)


@pytest.mark.parametrize(("name", "line"), [("traefik", TRAEFIK), ("envoy", ENVOY), ("istio", ISTIO)])
@pytest.mark.parametrize("given", [False, True])
def test_other_controllers_own_formats_are_known(
    tmp_path: Path, command: Command, name: str, line: str, given: bool
) -> None:
    file = tmp_path / "access.log"
    usual = line.replace("4f2a", "4f2b").replace('say "hi" ', "")
    file.write_text(f"{line}\n" * 3 + f"{usual}\n")
    found = json.loads(
        command("logs", "analyze", str(file), *(["--format", name] if given else []), "-o", "json").out
    )
    assert (found["layout"], found["unread"], found["lacks"]) == (name, 0, [])
    assert found["requests"] + found["duplicates"] == 4
    assert (found["clients"][0][0], found["first"][:19]) == ("192.0.2.7", "2026-11-23T23:41:48")
    assert found["ms"]["p50"] == pytest.approx(250, rel=0.02), "their durations are milliseconds"
    assert found["errors"] == found["requests"]


@pytest.mark.parametrize(("bad", "outcome"), [(0, "nodata"), (300, "fail")])
def test_sides_that_are_told_apart_by_other_names_are_no_pass_and_no_mystery(
    tmp_path: Path, command: Command, bad: int, outcome: str
) -> None:
    """As before and after a move to another controller."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(log(good=3000, slow=b"0.500"))
    new.write_bytes(ROW % 200 * 3000 + ROW % 502 * bad)
    told = command("logs", "analyze", str(new), "--compare", str(old))
    assert told.code == ExitCode.ERROR
    assert f"verdict: {outcome}: " in told.err
    assert "seldom" not in told.err, "nobody stayed away"
    found = json.loads(command("logs", "analyze", str(new), "--compare", str(old), "-o", "json").out)
    assert {(one["target"], one["verdict"]["outcome"]) for one in found["differences"]} == {
        ("shop-web-80", "nodata"),
        ("a.example", "nodata"),
    }
    if outcome == "nodata":
        reason, whole = found["verdict"]["reasons"]
        assert "by upstream in the log of the old side and by host in that of the new" in reason
        assert whole.startswith("as a whole: ")


@pytest.mark.parametrize("late", [0, 3000])
def test_objects_of_another_kind_that_have_a_status_too_keep_host_and_client(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    monkeypatch.setattr("blueshift.traffic.streams._BLOCK", 20_000)
    other = b'{"clientIp": "192.0.2.9", "status": 503, "vHost": "b.example"}\n'
    file = tmp_path / "access.log"
    file.write_bytes(ROW % 200 * (late or 20) + other * 20)
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert [(one["target"], one["errors"]) for one in found["targets"]] == [
        ("a.example", 0),
        ("b.example", 20),
    ]
    assert dict(found["clients"])["192.0.2.9"] == 20


def test_objects_that_name_no_client_at_all_are_accesses(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(b'{"remote_addr": "", "status": 502, "host": "a.example"}\n' * 20)
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["requests"], found["errors"], found["unread"], found["lines"]) == (20, 20, 0, 20)


@pytest.mark.parametrize("prefix", ["", "<134>Nov 23 23:41:48 node-1 haproxy[21]: "])
def test_haproxys_lines_are_read_also_of_clients_that_went_away(
    tmp_path: Path, command: Command, prefix: str
) -> None:
    gone = HAPROXY.replace("1/249/250 502", "1/-1/250 -1").replace("SH--", "CH--")
    file = tmp_path / "access.log"
    file.write_text(
        f"{prefix}{HAPROXY}\n{prefix}{gone}\n{prefix}{HAPROXY.replace('192.0.2.7', '2001:db8::7')}\n"
    )
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["layout"], found["unread"], found["lacks"]) == ("haproxy", 0, ["msec", "http_user_agent"])
    (target,) = found["targets"]
    assert (target["target"], target["statuses"]) == ("shop_web_80", {"000": 1, "502": 2})
    assert (found["errors"], found["ms"]["p50"]) == (2, pytest.approx(250, rel=0.02))
    assert found["clients"] == [["192.0.2.7", 2], ["2001:db8::7", 1]]


def test_envoys_clients_that_went_away_are_no_errors(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "access.log"
    file.write_text(f"{ENVOY}\n{ENVOY.replace('502 UH', '0 DC').replace('4f2a', '4f2b')}\n")
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["errors"], found["targets"][0]["statuses"]) == (1, {"000": 1, "502": 1})


def test_a_format_of_several_lines_that_comes_late_is_read(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blueshift.traffic.streams._BLOCK", 100_000)
    row = b'{\n  "remote_addr": "192.0.2.8",\n' + b'  "n": 0,\n' * 40 + b'  "status": 502\n}\n'
    file = tmp_path / "access.log"
    file.write_bytes(log(good=2000) + row * 1000)
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert found["errors"] >= 998
    assert found["unread"] <= 88, "at most those in which the way of reading changed"


def test_three_kinds_of_lines_that_come_late_in_one_block_are_all_read(
    tmp_path: Path, command: Command
) -> None:
    pretty = b'{\n  "remote_addr": "192.0.2.8",\n  "status": 502\n}\n'
    stern = b"".join(
        STERN + line for line in log(good=300, upstream="shop-stern-80").splitlines(keepends=True)
    )
    file = tmp_path / "access.log"
    begun = log(good=9_000).replace(b"00000", b"11111")
    assert len(begun) > 1 << 20, "more than one block"
    file.write_bytes(begun + stern + pretty * 200 + ROW % 503 * 100)
    found = json.loads(command("logs", "analyze", str(file), "-o", "json").out)
    assert (found["unread"], found["requests"], found["errors"]) == (0, 9_600, 300)
