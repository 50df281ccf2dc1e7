"""One question to one address, and how far it got."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import ssl
from pathlib import Path

import pytest

from blueshift.clock import SystemClock
from blueshift.traffic.probe import ProbeResult, probe
from tests.contract.traffic.servers import HOST, Connection, Request, server_tls, serving

CLOCK = SystemClock()


async def plain(connection: Connection) -> None:
    request = await connection.request()
    body = b"" if request.method == "HEAD" else b"hello"
    connection.writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-Who: me\r\n\r\n" + body)


async def test_it_asks_as_a_client_of_the_host_and_says_who_asks() -> None:
    async with serving(plain) as server:
        result = await probe("127.0.0.1", port=server.port, host=HOST, path="/a?b=c", tls=False, clock=CLOCK)
    request = server.requests[0]
    assert (request.method, request.path, request.headers["host"]) == ("HEAD", "/a?b=c", HOST)
    assert request.headers["x-blueshift-probe"] == "1"
    assert request.headers["user-agent"].startswith("blueshift-probe/")
    assert (result.ok, result.status, result.failed_in) == (True, 404, "")
    assert ("x-who", "me") in result.headers
    assert 0 < result.seconds < 5


async def test_it_digests_the_body() -> None:
    async with serving(plain) as server:
        result = await probe(
            "127.0.0.1", port=server.port, host=HOST, tls=False, clock=CLOCK, method="GET",
            headers={"X-More": "yes"},
        )  # fmt: skip
    assert result.body_sha256 == hashlib.sha256(b"hello").hexdigest()
    assert server.requests[0].headers["x-more"] == "yes"


async def test_it_reports_the_certificate_and_judges_it_only_with_an_authority(tmp_path: Path) -> None:
    names: list[str | None] = []
    tls, ca = server_tls(tmp_path)
    tls.sni_callback = lambda _socket, name, _context: names.append(name)

    async def ask(host: str, authority: str = "") -> ProbeResult:
        return await probe("127.0.0.1", port=server.port, host=host, tls=True, clock=CLOCK, ca=authority)

    async with serving(plain, tls) as server:
        strange = await ask("other.test")
        good = await ask(HOST, ca)
        wrong = await ask("other.test", ca)
    der = ssl.PEM_cert_to_DER_cert(
        (tmp_path / "pair.pem").read_text().partition("-----END PRIVATE KEY-----\n")[2]
    )
    assert strange.ok
    assert strange.certificate_sha256 == good.certificate_sha256 == hashlib.sha256(der).hexdigest()
    assert good.ok
    assert (wrong.ok, wrong.failed_in) == (False, "tls")
    assert "Hostname mismatch" in wrong.reason
    assert names == ["other.test", HOST, "other.test"]


async def test_an_authority_that_was_renewed_meanwhile_counts(tmp_path: Path) -> None:
    trusted, other = tmp_path / "trusted.pem", tmp_path / "other"
    other.mkdir()
    tls, ca = server_tls(tmp_path)
    _, before = server_tls(other)

    async def ask(authority: str) -> ProbeResult:
        shutil.copyfile(authority, trusted)
        return await probe("127.0.0.1", port=server.port, host=HOST, tls=True, clock=CLOCK, ca=str(trusted))

    async with serving(plain, tls) as server:
        assert (await ask(before)).failed_in == "tls"
        assert (await ask(ca)).ok


async def proxied(connection: Connection) -> bytes:
    """As nginx with `proxy_protocol`: the header, or the end of the connection."""
    line = await connection.reader.readline()
    if line.startswith(b"PROXY "):
        await plain(connection)
    return line


async def test_where_no_balancer_stands_before_a_side_that_reads_proxy_headers_the_probe_sends_one() -> None:
    lines: list[bytes] = []

    async def side(connection: Connection) -> None:
        lines.append(await proxied(connection))

    async with serving(side) as server:
        result = await probe(
            "127.0.0.1", port=server.port, host=HOST, tls=False, clock=CLOCK, proxy_protocol=True
        )
        without = await probe("127.0.0.1", port=server.port, host=HOST, tls=False, clock=CLOCK)
    assert (result.ok, result.status) == (True, 404)
    assert lines[1].startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")
    assert lines[1].endswith(b" %d\r\n" % server.port)
    assert (without.ok, without.failed_in) == (False, "headers")


async def test_behind_a_balancer_that_adds_them_it_sends_none() -> None:
    async with serving(plain) as server:
        result = await probe(
            "127.0.0.1", port=server.port, host=HOST, tls=False, clock=CLOCK, proxy_protocol=True
        )
    assert (result.ok, result.status) == (True, 404)
    assert len(server.requests) == 1


async def test_what_a_balanced_side_makes_of_a_second_header_is_no_answer_of_the_host() -> None:
    """The host ends every connection; nginx's own 400 for the header must not pass for its answer."""

    async def broken(connection: Connection) -> None:
        line = await connection.reader.readline()
        if line.startswith(b"PROXY "):
            connection.writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async with serving(broken) as server:
        result = await probe(
            "127.0.0.1", port=server.port, host=HOST, tls=False, clock=CLOCK, proxy_protocol=True
        )
    assert (result.ok, result.failed_in) == (False, "headers")


