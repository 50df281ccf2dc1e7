"""Accesses that nginx writes over several lines, because their format was a YAML block."""

from __future__ import annotations

import json

import pytest

from blueshift.traffic.finding import way_of
from blueshift.traffic.layouts import layouts_of
from blueshift.traffic.quick import Reader
from blueshift.traffic.records import AsFormatted, AsObjects, Records
from tests.unit.traffic.test_digest import made

FORM = """{
  "remote_addr": "$remote_addr",
  "http": {"agent": "$http_user_agent"},
  "status": $status,
  "host": "$host"
}
"""
TEXT = '$remote_addr [$time_local] $host \n"$request"\n$status $request_time'
KLOG = b"I1123 23:41:48.000000       7 main.go:1] told"


def access(status: int = 200, agent: str = "curl {") -> list[bytes]:
    written = FORM.replace("$remote_addr", "192.0.2.7").replace("$http_user_agent", agent)
    return (
        written.replace("$status", f"{status:03}").replace("$host", "a.example").strip().encode().split(b"\n")
    )


def records(kind: str) -> Records:
    if kind == "objects":
        return AsObjects()
    return AsFormatted(Reader(layouts_of(FORM)[0]).lines())


@pytest.mark.parametrize("kind", ["objects", "format"])
@pytest.mark.parametrize("cut", [1, 3, 100])
def test_lines_of_an_access_are_one_however_they_come(kind: str, cut: int) -> None:
    found = records(kind)
    lines = [KLOG, *access(), *access(502)[:3], KLOG, *access(502)[3:], KLOG, *access(503)[:2]]
    whole = [one for start in range(0, len(lines), cut) for one in found.joined(lines[start : start + cut])]
    assert [one for one in whole if one != KLOG] == [b"\n".join(access()), b"\n".join(access(502))]
    assert whole.count(KLOG) == 3
    assert found.left() == [b"\n".join(access(503)[:2])]
    assert found.left() == []


@pytest.mark.parametrize("kind", ["objects", "format"])
def test_a_torn_access_takes_none_after_it_along(kind: str) -> None:
    found = records(kind).joined([*access()[:3], *access(404), *access()[2:], *access(502)])
    assert found == [
        b"\n".join(access()[:3]),
        b"\n".join(access(404)),
        *access()[2:],
        b"\n".join(access(502)),
    ]


def test_an_object_inside_may_begin_a_line() -> None:
    lines = [b"{", b'"http":', b"{", b'"status": 502', b"},", b'"of": [', b"{", b"}", b"]", b"}"]
    assert AsObjects().joined(lines * 2) == [b"\n".join(lines)] * 2


def test_what_never_ends_is_given_up() -> None:
    lines = [b'{"a": 1,'] + [b'"b": 2,'] * 10_000
    assert max(one.count(b"\n") for one in AsObjects().joined(lines)) < 1_000
    wide = [b'{"a": "' + b'\\"' * 200_000] * 100
    assert max(map(len, AsObjects().joined(wide))) < 3_000_000


@pytest.mark.parametrize("given", [FORM, ""])
@pytest.mark.parametrize("prefix", [b"", b"[pod/web-7d/controller] ", b"web-7d controller "])
def test_a_file_of_them_is_read_with_its_format_and_without(given: str, prefix: bytes) -> None:
    lines = [prefix + line for line in ([KLOG] * 3 + access() + access(502) + access(9)) * 20]
    way = way_of(lines, tuple(map(Reader, layouts_of(given))) if given else ())
    assert way is not None
    assert way.reader is not None
    found = made(way.accesses(lines), way.reader)
    assert (found.unread, found.foreign, found.lines) == (0, 60, 120)
    assert {name: one.statuses for name, one in found.targets.items()} == {
        "a.example": {200: 20, 502: 20, 9: 20}
    }


@pytest.mark.parametrize("folded", [False, True])
def test_a_text_of_several_lines_is_read_as_nginx_writes_it_or_as_yaml_folds_it(folded: bool) -> None:
    text = '192.0.2.7 [23/Nov/2026:23:41:48 +0000] a.example \n"GET / HTTP/1.1"\n502 0.25'
    lines = (text.replace(" \n", " ").replace("\n", " ") if folded else text).encode().split(b"\n") * 10
    way = way_of(lines, tuple(map(Reader, layouts_of(TEXT))))
    assert way is not None
    assert way.reader is not None
    found = made(way.accesses(lines), way.reader)
    assert {name: one.statuses for name, one in found.targets.items()} == {"a.example": {502: 10}}
    assert found.targets["a.example"].latency.count == 10


def test_one_line_for_each_object_costs_no_joining() -> None:
    way = way_of([json.dumps({"remote_addr": "192.0.2.7", "status": 200}).encode()] * 3)
    assert way is not None
    lines = [b"x"]
    assert way.accesses(lines) is lines
