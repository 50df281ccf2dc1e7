"""nginx log formats, compiled: the format string of a controller becomes one regular expression."""

from __future__ import annotations

import math
import re
from typing import Literal

import msgspec

from blueshift.errors import BlueshiftError

Escape = Literal["default", "json", "none", "apache"]
"""nginx's three, and one for what may be Apache's: its `\\"` is no end of a value, and what nginx writes
by default is read too."""

DEFAULT = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent" $request_length $request_time [$proxy_upstream_name] '
    "[$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length "
    "$upstream_response_time $upstream_status $req_id"
)
"""ingress-nginx's `log-format-upstream` (docs, user-guide/nginx-configuration/log-format, 0.34 to 1.15)."""

DEFAULT_STREAM = "[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time"

_ESCAPED = re.compile(r"\\([trn\"'\\])")
_UNESCAPED = {"t": "\t", "r": "\r", "n": "\n"}

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

# Tries are joined by ", ", internal redirects by " : " (ngx_http_upstream_module); "-" stands for none.
_ITEM = rb"[^\s,|;\"]+"
_LIST = _ITEM + rb"(?:(?:, | : )" + _ITEM + rb")*"

_LISTED = b"(?:" + _LIST + b")?"
_ANYTHING = rb".*?"
_WORD = rb"\S*"
_MOST_STEPS = 3_000_000
"""Ways in which a line can be cut times its bytes, of which a million take about 20 ms."""

_ADDRESS = rb"[^\s\]\",]+"

_KNOWN: dict[str, bytes] = {
    "remote_addr": rb"[!#-+\--\\^-{}~]+",  # none of ` ",]|`, nor what a torn file has before its first line
    "the_real_ip": _ADDRESS + b"(?:, *" + _ADDRESS + b")*",  # may be a forwarded header as it came, a list
    "status": rb"(?:\d{3}|0|-1)",  # Envoy's and HAProxy's for a client that went away before an answer
    "scheme": rb"[a-z]*",
    "server_port": rb"\d*",
    "remote_port": rb"\d*",
    "timer": rb"[+-]?\d+",  # HAProxy's, milliseconds
    "body_bytes_sent": rb"\d+",
    "bytes_sent": rb"\d+",
    "bytes_received": rb"\d+",
    "request_length": rb"\d+",
    "request_time": rb"[\d.]+",
    "session_time": rb"[\d.]+",
    "msec": rb"[\d.]+",
    "time_local": rb"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}",
    "time_iso8601": rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)",
    "proxy_upstream_name": rb"[^\s\]\"|;,]*",
    "proxy_alternative_upstream_name": rb"[^\s\]\"|;,]*",
    # A user's name may hold spaces and brackets, but its quotes are escaped: it ends before the next quote.
    "remote_user": rb"[^\"]*",
}

_ADDRESSES = {"remote_addr", "the_real_ip"}
_HOSTS = {"host", "http_host", "server_name"}
_HOST = rb"[^\s/\"]*"
_BYTES = {"body_bytes_sent", "bytes_sent"}

# Unquoted, these may hold spaces, as a client wrote them (seen: X-Request-ID).
_SPACED = re.compile(
    r"http_|proxy_add_x_forwarded_for$|req_id$|request_id$|request$|uri$|request_uri$|args$|sent_http_|arg_|cookie_|upstream_http_|location_path$|ssl_client_"
)

_FIRM = {
    _KNOWN[name]
    for name in ("status", "request_time", "request_length", "msec", "time_local", "time_iso8601")
}
"""Values of a shape of their own, which few places in a client's header have."""

INSIDE: dict[Escape, bytes] = {
    "default": rb"[^\"]*",  # a quote in a value is \x22
    "json": rb"(?:[^\"\\]|\\.)*",
    "none": _ANYTHING,
    "apache": rb"[^\"\\]*(?:\\.[^\"\\]*)*",
}
"""What a value between quotes is."""


class Compiled(msgspec.Struct, frozen=True):
    """A format as a regular expression whose groups are the variables."""

    pattern: re.Pattern[bytes]
    variables: frozenset[str]
    escape: Escape
    open: tuple[re.Pattern[bytes], ...] = ()
    """Of each value that may hold its own end: the places where it may end."""
    lines: tuple[Compiled, ...] = ()
    """Each line of a format that has line breaks in it, which nginx writes as they are."""

    def fits(self, line: bytes) -> bool:
        """Whether it is all of a line."""
        line = line.rstrip(b"\r\n")
        return not self.hopeless(line) and self.pattern.fullmatch(line) is not None

    def hopeless(self, line: bytes) -> bool:
        """Whether a line could be cut in so many ways that trying them would take too long: such are never
        looked at, as a client's header of nothing but separators would hold up who follows a log."""
        if not self.open:
            return False
        ways = math.prod(max(1, sum(1 for _ in ends.finditer(line))) for ends in self.open)
        return ways * len(line) > _MOST_STEPS