async def test_a_side_that_is_slow_is_not_asked_twice() -> None:
    async def mute(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(5)

    async with serving(mute) as server:
        result = await probe(
            "127.0.0.1", port=server.port, host=HOST, tls=False, clock=CLOCK, timeout=0.2, proxy_protocol=True
        )
    assert (result.ok, result.reason) == (False, "timeout")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "failed_in", "reason"),
    [
        (b"", "headers", "closed before the answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", "body", "closed within the answer"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "headers", "not an HTTP answer"),
    ],
)
async def test_it_says_where_it_failed(answer: bytes, failed_in: str, reason: str) -> None:
    async def faulty(connection: Connection) -> None:
        await connection.request()
        connection.writer.write(answer)

    async with serving(faulty) as server:
        result = await probe("127.0.0.1", port=server.port, host=HOST, tls=False, clock=CLOCK, method="GET")
    assert (result.ok, result.status, result.failed_in, result.reason) == (False, 0, failed_in, reason)


async def test_it_never_waits_longer_than_it_was_told() -> None:
    async def mute(connection: Connection) -> None:
        await connection.request()
        await asyncio.sleep(5)

    async with serving(mute) as server:
        result = await probe("127.0.0.1", port=server.port, host=HOST, tls=False, clock=CLOCK, timeout=0.2)
        shaking = await probe("127.0.0.1", port=server.port, host=HOST, tls=True, clock=CLOCK, timeout=0.2)
    assert (result.failed_in, result.reason) == ("headers", "timeout")
    assert (shaking.failed_in, shaking.reason) == ("tls", "timeout")
    assert 0.2 <= result.seconds < 1


async def test_nobody_there_and_what_is_no_address() -> None:
    async with serving(plain) as server:
        port = server.port
    refused = await probe("127.0.0.1", port=port, host=HOST, tls=False, clock=CLOCK)
    nonsense = await probe("lb.example.com", port=port, host=HOST, tls=False, clock=CLOCK)
    assert (refused.failed_in, refused.reason) == ("connect", "refused")
    assert (nonsense.failed_in, nonsense.reason) == ("connect", "not an address: lb.example.com")


async def test_a_path_from_an_ingress_is_sent_as_a_url() -> None:
    seen: list[Request] = []

    async with serving(plain) as server:
        await probe("127.0.0.1", port=server.port, host=HOST, path="/a b/ü\r\nX: y", tls=False, clock=CLOCK)
        seen += server.requests
    assert seen[0].path == "/a%20b/%C3%BC%0D%0AX:%20y"
    assert "x" not in seen[0].headers
