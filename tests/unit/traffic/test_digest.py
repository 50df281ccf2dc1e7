"""What access logs come to: as fast as it is counted, it is what one careful look at each line says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from blueshift.traffic import digest as digests
from blueshift.traffic import targets as rows
from blueshift.traffic.digest import Digest
from blueshift.traffic.guesses import candidates
from blueshift.traffic.layouts import COMBINED, MOST_KINDS, NAMED, Layout, layouts_of
from blueshift.traffic.quick import Counted, Reader
from blueshift.traffic.seen import Seen
from blueshift.traffic.sketch import Sketch
from blueshift.traffic.targets import NO_TARGET, OTHERS

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


def layout_of(given: str) -> Layout:
    """The likeliest."""
    return layouts_of(given)[0]


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
        (r"$remote_addr\t$status\t$host" + "\n", "192.0.2.7\t404\ta.example"),
        (r"$status\t\"$http_user_agent\"\t$host\t$remote_addr" + "\n", '404\t"x\ty"\ta.example\t192.0.2.7'),
        (
            r"{\"ip\": \"$remote_addr\", \"code\": $status, \"host\": \"$host\"}" + "\n",
            '{"ip": "192.0.2.7", "code": 404, "host": "a.example"}',
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
    (guess, *_) = candidates([b"not an object", b"{\x9d}", b"[1]", usual.replace(b"009", b"9")])
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
    assert found.answered().whole.requests == 1


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
    for module, name, most in (
        (rows, "MOST_TARGETS", 20),
        (digests, "MOST_CLIENTS", 20),
        (digests, "MOST_RAW", 30),
    ):
        monkeypatch.setattr(module, name, most)
    lines = [
        access(number, upstream=f"shop-{number % 50}-80", client=f"192.0.2.{number % 100}")
        for number in range(1000)
    ]
    found = made(lines + [access(5000 + number, client="198.51.100.1") for number in range(500)])
    assert found.answered().whole.requests == 1500
    assert len(found.targets) == 21
    assert found.targets[OTHERS].requests > 0
    assert len(found.clients) <= 20
    assert found.clients["198.51.100.1"] == 500, "the busiest stays"
    assert sum(found.clients.values()) + found.other_clients == 1500


def test_what_was_seen_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blueshift.traffic.seen.REMEMBERED", 10)
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


def objects(*rows: dict[str, object] | bytes) -> Digest:
    """Read by the layout that the first lines give away."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    (guess, *_) = candidates(lines)
    return made(lines, Reader(guess))


def row(**other: object) -> dict[str, object]:
    return {"remote_addr": "192.0.2.7", "status": 200, "host": "a.example"} | other


@pytest.mark.parametrize(
    "key", ["duration", "latency", "response_time", "request_duration"]
)  # of which nobody knows the unit
def test_what_may_be_milliseconds_is_not_taken_for_seconds(key: str) -> None:
    found = objects(row(**{key: 12}))
    assert found.answered().whole.latency == Sketch()
    assert "request_time" in found.lacks
    assert "request_time" not in objects(row(request_time=0.012)).lacks


def test_envoys_durations_are_milliseconds() -> None:
    envoy: dict[str, object] = {"x_forwarded_for": None, "response_code": 200, "authority": "a.example"}
    found = objects(*({**envoy, "duration": number} for number in (12, 12, 13)), b'{"response_code": 0012}')
    latency = found.targets["a.example"].latency
    assert latency.quantile(0.5) == pytest.approx(0.012, rel=0.02)
    assert latency.count == 3
    # By the careful look too, which nginx's 009 takes.
    careful = b'{"x_forwarded_for":"-","response_code":009,"authority":"a.example","duration":12}'
    both = objects({**envoy, "duration": 12}, careful)
    assert both.targets["a.example"].statuses == {200: 1, 9: 1}
    assert both.targets["a.example"].latency.quantile(1.0) == pytest.approx(0.012, rel=0.02)


NESTED = b'{"remote_addr":"192.0.2.7","status":200,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def test_no_line_brings_it_down() -> None:
    found = objects(NESTED, row(), NESTED)
    assert (found.requests, found.unread) == (1, 2)
    found = objects(row(request_time="inf"), row(request_time="nan"), row(request_time="1e999"))
    assert (found.requests, found.answered().whole.latency) == (3, Sketch())
    assert objects(row(status="200200200"), row(status="ok"), row(status=None)).unread == 3
    for long in (b'": ' + b"0" * 200_000, b'":' + b" " * 200_000, b'": ' + b"1,2" * 70_000, b'\\"' * 100_000):
        strange = b'{"remote_addr": "192.0.2.7", "status": 200, "agent": "\xff", "x": ' + long + b"x}"
        assert objects(row(), strange).unread == 1
    huge = access().replace(b" 0.004 [", b" " + b"9" * 400 + b" [")
    assert made([huge]).answered().whole.latency == Sketch()


