"""Access log lines of a controller: bytes in, small tuples out. Every oddity handled here is a seen one.

Seen on the official images of ingress-nginx 1.11.3 and 1.15.1.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from blueshift.traffic.instants import duration, instant
from blueshift.traffic.logformat import DEFAULT, DEFAULT_STREAM, Compiled, Escape, compile_text

PROBE_AGENT = "blueshift-probe/"
"""How the user agent of our own probes begins."""

# klog, nginx's error log, Go's own messages, the banner at the start and the wrapped lines of either. Of
# nginx at its start only what it says: rsyslog writes `nginx: ` before accesses too.
_FOREIGN = re.compile(
    rb"[IWEF]\d{4} \d\d:\d\d:\d\d|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|-{20,}|\s*$|NGINX Ingress controller"
    rb"|\s+\w+:?\s|nginx: (?=\[|the |configuration )|goroutine |panic: |time=\""
)


# Where a format names the client, the host and the time; the first that says anything.
CLIENT = (
    "remote_addr",
    "the_real_ip",  # ingress-nginx before 0.25: by PROXY header, forwarded headers or address, as configured
    "proxy_protocol_addr",
    "http_x_forwarded_for",
    "proxy_add_x_forwarded_for",
)
HOST = ("host", "http_host", "server_name")
TIME = ("msec", "time_local", "time_iso8601")
_ALWAYS = frozenset({"remote_addr", "host"})
"""nginx sets these for every request."""
_UNSET = (b"", b"-")
"""What nginx writes for a variable that is not set, with escape=json and without."""


NO_TEXT = rb"\0|\xef\xbb\xbf"
"""What may stand before a line and is none of it: the hole of a file that was truncated while it was written
(logrotate's `copytruncate`), a byte order mark."""
_MARK = b"\xef\xbb\xbf"


def bare(line: bytes) -> bytes:
    """A line without that."""
    return line.lstrip(b"\0").removeprefix(_MARK).lstrip(b"\0") if line[:1] in (b"\0", b"\xef") else line


def foreign(line: bytes) -> bool:
    """Whether a line is known to be none of an access log, but of the controller or of nginx itself."""
    return _FOREIGN.match(line) is not None


class Line(NamedTuple):
    """One access."""

    kind: Literal["http", "stream"]
    at: float
    """Seconds since the epoch, as precise as the format (whole seconds by default); 0 if it has none."""
    client: str
    status: int
    upstream: str
    """`namespace-service-port`; `-` and empty as logged (see `reached`), `-` if the format does not tell."""
    host: str
    """Empty in the default format, which has no host."""
    method: str
    path: str
    seconds: float | None
    """Of the request, or of the session; None where the format or the line does not tell it."""
    sent: int
    agent: str
    request_id: str
    upstream_status: int
    """Of the last try; 0 if none was made or it had no answer."""
    tries: int
    """Upstream servers asked."""

    @property
    def own(self) -> bool:
        """Whether one of our own probes asked."""
        return self.agent.startswith(PROBE_AGENT)

    @property
    def target(self) -> str:
        """Host if the format has it, else the upstream; empty for what reached no known server."""
        return (self.host or self.upstream or "known") if self.reached else ""

    @property
    def reached(self) -> bool:
        """Whether the request belongs to a host that the configuration knows.

        Requests for unknown hosts are not logged at all. An empty upstream name is a request refused before
        any location (malformed, plain HTTP on 443), except the redirect of from-to-www, which is a known
        host; `-` is a known server without a location phase, such as a 413. Where the format has no name of
        the upstream, the host `_` tells junk: the default server's own name, as nothing was said of a host.
        """
        if self.kind == "stream":
            return True
        junk = not self.upstream or (self.upstream, self.host) == ("-", "_")
        return not junk or 300 <= self.status < 400

    @property
    def came(self) -> float:
        """When it was asked, seconds since the epoch: a line is written when it has been answered."""
        return self.at - (self.seconds or 0.0)

    @property
    def took(self) -> float | None:
        """Seconds until it was answered; None where that is not told, and for a TCP session, which lasts as
        long as its client likes."""
        return None if self.kind == "stream" else self.seconds


class LogFormat(msgspec.Struct, frozen=True):
    """A parser for the lines of one controller's configuration."""

    http: Compiled
    stream: Compiled
    per_second: float = 1.0
    """How many of what `$request_time` counts make a second."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """Variables that evidence is made of and the format does not have: what a judgement must say."""
        groups = (
            CLIENT,
            ("status",),
            TIME,
            ("http_user_agent",),
        )
        return tuple(group[0] for group in groups if not self.http.variables & set(group))

    def parse(self, line: bytes) -> Line | None:
        """One line, or None for what is no access: the controller's own messages, nginx's errors, junk."""
        line = line.rstrip(b"\r\n")
        with contextlib.suppress(ValueError):  # of the right shape, and no number or no day
            if not self.http.hopeless(line) and (found := self.http.pattern.fullmatch(line)):
                return line_of(found.groupdict(), self.http.escape, self.per_second)
            if not self.stream.hopeless(line) and (found := self.stream.pattern.fullmatch(line)):
                return _stream(found)
        return None

    def unread(self, line: bytes) -> bool:
        """Whether a line that `parse` gave up should have been an access: such lines make a log blind."""
        return not foreign(line)


def compile_format(
    text: str = "", *, escape: Escape = "default", stream: str = "", per_second: float = 1.0
) -> LogFormat:
    """A parser for `log-format-upstream` and `log-format-stream`; empty for ingress-nginx's defaults."""
    return LogFormat(
        http=compile_text(text or DEFAULT, escape),
        stream=compile_text(stream or DEFAULT_STREAM),
        per_second=per_second,
    )


def line_of(values: Mapping[str, bytes], escape: Escape, per_second: float = 1.0) -> Line:
    """An HTTP access by nginx's variables. Raises ValueError for a number or an instant that is none."""
    request = plain(values.get("request"), escape)
    method, _, rest = request.partition(" ")
    path, _, protocol = rest.rpartition(" ")
    if not protocol.startswith("HTTP/"):  # junk: `GARBAGE`, a TLS hello on port 80
        method, path = "", request
    statuses = _listed(values.get("upstream_status"))
    return Line(
        kind="http",
        at=_when(values),
        client=plain(said(values, CLIENT), escape),
        status=max(0, int(values.get("status") or 0)),
        # Without the variable nothing tells junk from known hosts: all counts as known.
        upstream=plain(values.get("proxy_upstream_name", b"-"), escape),
        host=plain(said(values, HOST), escape).lower(),
        method=plain(values.get("request_method"), escape) or method,
        path=plain(values.get("request_uri") or values.get("uri"), escape) or path,
        seconds=duration(values.get("request_time"), per_second),
        sent=int(said(values, ("body_bytes_sent", "bytes_sent")).strip(b"-") or 0),
        agent=plain(values.get("http_user_agent"), escape),
        request_id=plain(values.get("req_id") or values.get("request_id"), escape),
        upstream_status=int(statuses[-1]) if statuses and statuses[-1].isdigit() else 0,
        tries=sum(address != b"-" for address in _listed(values.get("upstream_addr"))),
    )


def sources(role: Iterable[str], known: Container[str]) -> tuple[str, ...]:
    """The known variables of a role that are asked in turn: none behind one that is always set."""
    found = [name for name in role if name in known]
    sure = next((number for number, name in enumerate(found) if name in _ALWAYS), len(found))
    return tuple(found[: sure + 1])


def first_said(values: Sequence[bytes]) -> bytes:
    """The first of values that is set, else the last."""
    return next((value for value in values if value not in _UNSET), values[-1] if values else b"")


def said(values: Mapping[str, bytes], role: Iterable[str]) -> bytes:
    """What a line says of a role: by `sources` and `first_said` in one, as each line is asked."""
    last = b""
    for name in role:
        if (value := values.get(name)) is not None:
            if name in _ALWAYS or value not in _UNSET:
                return value
            last = value
    return last


def _stream(found: re.Match[bytes]) -> Line:
    values = found.groupdict()
    return Line(
        kind="stream",
        at=_when(values),
        client=plain(values.get("remote_addr"), "default"),
        status=int(values.get("status") or 0),
        upstream=plain(values.get("proxy_upstream_name"), "default"),
        host="",
        method=plain(values.get("protocol"), "default"),
        path="",
        seconds=duration(values.get("session_time")),
        sent=int(values.get("bytes_sent") or 0),
        agent="",
        request_id="",
        upstream_status=0,
        tries=0,
    )


def _listed(value: bytes | None) -> list[bytes]:
    return re.split(rb", | : ", value) if value else []


_HEX = re.compile(rb"\\x([0-9A-F]{2})")
_JSON_ESCAPE = re.compile(rb"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_APACHE_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_CONTROL = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def plain(value: bytes | None, escape: Escape) -> str:
    """A value as the client sent it, without the escapes of the log."""
    if not value:
        return ""
    if b"\\" in value:
        if escape == "default":
            value = _HEX.sub(lambda found: bytes([int(found[1], 16)]), value)
        elif escape == "json":
            value = _JSON_ESCAPE.sub(_unescape, value)
        elif escape == "apache":  # ap_escape_logitem of its util.c
            value = _APACHE_ESCAPE.sub(_unescape, value)
    return value.decode(errors="replace")


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if len(code) == 5:
        return chr(int(code[1:], 16)).encode(errors="replace")
    if len(code) == 3:
        return bytes([int(code[1:], 16)])
    return _CONTROL.get(code, code)


def _when(values: Mapping[str, bytes]) -> float:
    return instant(next((values[name] for name in TIME if values.get(name)), b""))
