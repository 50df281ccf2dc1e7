import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueshift.errors import BlueshiftError
from blueshift.traffic.layouts import NAMED
from blueshift.traffic.logformat import DEFAULT, Escape, compile_text
from blueshift.traffic.logs import Line, compile_format

FORMAT = compile_format()
AT = datetime(2026, 11, 23, 23, 41, 52, tzinfo=UTC).timestamp()


def text(**fields: str) -> bytes:
    values = {
        "client": "198.18.0.103",
        "user": "-",
        "request": "GET /s?a=1 HTTP/1.1",
        "status": "200",
        "agent": "curl/7.88.1",
        "name": "shop-web-80",
        "other": "",
        "upstream": "198.18.64.4:8080 201 0.001 200",
        "id": "1ce7637f0266a9d9e61a5f2ebe952d26",
    }
    values.update(fields)
    return (
        (
            '{client} - {user} [23/Nov/2026:23:41:52 +0000] "{request}" {status} 201 "-" "{agent}" 93 0.004 '
            "[{name}] [{other}] {upstream} {id}"
        )
        .format(**values)
        .encode()
    )


def read(**fields: str) -> Line:
    found = FORMAT.parse(text(**fields))
    assert found is not None
    return found


def test_a_plain_line() -> None:
    assert read() == Line(
        kind="http",
        at=AT,
        client="198.18.0.103",
        status=200,
        upstream="shop-web-80",
        host="",
        method="GET",
        path="/s?a=1",
        seconds=0.004,
        sent=201,
        agent="curl/7.88.1",
        request_id="1ce7637f0266a9d9e61a5f2ebe952d26",
        upstream_status=200,
        tries=1,
    )


@pytest.mark.parametrize(
    ("upstream", "status", "tries"),
    [
        ("10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80 0, 0, 197 0.000, 0.000, 0.001 502, 502, 200", 200, 3),
        ("- - - -", 0, 0),
        ("10.0.0.1:80 0 0.511 -", 0, 1),
        ("198.18.64.3:8080, 0.0.0.1:80 0, 0 0.004, 1.000 502, 504", 504, 2),
        ("10.0.0.1:80 : 10.0.0.2:80 1 : 2 0.1 : 0.2 404 : 200", 200, 2),
        ("[2001:db8::1]:8080 5 0.001 200", 200, 1),
        ("unix:/tmp/x.sock 5 0.001 200", 200, 1),
    ],
)
def test_tries_are_lists_in_four_columns(upstream: str, status: int, tries: int) -> None:
    found = read(upstream=upstream)
    assert (found.upstream_status, found.tries) == (status, tries)
    assert found.request_id.startswith("1ce7")


@pytest.mark.parametrize(
    ("name", "status", "reached"),
    [
        ("shop-web-80", "200", True),
        ("upstream-default-backend", "404", True),
        ("-", "413", True),
        ("", "308", True),
        ("", "400", False),
        ("", "505", False),
    ],
)
def test_the_three_kinds_of_no_upstream(name: str, status: str, reached: bool) -> None:
    assert read(name=name, status=status, upstream="- - - -").reached is reached


@pytest.mark.parametrize(
    ("host", "status", "target"),
    [("a.org", "400", "a.org"), ("_", "400", ""), ("_", "308", "_")],
)
def test_junk_is_told_by_its_host_where_there_is_no_name_of_an_upstream(
    host: str, status: str, target: str
) -> None:
    found = compile_format("$remote_addr $host $status").parse(f"c1 {host} {status}".encode())
    assert found is not None
    assert found.target == target


@pytest.mark.parametrize("client", ["2001:2::103", "203.0.113.7", "unix:"])
def test_clients(client: str) -> None:
    assert read(client=client).client == client


@pytest.mark.parametrize("request_line", ["GARBAGE", r"\x16\x03\x01\x02\x00", "", "GET /sp ace"])
def test_junk_has_no_method(request_line: str) -> None:
    found = read(request=request_line, status="400", name="", upstream="- - - -")
    assert (found.method, found.status) == ("", 400)