@pytest.mark.parametrize("status", ["200", "009"])
@pytest.mark.parametrize(
    "time",
    [1_795_823_999_000, "1795823999.000", "2026-11-27T23:59:59Z", "0001-01-01T00:00:00Z", 1e300, -5, "inf"],
)
def test_a_time_in_milliseconds_is_known_and_one_out_of_range_is_not(time: object, status: str) -> None:
    line = json.dumps(row(time=time)).replace('"status": 200', f'"status": {status}').encode()
    found = made([line], Reader(candidates([json.dumps(row(time=time)).encode()])[0]))
    span = found.span()
    assert found.requests == 1
    if str(time).startswith(("179", "2026")):
        assert span is not None
        assert f"{span[0]:%F %T}" == "2026-11-27 23:59:59"
    else:
        assert span is None


@pytest.mark.parametrize(
    "other",
    [{"time": "2026-11-29 00:00:00"}, {"time": "soon"}, {"request_time": "-"}, {"request_time": "12ms"}],
)
def test_a_time_that_cannot_be_read_is_unknown_and_no_reason_to_refuse_the_line(
    other: dict[str, object],
) -> None:
    line = json.dumps(row(**other)).encode()
    reader = Reader(candidates([line])[0])
    assert reader.parse(line) is not None
    assert reader.parse(line.replace(b"200", b'"no"')) is None, "the status decides"
    found = made([line, line.replace(b"200", b"009")], reader)
    assert (found.requests, found.unread, found.answered().whole.latency, found.span()) == (
        2,
        0,
        Sketch(),
        None,
    )


def test_a_value_of_several_variables_is_none_of_them() -> None:
    form = '{"link":"$host$request_uri","to":"${host}:80","vhost": "${host}", "h": "$host", "s": $status}'
    layout = layout_of(form)
    assert layout.keys == {"host": ("vhost",), "status": ("s",)}
    line = b'{"link":"b.example/","to":"b.example:80","vhost": "a.example", "h": "c.example", "s": 200}'
    found = made([line, line.replace(b"200", b"009")], Reader(layout))
    assert {name: one.statuses for name, one in found.targets.items()} == {"a.example": {200: 1, 9: 1}}


@pytest.mark.parametrize("missing", ["-", ""])
def test_requests_without_an_id_are_no_duplicates_of_each_other(missing: str) -> None:
    text = access(7).replace(b"0" * 31 + b"7", missing.encode())
    found = made([text, text, access(8), access(8), text])
    assert (found.requests, found.duplicates) == (4, 1)
    own = text.replace(b"curl/8", b"blueshift-probe/1")
    assert made([own, own]).own == 2
    form = Reader(layout_of('$remote_addr "$req_id" $status'))
    quoted = [b'192.0.2.7 "%s" 200' % name.encode() for name in (missing, missing, "x", "x")]
    assert (made(quoted, form).requests, made(quoted, form).duplicates) == (3, 1)
    strange = b'{"remote_addr": "192.0.2.7", "status": 200, "request_id": "\xff"}'
    assert objects(row(request_id="x"), strange, strange).duplicates == 1
    rows = objects(row(request_id=missing), row(request_id=missing), row(request_id="x"), row(request_id="x"))
    assert (rows.requests, rows.duplicates) == (3, 1)


def test_the_span_is_that_of_the_accesses_whatever_stands_around_them() -> None:
    said = b"I1123 23:41:48.000000       7 main.go:1] told"
    lines = [access(number).replace(b"23:41:48", b"23:%02d:00" % (number % 60)) for number in range(60)]
    for around in ([said, b"what is this"], [said, b""] * 500):
        span = made([*around, *lines, *around], block=5000).span()
        assert span is not None
        assert [f"{at:%T}" for at in span] == ["23:00:00", "23:59:00"]


@pytest.mark.parametrize("timed_first", [True, False])
def test_of_two_formats_in_a_file_each_line_has_the_time_that_its_own_tells(timed_first: bool) -> None:
    plain = b'192.0.2.7 - - [23/Nov/2026:23:41:48 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"'
    timed = Reader(NAMED["ingress-nginx"]), [access(number) for number in range(3)]
    timeless = Reader(NAMED["combined"]), [plain] * 5
    (reader, lines), (other, more) = (timed, timeless) if timed_first else (timeless, timed)
    found = made([*lines, *more], Reader(reader.layout, (other,)))
    latency = found.answered().whole.latency
    assert latency is not None
    assert (found.requests, latency.count) == (8, 3)
    assert latency.quantile(0.0) == pytest.approx(0.004, rel=0.02)
    assert set(found.layout.split(", ")) == {"ingress-nginx", "combined"}
    assert "request_time" in found.lacks