def as_logged(text: str) -> str:
    """A format as nginx writes it, made of what stands in a ConfigMap, and so between quotes in nginx.conf.

    There `\\t`, `\\r`, `\\n`, `\\"`, `\\'` and `\\\\` are escapes, and any other backslash is itself
    (`ngx_conf_read_token`). Newlines around it, such as a YAML block leaves, are no part of a line.
    """
    return _ESCAPED.sub(lambda found: _UNESCAPED.get(found[1], found[1]), text).strip("\r\n")


def compile_text(text: str, escape: Escape = "default", only: frozenset[str] | None = None) -> Compiled:
    """Compile a format string as it stands in a ConfigMap; `only` these variables become groups, or all.

    Raises BlueshiftError for one without any variable.
    """
    text = as_logged(text)
    variables = [*_VARIABLE.finditer(text)]
    if not variables:
        raise BlueshiftError(
            "the controller's log format has no variable in it",
            hint="look at log-format-upstream in the controller's ConfigMap",
        )
    starts = [*(found.start() for found in variables[1:]), len(text)]
    ends = [text[found.end() : start].encode() for found, start in zip(variables, starts, strict=True)]
    values = [_value_of(found, text, escape) for found in variables]
    parts, opened, seen = [re.escape(text[: variables[0].start()].encode())], [], set[str]()
    doubtful = 0
    for number, (found, value, end) in enumerate(zip(variables, values, ends, strict=True)):
        name = found[1] or found[2]
        last = number + 1 == len(variables)
        then = b"" if last else values[number + 1]
        group = (
            b"?:" if name in seen or (only is not None and name not in only) else b"?P<%b>" % name.encode()
        )
        part, literal = b"(" + group + value + b")", re.escape(end)
        if value == then == _ANYTHING and end:
            # What would match further on matches from the first end on: the next value takes what is between.
            parts.append(b"(?>" + part + literal + b")")
        else:
            if not last and _holds(value, end):
                sure = then + re.escape(ends[number + 1]) if then in _FIRM else b""
                doubtful += not sure
                opened.append(re.compile(b"(?=" + literal + sure + b")", re.DOTALL))
            parts.append(part + literal)
        seen.add(name)
    # One value alone before what has a shape of its own takes no time, and stands in the usual formats.
    many = tuple(opened) if doubtful or len(opened) > 1 else ()
    lines = tuple(_line(line, escape) for line in text.split("\n")) if "\n" in text else ()
    return Compiled(re.compile(b"".join(parts), re.DOTALL), frozenset(seen), escape, many, lines)


def _line(text: str, escape: Escape) -> Compiled:
    """One line of a format, which may have no variable, such as a brace of JSON."""
    if _VARIABLE.search(text):
        return compile_text(text.replace("\\", r"\\"), escape, frozenset())
    return Compiled(re.compile(re.escape(text.rstrip("\r").encode())), frozenset(), escape)


def _holds(value: bytes, end: bytes) -> bool:
    """Whether a value may hold what ends it."""
    return re.fullmatch(value, end[:1], re.DOTALL) is not None if end else value in (_ANYTHING, _WORD)


def _value_of(found: re.Match[str], text: str, escape: Escape) -> bytes:
    before, behind = text[found.start() - 1 : found.start()], text[found.end() :]
    value = _value(found[1] or found[2], before == '"' == behind[:1], escape)
    if behind[:1] == "$" and (found[1] or found[2]) in _HOSTS:
        return _HOST  # a URL: `$host$request_uri`
    if value == _LISTED and behind[:1] == " " and behind[1:2] not in (" ", ":"):
        return b"(?>" + value + b")"  # as far as it can: a " : " is within it
    if value == _KNOWN["the_real_ip"] and behind[:1] == ",":
        return _ADDRESS  # the comma is the format's
    if value == _WORD and behind[:1] in ("|", ";", '"'):  # no word of nginx's holds one
        return b"[^\\s" + behind[:1].encode() + b"]*"
    return value


def _value(name: str, quoted: bool, escape: Escape) -> bytes:
    if name.startswith("upstream_") and not name.startswith("upstream_http_"):
        # Inside quotes an empty value is empty; outside it is "-", or nothing at all with escape=json.
        return _LISTED
    if name in _BYTES and escape == "apache":  # `-` for none (mod_log_config, `%b`)
        return rb"\d+|-"
    if name in _KNOWN and not (quoted and name in {"remote_user", "time_local"}):
        return _KNOWN[name] + (b"|" if escape in ("json", "none") and name in _ADDRESSES else b"")
    if quoted:
        return INSIDE[escape]
    return _ANYTHING if _SPACED.match(name) else _WORD
