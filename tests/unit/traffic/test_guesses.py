"""What objects of other controllers and of other people's formats are, by their keys alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blueshift.traffic.guesses import candidates
from blueshift.traffic.layouts import MOST_KINDS, NAMED
from blueshift.traffic.quick import Reader
from tests.unit.traffic.test_digest import made

AT = "2026-11-23T23:41:48.123456789Z"
ECS = {
    "@timestamp": AT, "source": {"ip": "192.0.2.7"}, "url": {"domain": "a.example"},
    "destination": {"ip": "10.0.0.1"}, "user_agent": {"original": "curl"},
    "http": {"response": {"status_code": 502}, "request": {"id": "x"}}, "upstream": {"status": "200"},
}  # fmt: skip
GKE = {
    "timestamp": AT, "requestID": "x",
    "httpRequest": {"status": "502", "remoteIp": "192.0.2.7", "userAgent": "curl", "latency": "0.012 s"},
    "host": "a.example",
}  # fmt: skip
CAMEL = {
    "time": AT, "remoteAddr": "192.0.2.7", "status": "502", "Host": "a.example", "requestTime": "0.012",
    "userAgent": "curl", "requestId": "x",
}  # fmt: skip
TRAEFIK = {
    "ClientAddr": "192.0.2.7:4711", "ClientHost": "192.0.2.7", "DownstreamStatus": 502, "OriginStatus": 200,
    "Duration": 12_000_000, "RequestHost": "a.example", "RouterName": "web@kubernetes", "StartUTC": AT,
    "entryPointName": "websecure", "request_User-Agent": "curl", "level": "info", "time": AT,
}  # fmt: skip
GATEWAY = {
    "start_time": AT, ":authority": "a.example", "response_code": 502, "duration": 12, "user-agent": "curl",
    "x-forwarded-for": "192.0.2.7", "x-request-id": "x", "downstream_remote_address": "10.0.0.1:4711",
}  # fmt: skip
CADDY = {
    "ts": 1795477308.12, "request": {"client_ip": "192.0.2.7", "host": "a.example", "headers": {"A": ["b"]}},
    "status": 502, "duration": 0.012,
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "timed"),
    [(ECS, False), (GKE, False), (CAMEL, True), (TRAEFIK, True), (GATEWAY, True), (CADDY, False)],
    ids=["ECS", "GKE", "camel", "Traefik", "Envoy Gateway", "Caddy"],
)
def test_keys_tell_client_host_status_and_time_whoever_named_them(row: dict[str, Any], timed: bool) -> None:
    line = json.dumps(row).encode()
    reader = Reader(candidates([line])[0])
    # In the quick look and in the careful one.
    found = made([line, line.replace(b"502", b"009")], reader)
    assert found.clients == {"192.0.2.7": 2}
    assert {name: one.statuses for name, one in found.targets.items()} == {"a.example": {502: 1, 9: 1}}
    latency = found.targets["a.example"].latency
    assert latency.count == (2 if timed else 0)
    assert not timed or latency.quantile(0.5) == pytest.approx(0.012, rel=0.02)
    span = found.span()
    assert span is not None
    assert f"{span[0]:%F %T}" == "2026-11-23 23:41:48"


def test_a_key_that_the_first_lines_leave_out_is_known() -> None:
    nobody = {name: value for name, value in TRAEFIK.items() if name != "RouterName"}
    lines = [json.dumps(row | {"DownstreamStatus": 404}).encode() for row in (nobody, TRAEFIK)]
    found = made(lines, Reader(candidates(lines)[0]))
    assert {name: one.requests for name, one in found.targets.items()} == {"": 1, "a.example": 1}, (
        "who reached no router asked for no host that is known"
    )


@pytest.mark.parametrize("status", ["status", "response_code"])
def test_two_kinds_of_objects_are_two_formats(status: str) -> None:
    other = {"remote_addr": "192.0.2.8", status: 200, "host": "b.example"}
    lines = [json.dumps(row).encode() for row in (CAMEL | {"requestId": ""}, other) * 3]
    first, second, *_ = candidates(lines)
    found = made(lines, Reader(first, (Reader(second),)))
    assert {name: one.requests for name, one in found.targets.items()} == {"a.example": 3, "b.example": 3}
    assert found.unread == 0


def test_not_every_line_of_a_made_file_is_a_kind_of_its_own() -> None:
    lines = [b'{"remote_addr": "192.0.2.7", "sta%stus": 502}' % (b"_" * number) for number in range(200)]
    layouts = candidates(lines)
    assert len(layouts) == MOST_KINDS + len(NAMED)
    reader = Reader(NAMED["combined"])
    for line in lines:
        reader.learn(Reader(candidates([line])[0]))
    assert len(reader.others) == MOST_KINDS
    assert [reader.parse(line) is not None for line in lines] == [True] * MOST_KINDS + [False] * (
        200 - MOST_KINDS
    )


def test_what_is_an_object_in_some_lines_and_a_value_in_others_is_no_fault() -> None:
    rows = [CAMEL | {"http": "-"}, CAMEL | {"http": {"host": "c.example"}}]
    lines = [json.dumps(row).encode() for row in rows]
    assert made(lines, Reader(candidates(lines)[0])).requests == 1 + 1


@pytest.mark.parametrize("none", ["-", "", "-, 0.001", "0.001, 0.002", "0.001 : 0.002", "0.1, -, -"])
def test_numbers_without_quotes_may_be_none_or_many(none: str) -> None:
    text = '{"remote_addr": "192.0.2.7", "upstream_time": %s, "status": 502, "host": "a.example", "n": %s}'
    line = (text % (none, none)).encode()
    (guess, *_) = candidates([line])
    found = made([line], Reader(guess))
    assert (found.unread, found.targets["a.example"].statuses) == (0, {502: 1})