def test_escapes_are_undone() -> None:
    assert read(agent=r"\xC3\x9Cber \x22x\x22 \x5C \xFF").agent == 'Über "x" \\ \ufffd'


def test_an_agent_may_look_like_a_line_and_an_id_may_have_spaces() -> None:
    found = read(
        agent=r"- - [23/Nov/2026:00:00:00 +0000] \x22GET / HTTP/1.1\x22 500", id=r"my-own id \x221\x22"
    )
    assert (found.status, found.request_id, found.upstream) == (200, 'my-own id "1"', "shop-web-80")


@pytest.mark.parametrize("user", ["alice", "a b", "x [y] z", "- [23/Nov/2026:00:00:00 +0000]"])
def test_user_names_may_hold_anything_but_quotes(user: str) -> None:
    assert read(user=user).path == "/s?a=1"


def test_a_status_that_is_none() -> None:
    assert read(status="009").status == 9


def test_canary_and_websocket() -> None:
    found = read(other="shop-canary-80", status="101", upstream="10.0.0.1:80 0 12.345 101")
    assert (found.status, found.upstream_status) == (101, 101)


def test_our_probes_are_told_apart() -> None:
    assert read(agent="blueshift-probe/0.1.0").own
    assert not read(agent="Mozilla blueshift-probe/0.1.0").own


def test_stream_lines_have_another_form() -> None:
    found = FORMAT.parse(b"[198.18.0.100] [23/Nov/2026:23:41:52 +0000] TCP 200 8 9 0.001\n")
    assert found is not None
    assert (found.kind, found.client, found.method, found.at, found.sent) == (
        "stream",
        "198.18.0.100",
        "TCP",
        AT,
        8,
    )
    assert found.reached


@pytest.mark.parametrize(
    ("line", "unread"),
    [
        (b'I1123 23:41:28.024318       6 store.go:439] "Ignoring ingress"', False),
        (b"2026/11/23 23:41:57 [error] 21#21: *440 connect() failed", False),
        (b"-------------------------------------------------------------------------------", False),
        (b"  Release:       v1.15.1", False),
        (b"", False),
        (b'nginx: [emerg] unknown directive "x" in /etc/nginx/nginx.conf:1', False),
        (b"nginx: the configuration file /etc/nginx/nginx.conf syntax is ok", False),
        (b"nginx: configuration file /etc/nginx/nginx.conf test is successful", False),
        (b"nginx: " + text(), True),
        (b"nginx: a.example 192.0.2.7 502", True),
        (text()[:-60], True),
        (b'{"status": 200}', True),
    ],
)
def test_other_lines_are_the_controllers_or_a_sign_of_a_wrong_format(line: bytes, unread: bool) -> None:
    assert FORMAT.parse(line) is None
    assert FORMAT.unread(line) is unread


JSON = (
    '{"time": "$time_iso8601", "a": "$remote_addr", "s": $status, "h": "$host", "u": "$http_user_agent", '
    '"d": "$upstream_status"}'
)


def test_json_that_is_not_quite_json() -> None:
    form = compile_format(JSON, escape="json")
    line = (
        rb'{"time": "2026-11-23T23:41:52+00:00", "a": "::1", "s": 009, "h": "A.org", "u": "\"q\" \u00fc\n\\ '
        b'\xff", "d": "-, 200"}'
    )
    found = form.parse(line)
    assert found is not None
    assert (found.at, found.client, found.status, found.host) == (AT, "::1", 9, "a.org")
    assert found.agent == '"q" ü\n\\ \ufffd'
    assert found.upstream_status == 200


def test_json_has_nothing_for_what_is_not_set() -> None:
    found = compile_format(JSON, escape="json").parse(
        b'{"time": "2026-11-23T23:41:52+00:00", "a": "", "s": 200, "h": "", "u": "", "d": ""}'
    )
    assert found is not None
    assert (found.client, found.upstream_status) == ("", 0)


