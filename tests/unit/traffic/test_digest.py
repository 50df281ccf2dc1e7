"""What access logs come to: as fast as it is counted, it is what one careful look at each line says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from blueshift.traffic import digest as digests
from blueshift.traffic.digest import NO_TARGET, OTHERS, Digest
from blueshift.traffic.layouts import COMBINED, NAMED, candidates, layout_of
from blueshift.traffic.quick import Counted, Reader, Seen

ACCESS = (
    '192.0.2.7 - - [23/Nov/2026:23:41:48 +0000] "GET /a?b=c HTTP/1.1" 200 12 "-" "curl/8" 80 0.004 '
    "[shop-web-80] [] 10.0.0.1:80 12 0.004 200 7c1e"
)
JSON = json.dumps(
    {
        "time": "$time_iso8601", "ip": "$remote_addr", "vhost": "$host", "code": "$status",
        "took": "$request_time", "agent": "$http_user_agent", "id": "$req_id",
    }
)  # fmt: skip


def access(number: int = 0, **other: str) -> bytes:
    line = ACCESS.replace("7c1e", f"{number:032x}")
    for old, new in other.items():
        line = line.replace({"status": '" 200 ', "upstream": "shop-web-80", "client": "192.0.2.7"}[old], new)
    return line.encode()


def made(lines: Iterable[bytes], reader: Reader | None = None, block: int = 50) -> Digest:
    digest = Digest(reader or Reader(NAMED["ingress-nginx"]))
    every = list(lines)
    for start in range(0, len(every), block):
        digest.add(every[start : start + block])
    digest.finish()
    return digest


def carefully(lines: Iterable[bytes], reader: Reader) -> tuple[Counter[tuple[str, int]], Counter[str]]:
    """By one careful look at each."""
    targets: Counter[tuple[str, int]] = Counter()
    clients: Counter[str] = Counter()
    for raw in lines:
        line = reader.parse(raw)
        if line is not None and not line.own:
            targets[line.target, line.status] += 1
            clients[line.client] += 1
    return targets, clients


@pytest.mark.parametrize("version", ["1.15.1", "1.11.3"])
@pytest.mark.parametrize("kind", ["access", "access-json", "access-proxy-protocol", "pod-raw"])
def test_of_real_logs_it_counts_what_a_careful_look_sees(samples: Path, version: str, kind: str) -> None:
    file = samples / f"ingress-nginx-{version}" / f"{kind}.log"
    if not file.exists():
        pytest.skip("this version has no such log")
    lines = file.read_bytes().splitlines()
    first, *others = candidates(lines)
    reader = Reader(first, tuple(map(Reader, others)))
    found = made(lines, reader)
    targets, clients = carefully(lines, reader)
    assert {
        (name, status): count for name, one in found.targets.items() for status, count in one.statuses.items()
    } == targets
    assert found.clients == clients
    assert found.unread == 0, found.unread_first
    assert found.duplicates == 0
    assert sum(targets.values()) + found.foreign == found.lines == len(lines)


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (COMBINED, '192.0.2.7 - ann [23/Nov/2026:23:41:48 +0000] "GET / HTTP/2.0" 404 1 "-" "curl/8"'),
        ('$host $remote_addr "$request" $status', 'a.example 192.0.2.7 "GET / HTTP/1.1" 404'),
        ("$status|${remote_addr}|$http_host", "404|192.0.2.7|A.example"),
        (
            '"$request_method $uri" "$server_name" $remote_addr ($status)',
            '"GET /" "a.example" 192.0.2.7 (404)',
        ),
    ],
)
def test_any_format_is_read_by_what_it_says(form: str, line: str) -> None:
    found = made([line.encode()], Reader(layout_of(form)))
    assert found.clients == {"192.0.2.7": 1}
    assert found.targets.keys() == {"a.example" if "host" in form or "server" in form else "-"}
    (target,) = found.targets.values()
    assert (target.statuses, target.latency.count) == ({404: 1}, 0), "no time was told"


def test_objects_are_read_by_the_format_or_by_the_usual_keys() -> None:
    line = (
        b'{"time":"2026-11-23T23:41:48+00:00","ip":"192.0.2.7","vhost":"a.example","code":502,"took":"0.25"}'
    )
    found = made([line], Reader(layout_of(JSON)))
    assert found.targets["a.example"].statuses == {502: 1}
    assert found.targets["a.example"].errors == 1
    usual = line.replace(b'"ip"', b'"remote_addr"').replace(b'"code":502', b'"status": 009')
    other = (
        usual.replace(b"009", b'"200"').replace(b'"took"', b'"request_time"').replace(b"a.ex", b"a\xff.ex")
    )
    (guess, *_) = candidates([b"not an object", b"[1]", usual.replace(b"009", b"9")])
    found = made([usual, other], Reader(guess))
    assert found.targets["a.example"].statuses == {9: 1}, "nginx writes 009 where a backend says no status"
    assert found.unread == 0


def test_own_probes_noise_and_the_controllers_words_are_apart() -> None:
    found = made(
        [
            access(1),
            access(2).replace(b"curl/8", b"blueshift-probe/1"),
            access(3, upstream="", status='" 400 '),
            b"I1123 23:41:48.000000       7 main.go:1] told",
            b"what is this",
            b"",
        ]
    )
    assert (found.requests, found.own, found.foreign, found.unread) == (1, 1, 2, 1)
    assert found.unread_first == b"what is this"
    assert found.targets[NO_TARGET].statuses == {400: 1}
    assert found.whole().requests == 1


def test_what_was_fetched_twice_counts_once_and_equal_lines_without_an_id_twice() -> None:
    lines = [access(number) for number in range(100)]
    found = made([*lines, *lines[50:], access(100)])
    assert (found.requests, found.duplicates) == (101, 50)
    stream = b"[192.0.2.7] [23/Nov/2026:23:41:48 +0000] TCP 200 8 8 0.001"
    assert made([stream, stream]).requests == 2
    bare = b'192.0.2.7 "GET / HTTP/1.1" 200'
    assert made([bare, bare], Reader(layout_of('$remote_addr "$request" $status'))).requests == 2


def test_an_escaped_name_is_one_with_its_plain_form() -> None:
    form = layout_of('$remote_addr "$http_host" $status')
    found = made([b'192.0.2.7 "\\x61.example" 200', b'192.0.2.7 "A.example" 200'], Reader(form))
    assert found.targets.keys() == {"a.example"}


def test_memory_does_not_grow_with_hosts_clients_and_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("MOST_TARGETS", 20), ("MOST_CLIENTS", 20), ("MOST_RAW", 30)):
        monkeypatch.setattr(digests, name, most)
    lines = [
        access(number, upstream=f"shop-{number % 50}-80", client=f"192.0.2.{number % 100}")
        for number in range(1000)
    ]
    found = made(lines + [access(5000 + number, client="198.51.100.1") for number in range(500)])
    assert found.whole().requests == 1500
    assert len(found.targets) == 21
    assert found.targets[OTHERS].requests > 0
    assert len(found.clients) <= 20
    assert found.clients["198.51.100.1"] == 500, "the busiest stays"
    assert sum(found.clients.values()) + found.other_clients == 1500


def test_what_was_seen_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blueshift.traffic.quick.REMEMBERED", 10)
    seen = Seen()
    reader = Reader(NAMED["ingress-nginx"])
    for start in range(0, 200, 20):
        reader.count([access(number) for number in range(start, start + 20)], Counted(), seen)
        seen.age()
        assert len(seen.young) + len(seen.old) <= 40
    assert seen.again(access(199))
    assert not seen.again(access(0))


def test_the_span_is_that_of_the_log() -> None:
    lines = [access(number).replace(b"23:41:48", b"23:%02d:00" % (number % 60)) for number in range(120)]
    span = made(lines, block=60).span()
    assert span is not None
    assert [f"{at:%T}" for at in span] == ["23:00:00", "23:59:00"]