def test_a_format_of_which_no_line_came_is_not_told() -> None:
    found = made([access(1)], Reader(NAMED["ingress-nginx"], (Reader(NAMED["combined"]),)))
    assert (found.layout, found.lacks) == ("ingress-nginx", ())


BEHIND = ("proxy_protocol_addr", "http_x_forwarded_for", "proxy_add_x_forwarded_for")


@pytest.mark.parametrize(
    ("form", "line", "client", "host"),
    [
        (
            f'${one} ${other} $status "$http_host" $server_name',
            '- 192.0.2.7 200 "-" a.example',
            "192.0.2.7",
            "a.example",
        )
        for one, other in ((BEHIND[0], "remote_addr"), BEHIND[:2], BEHIND[1:])
    ]
    + [
        ('$remote_addr $status "$http_x_forwarded_for"', '192.0.2.7 200 "198.51.100.1"', "192.0.2.7", ""),
        ("$the_real_ip - [$the_real_ip] $status", "192.0.2.7 - [192.0.2.7] 200", "192.0.2.7", ""),
        ("[$proxy_add_x_forwarded_for] $status", "[192.0.2.7, 192.0.2.8] 200", "192.0.2.7, 192.0.2.8", ""),
        ("$proxy_protocol_addr $status", "- 200", "-", ""),
        (
            (
                '{"p": "$proxy_protocol_addr", "f": "$http_x_forwarded_for", "s": $status, '
                '"h": "$http_host", "n": "$server_name"}'
            ),
            '{"p": "", "f": "192.0.2.7", "s": 200, "h": "", "n": "a.example"}',
            "192.0.2.7",
            "a.example",
        ),
    ],
)
def test_the_client_is_the_first_that_is_set_however_fast_one_looks(
    form: str, line: str, client: str, host: str
) -> None:
    reader = Reader(layout_of(form))
    rest = reader.count([line.encode()], counted := Counted(), Seen())
    assert rest == [], "this is for the quick look"
    assert {reader.text(one) for one in counted.clients} == {client}
    assert [raw[2] for raw in counted.raw] == [host.encode()]
    slow = reader.parse(line.encode())
    assert slow is not None
    assert (slow.client, slow.host) == (client, host)
    assert "remote_addr" not in reader.lacks


APACHE = r'192.0.2.7 - ann [23/Nov/2026:23:41:48 +0000] "GET /\" HTTP/1.1" 404 - "-" "say \"hi\" 200 \\"'
OF_NGINX = r'192.0.2.7 - ann [23/Nov/2026:23:41:48 +0000] "GET /\x22" 404 0 "-" "say \x22hi\x22 200 \x5C"'


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("combined", APACHE),
        ("combined", APACHE.replace("404 -", "404 0")),
        ("combined", OF_NGINX),
        ("vhost-combined", f"a.example:443 {APACHE}"),
        ("common", APACHE.partition(' "-"')[0]),
        ("common", APACHE.partition(' "-"')[0].replace("HTTP", '\\" 502 1 HTTP')),
        ("main", f'{APACHE} "198.51.100.1"'),
    ],
)
def test_nginxs_and_apaches_usual_logs_are_read_whatever_is_quoted_in_them(name: str, line: str) -> None:
    lines = [line.encode()] * 2
    first, *others = candidates(lines)
    reader = Reader(first, tuple(map(Reader, others)))
    found = made(lines, reader if all(map(Reader(first).parse, lines)) else Reader(NAMED[name]))
    assert (found.unread, found.unread_first) == (0, b"")
    assert [one.statuses for one in found.targets.values()] == [{404: 2}]
    assert found.clients == {"192.0.2.7": 2}
    parsed = Reader(NAMED[name]).parse(lines[0])
    assert parsed is not None
    assert parsed.agent in ("", 'say "hi" 200 \\')


def test_a_form_is_taken_as_it_stands_in_nginx_conf() -> None:
    form = """
        log_format timed '$remote_addr - [$time_local] "$request" '
                         '$status $body_bytes_sent\\t$request_time';
    """
    line = b'192.0.2.7 - [23/Nov/2026:23:41:48 +0000] "GET / HTTP/1.1" 200 1\t0.25'
    for written in (form, form.partition("timed")[2], form.partition("timed")[2].rstrip(" ;\n")):
        found = made([line], Reader(layout_of(written)))
        assert found.answered().whole.latency is not None
        assert (found.unread, found.clients) == (0, {"192.0.2.7": 1})
    rows = layout_of('log_format rows escape=json \'{"ip": "$remote_addr", \' \'"s": $status}\';')
    assert rows.keys == {"remote_addr": ("ip",), "status": ("s",)}
    assert layout_of("escape=none '$remote_addr $status'").escape == "none"