def test_own_formats_are_compiled() -> None:
    form = compile_format(
        "$msec ${host} $request_method $request_uri $status $remote_addr $remote_addr ($unknown)"
    )
    found = form.parse(b"1795477312.123 shop.org GET /a?b=c d 404 10.0.0.1 10.0.0.1 (x)")
    assert found is not None
    assert (found.at, found.host, found.method, found.path, found.status) == (
        1795477312.123,
        "shop.org",
        "GET",
        "/a?b=c d",
        404,
    )


def test_an_unescaped_format() -> None:
    found = compile_format('"$http_user_agent" $status', escape="none").parse(b'"say "hi" \\x22" 200')
    assert found is not None
    assert found.agent == 'say "hi" \\x22'
    assert found.at == 0.0


def test_a_format_that_tells_no_duration_has_none_and_no_quick_answer() -> None:
    plain, timed = (
        compile_format(form).parse(b"192.0.2.7 1795477312.000 200 0.250")
        for form in ("$remote_addr $msec $status $unknown", "$remote_addr $msec $status $request_time")
    )
    assert plain is not None
    assert timed is not None
    assert (plain.seconds, plain.took, plain.came) == (None, None, plain.at)
    assert (timed.seconds, timed.took, timed.came) == (0.25, 0.25, timed.at - 0.25)


def test_what_a_format_lacks_is_said() -> None:
    assert FORMAT.lacks == ()
    assert compile_format('$proxy_protocol_addr [$time_local] "$request"').lacks == (
        "status",
        "http_user_agent",
    )


@pytest.mark.parametrize("url", ["$scheme://$host$request_uri", "$host$uri", "${host}${request_uri}"])
@pytest.mark.parametrize("escape", ["default", "json"])
def test_the_host_of_a_url_ends_before_its_path(url: str, escape: Escape) -> None:
    line = url.replace("$scheme", "https").replace("${host}", "$host").replace("$host", "a.example")
    line = (
        line.replace("${request_uri}", "/a/b?c=//d")
        .replace("$request_uri", "/a/b?c=//d")
        .replace("$uri", "/a")
    )
    found = compile_format(f'{{"c": "$remote_addr", "url": "{url}", "s": $status}}', escape=escape).parse(
        f'{{"c": "192.0.2.7", "url": "{line}", "s": 502}}'.encode()
    )
    assert found is not None
    assert (found.host, found.status, found.path[:2]) == ("a.example", 502, "/a")


def test_what_a_format_does_not_tell_counts_as_known() -> None:
    found = compile_format("$proxy_protocol_addr $status $host").parse(b"192.0.2.7 404 a.org")
    assert found is not None
    assert (found.client, found.host, found.reached) == ("192.0.2.7", "a.org", True)


def test_a_format_without_variables_is_refused() -> None:
    with pytest.raises(BlueshiftError, match="no variable"):
        compile_text("off")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line_or_none(line: bytes) -> None:
    FORMAT.parse(line)
    FORMAT.unread(line)


@given(st.text(st.characters(codec="latin-1", exclude_characters='"\\\r\n'), max_size=40))
def test_any_agent_comes_back(agent: str) -> None:
    escaped = "".join(c if " " <= c <= "~" else "".join(f"\\x{b:02X}" for b in c.encode()) for c in agent)
    assert read(agent=escaped).agent == agent


@pytest.mark.parametrize("version", ["1.11.3", "1.15.1"])
def test_every_official_line_is_read(samples: Path, version: str) -> None:
    folder = samples / f"ingress-nginx-{version}"
    settings = json.loads((folder / "json-log-format-patch.json").read_text())["data"]
    in_json = compile_format(settings["log-format-upstream"], escape="json")
    for name, form in (
        ("access.log", FORMAT),
        ("access-json.log", in_json),
        ("access-proxy-protocol.log", FORMAT),
    ):
        found = [form.parse(line) for line in (folder / name).read_bytes().splitlines()]
        assert None not in found, name
        if name == "access.log":
            assert sum(line.kind == "stream" for line in found if line) == 10
        if name == "access-json.log":
            assert any(line.status == 9 for line in found if line) or version == "1.11.3"
            assert {line.host for line in found if line} >= {"plain.example.com", "a.wild.example.com"}
    for name in ("controller.log", "nginx-error.log", "pod-raw.log"):
        for line in (folder / name).read_bytes().splitlines():
            assert FORMAT.parse(line) or in_json.parse(line) or not FORMAT.unread(line), line


