"""One question to one address, as a client of a host would ask it: for verification and route parity."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import msgspec

from blueshift import __version__
from blueshift.clock import Clock
from blueshift.traffic.connect import SYSTEM_CA, Failed, Target, dial, fingerprint, trusting
from blueshift.traffic.http1 import Http1, encode_request
from blueshift.traffic.logs import PROBE_AGENT

MARKER = "X-Blueshift-Probe"
"""The header that tells our own questions apart from users' in logs and counts."""

STAND_IN = "Kubernetes Ingress Controller Fake Certificate"
"""Common name of what ingress-nginx shows for a host whose own certificate is not there yet: each pod makes
its own (internal/net/ssl/ssl.go), so that two of them differ and mean the same."""


@lru_cache(maxsize=8)
def _made(ca: str, _state: tuple[int, ...]) -> ssl.SSLContext:
    return trusting(ca)


def _context(ca: str) -> ssl.SSLContext:
    """One for all probes, and another one when the file has become another: authorities are renewed."""
    if not ca or ca == SYSTEM_CA:
        return _made(ca, ())
    state = Path(ca).stat()
    return _made(ca, (state.st_ino, state.st_mtime_ns, state.st_size))


class ProbeResult(msgspec.Struct, frozen=True):
    """What came back, or how far it got."""

    ok: bool
    """A complete answer came, of whatever status."""
    status: int
    """0 if none came."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body_sha256: str
    """Of the body, in hex; "" if no answer came."""
    seconds: float
    """From the start of the connect to the end of the answer, or to the failure."""
    certificate_sha256: str
    """Of the certificate that was shown, in hex; "" without TLS, `STAND_IN` for one that any pod makes."""
    failed_in: str
    """"connect", "tls", "write", "headers" or "body"; "" if it did not fail."""
    reason: str


async def probe(
    address: str,
    *,
    port: int,
    host: str,
    path: str = "/",
    tls: bool,
    clock: Clock,
    method: str = "HEAD",
    timeout: float = 5.0,
    headers: Mapping[str, str] = MappingProxyType({}),
    proxy_protocol: bool = False,
    ca: str = "",
) -> ProbeResult:
    """Ask `address` for `host` on a new connection, within `timeout` seconds; never raises for a fault.

    The certificate is reported and not judged, unless `ca` names a PEM file to verify it (and its name) with.
    `proxy_protocol`: the side reads PROXY headers. A balancer before it adds them; where none is in between
    (a pod's or node's address, or kube-proxy short-cuts the balancer) the header is ours to send. Which of
    the two it is shows only by trying: without a header the side ends the connection at once.
    """
    sent = {
        "User-Agent": f"{PROBE_AGENT}{__version__}",
        "Accept": "*/*",
        MARKER: "1",
        "Connection": "close",
    }
    request = encode_request(method, host, quote(path, safe="%/?:@!$&'()*+,;=~"), {**sent, **headers})
    target = Target(address, port, host, _context(ca) if tls else None)
    found = await _exchange(target, method, request, clock, timeout)
    if not proxy_protocol or not _cut_short(found):
        return found
    ours = await _exchange(target._replace(proxy_protocol=True), method, request, clock, timeout)
    # Behind a balancer that added one, nginx takes ours for a request: that 400 is not the host's answer.
    return ours if ours.ok and ours.status != HTTPStatus.BAD_REQUEST else found


def _cut_short(result: ProbeResult) -> bool:
    return result.failed_in in ("tls", "write", "headers") and result.reason != "timeout"


async def _exchange(target: Target, method: str, request: bytes, clock: Clock, timeout: float) -> ProbeResult:
    began = clock.now()
    connection: Http1 | None = None
    certificate = ""
    try:
        connection, _ = await dial(target, lambda: Http1(clock.now), clock, timeout)
        certificate = fingerprint(connection.transport, STAND_IN)
        async with clock.timeout(max(0.0, timeout - (clock.now() - began))):
            response = await connection.exchange(method, request)
    except Failed as failed:
        return _failed(failed, clock.now() - began, certificate)
    except TimeoutError:
        assert connection is not None
        return _failed(Failed(connection.phase, "timeout"), clock.now() - began, certificate)
    finally:
        if connection is not None:
            connection.close()
    return ProbeResult(
        ok=True,
        status=response.status,
        headers=response.headers,
        body_sha256=hashlib.sha256(response.body).hexdigest(),
        seconds=clock.now() - began,
        certificate_sha256=certificate,
        failed_in="",
        reason="",
    )


def _failed(failed: Failed, seconds: float, certificate: str) -> ProbeResult:
    return ProbeResult(
        ok=False,
        status=0,
        headers=(),
        body_sha256="",
        seconds=seconds,
        certificate_sha256=certificate,
        failed_in=failed.phase,
        reason=failed.reason,
    )