def minutes(hour: int, count: int, begin: int = 0) -> list[bytes]:
    return [
        access(hour * 10_000 + number).replace(b"23:41:48", b"%02d:%02d:00" % (hour, number * 60 // count))
        for number in range(begin, begin + count)
    ]


BANNER = [b"I1123 23:41:48.000000       7 main.go:1] told"] * 30


@pytest.mark.parametrize("between", [[], BANNER, [b"what is this"]])
@pytest.mark.parametrize(
    ("hours", "first", "last"),
    [((10, 9), 9, 10), ((9, 10), 9, 10), ((9, 11, 10), 9, 11), ((11, 10, 9), 9, 11), ((10, 9, 11), 9, 11)],
)
def test_the_span_of_one_pod_after_another_is_that_of_both(
    hours: tuple[int, ...], first: int, last: int, between: list[bytes]
) -> None:
    lines = [line for hour in hours for line in (*between, *minutes(hour, 120), *between)]
    span = made(lines, block=5000).span()
    assert span is not None
    assert [f"{at:%T}" for at in span] == [f"{first:02}:00:00", f"{last:02}:59:00"]


def test_the_span_of_a_block_takes_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bytes] = []
    reader = Reader(NAMED["ingress-nginx"])
    at = reader.at

    def look(line: bytes) -> float | None:
        looks.append(line)
        return at(line)

    monkeypatch.setattr(reader, "at", look)
    made(minutes(10, 4000), reader, block=4000)
    assert len(looks) == 10
    made(minutes(10, 2000) + minutes(9, 2000), reader, block=4000)
    assert len(looks) < 40


def test_a_quick_look_ends_a_value_where_a_careful_one_does() -> None:
    form = "$remote_addr|$time_iso8601|$status|$request_time|$proxy_upstream_name|$upstream_addr"
    line = b"192.0.2.7|2026-11-23T23:41:48+00:00|200|0.1|ns-s-80|10.0.0.1:80"
    reader = Reader(layout_of(form))
    careful = reader.parse(line)
    assert careful is not None
    assert [*made([line], reader).targets] == [careful.target] == ["ns-s-80"]


def test_a_line_of_nothing_but_separators_counts_as_unread() -> None:
    form = "[$time_local]|$http_referer|$host,$http_user_agent|$host,$args|$server_name,$remote_addr|$status"
    right = b"[23/Nov/2026:23:41:48 +0000]|-|a.example,curl|b,x=1|c,192.0.2.7|200"
    found = made([right, right.replace(b"curl", b"|," * 8_000), right], Reader(layout_of(form)))
    assert (found.requests, found.unread) == (2, 1)
    assert found.clients == {"192.0.2.7": 2}


@pytest.mark.parametrize(
    ("address", "forwarded", "client"),
    [
        ("", "192.0.2.7", "192.0.2.7"),
        ("-", "192.0.2.7", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
    ],
)
def test_the_json_of_ingress_nginxs_documents_names_its_client_without_proxy_headers_too(
    address: str, forwarded: str, client: str
) -> None:
    fast = row(remote_addr=address, x_forward_for=forwarded)
    slow = json.dumps(fast).replace(" 200", " 009").encode()
    assert objects(fast, slow).clients == {client: 2}
    assert objects(row(x_forwarded_for="198.51.100.1")).clients == {"192.0.2.7": 1}
    assert objects({"x_forwarded_for": "192.0.2.7", "status": 200}).clients == {"192.0.2.7": 1}


def test_json_that_was_written_without_its_escapes_is_read() -> None:
    line = (
        rb'{"remote_addr": "192.0.2.7", "status": 502, "host": "a.example", "agent": "say \x22hi\x22 \\x5C"}'
    )
    (guess, *_) = candidates([b'{"remote_addr": "", "status": 200, "host": "", "agent": ""}'])
    found = made([line], Reader(guess))
    assert (found.unread, found.targets["a.example"].errors) == (0, 1)
    parsed = Reader(guess).parse(line)
    assert parsed is not None
    assert parsed.agent == r'say "hi" \x5C'


def test_a_block_in_which_every_line_is_of_another_kind_is_given_up() -> None:
    lines = [b'{"remote_addr": "192.0.2.7", "sta%stus": 502}' % (b"_" * number) for number in range(200)]
    digest = Digest(Reader(NAMED["combined"]))
    asked: list[int] = []

    def again(missed: list[bytes]) -> list[bytes]:
        asked.append(len(missed))
        digest.read_by(Reader(candidates(missed[:1])[0]))
        return missed

    digest.add(lines, again)
    digest.finish()
    assert asked == [200 - number for number in range(MOST_KINDS)]
    assert (digest.requests, digest.unread, digest.lines) == (MOST_KINDS, 200 - MOST_KINDS, 200)