def test_official_oddities(samples: Path) -> None:
    lines = (samples / "ingress-nginx-1.15.1" / "access-canary-shared-service.log").read_bytes().splitlines()
    assert all(FORMAT.parse(line) or not FORMAT.unread(line) for line in lines)
    assert max(line.tries for line in map(FORMAT.parse, lines) if line) == 2
    many = (samples / "ingress-nginx-1.15.1" / "access.log").read_bytes().splitlines()
    assert max(line.tries for line in map(FORMAT.parse, many) if line) == 4
    assert DEFAULT in (samples / "ingress-nginx-1.15.1" / "nginx-T.conf").read_text()


@pytest.mark.parametrize("around", ["{}\n", "\n{}", "{}\r\n", r"{}\n"])
def test_newlines_around_a_format_are_no_part_of_a_line(around: str) -> None:
    form = compile_format(
        around.format(DEFAULT), stream=around.format("$remote_addr $protocol $status $session_time")
    )
    assert form.parse(text()) == read()
    stream = form.parse(b"192.0.2.7 TCP 200 0.1")
    assert stream is not None
    assert stream.kind == "stream"


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (r"$remote_addr\t$status\t$host", b"192.0.2.7\t404\ta.example"),
        (r"host:$host\tip:$remote_addr\tstatus:$status", b"host:a.example\tip:192.0.2.7\tstatus:404"),
        (r"\"$http_user_agent\" $remote_addr $status $host", b'"a 1.1.1.1 200 x" 192.0.2.7 404 a.example'),
        (r"it\'s $remote_addr \\ $status $host", rb"it's 192.0.2.7 \ 404 a.example"),
        (r"\d $remote_addr \$status \\t$host", rb"\d 192.0.2.7 \404 \ta.example"),
    ],
)
def test_nginxs_own_escapes_in_a_format_are_undone(form: str, line: bytes) -> None:
    found = compile_format(form).parse(line)
    assert found is not None
    assert (found.client, found.status, found.host) == ("192.0.2.7", 404, "a.example")


CHROME = (
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
SPACED = "$remote_addr $http_referer $http_user_agent $http_cookie $status"


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (SPACED, b"10.0.0.1" + b" " * 30_000),
        (SPACED, b"10.0.0.1" + b" : a" * 8_000),
        (SPACED.replace(" ", "|"), b"10.0.0.1" + b"|" * 30_000),
        ("$remote_addr|$http_referer|$host|$http_user_agent|$host|$args|$status", b"10.0.0.1" + b"|" * 8_000),
        (
            "$remote_addr $http_referer $host $http_user_agent $host $args $host $status",
            b"a" + b" : " * 8_000,
        ),
        ("$http_cookie $upstream_addr $upstream_status $upstream_addr $host $status", b" : a" * 2_000),
        ("$remote_addr,$host,$http_referer,$host,$http_cookie,$host,$status", b"a" + b"," * 8_000),
    ],
)
@pytest.mark.parametrize("escape", ["default", "json", "none", "apache"])
def test_no_header_of_a_client_holds_up_who_reads_its_line(form: str, line: bytes, escape: Escape) -> None:
    # Cut in every way that there is these took hours: that they end is what is tried.
    compiled = compile_format(form, escape=escape)
    assert compiled.parse(line + b"x") is None
    assert compiled.unread(line + b"x")


@pytest.mark.parametrize(
    ("form", "line", "agent"),
    [
        (SPACED, b"192.0.2.7 https://a.example/ Mozilla/5.0 a=1; b=2; c=3 200", "Mozilla/5.0"),
        (SPACED, b"192.0.2.7 - - - 200", "-"),
        (SPACED, b"192.0.2.7 - curl " + b"a=1; " * 3_000 + b"z=1 200", "curl"),
        ("$host:$remote_addr,$http_user_agent,$request_uri,$status", b"a.example:192.0.2.7,a, b,/x,200", "a"),
        (
            "$scheme://$host:$server_port$request_uri $remote_addr $http_user_agent $status",
            b"https://[::1]:443/a:b/c?d= 192.0.2.7 curl 8 200",
            "curl 8",
        ),
        ("$remote_addr|$http_user_agent|$host|$args|$status", b"192.0.2.7|x y|a.example|a=1|200", "x y"),
        (
            "$http_user_agent $upstream_addr $upstream_status $remote_addr $status",
            b"x y 10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80 502, 502 : 200 192.0.2.7 200",
            "x y",
        ),
        (
            (
                '{"a": "$remote_addr", "u": "$upstream_addr", "v": "$upstream_status", '
                '"w": "$upstream_addr", "x": "$upstream_status", "s": $status, "g": "$http_user_agent"}'
            ),
            b'{"a": "192.0.2.7", "u": "", "v": "502, 200", "w": "[::1]:80, b:1", "x": "-", "s": 200, "g": "x'
            + b" \x22y" * 100
            + b'"}',
            "x" + ' "y' * 100,
        ),
        # Browsers: separators are many, places where a value may end are few.
        (
            (
                "$remote_addr $remote_user $time_iso8601 $http_user_agent $status $http_referer "
                "$body_bytes_sent $http_cookie $request_time"
            ),
            (
                b"192.0.2.7 - 2026-11-23T23:41:48+00:00 %b 200 https://a.example/ 512 %b 0.004"
                % (CHROME, b"; ".join(b"key%d=value" % number for number in range(40)))
            ),
            CHROME.decode(),
        ),
        (
            "$remote_addr $http_user_agent $body_bytes_sent $status",
            b"192.0.2.7 a (X; Y) - z 5 200",
            "a (X; Y) - z",
        ),
        (
            "$remote_addr|$location_path|$status|$http_user_agent",
            b"192.0.2.7|/api/(v1|v2)|200|curl",
            "curl",
        ),
        (
            "$request_time, $the_real_ip, $http_x_forwarded_for $status $http_user_agent",
            b"0.1, 192.0.2.7, 192.0.2.7 200 curl",
            "curl",
        ),
    ],
)
def test_what_is_right_is_read_however_many_ways_there_are(form: str, line: bytes, agent: str) -> None:
    found = compile_format(form).parse(line.replace(b' "y', rb" \x22y"))
    assert found is not None
    assert (found.client, found.status, found.agent) == ("192.0.2.7", 200, agent)


@pytest.mark.parametrize("name", NAMED.keys() - {"vhost-combined", "haproxy", "traefik", "envoy", "istio"})
def test_the_usual_formats_leave_nothing_open(name: str) -> None:
    """Counting the ways of each line takes longer than reading it; only a host or an address with its port
    needs it, and who writes a client's quotes as they came."""
    layout = NAMED[name]
    assert not layout.text or compile_format(layout.text, escape=layout.escape).http.open == ()


@pytest.mark.parametrize(
    ("form", "line"),
    [
        (
            "$remote_addr [$time_local] $http_user_agent-$host $status $request_time",
            b"192.0.2.7 [23/Nov/2026:23:41:48 +0000] " + b"-" * 8_000 + b" x-a.example 200 0.1",
        ),
        (
            "$remote_addr $host $http_user_agent $status $http_referer --> $request_time",
            b"192.0.2.7 a.example" + b" 200" * 8_000 + b" x",
        ),
    ],
)
def test_what_would_take_seconds_is_not_tried(form: str, line: bytes) -> None:
    assert compile_format(form).http.hopeless(line)
    assert compile_format(form).parse(line) is None
