"""What kind of access log a file holds: told by a person, or found by trying its first lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.traffic.logformat import DEFAULT, Escape, as_logged

COMMON = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
"""The Common Log Format of NCSA httpd."""
COMBINED = COMMON + ' "$http_referer" "$http_user_agent"'
"""nginx's and Apache's `combined` (ngx_http_log_module; mod_log_config)."""
TRIED = 200
"""Lines by which a layout is found."""


class Layout(msgspec.Struct, frozen=True, eq=False):
    """How a line is laid out: by nginx's variables in a text, or by the keys of an object."""

    name: str
    text: str = ""
    """A format string as in a ConfigMap; empty for objects whose keys were guessed."""
    escape: Escape = "default"
    keys: Mapping[str, str] = {}
    """Variable → key, for lines that are JSON objects."""
    per_second: float = 1.0
    """How many of what `request_time` counts make a second; nginx's are seconds."""


NAMED: Mapping[str, Layout] = {
    "ingress-nginx": Layout("ingress-nginx", DEFAULT),
    "main": Layout("main", COMBINED + ' "$http_x_forwarded_for"', "apache"),
    "combined": Layout("combined", COMBINED, "apache"),
    "vhost-combined": Layout("vhost-combined", f"$host:$server_port {COMBINED}", "apache"),
    "common": Layout("common", COMMON, "apache"),
}
"""The most telling first: a line of one may begin as a line of a later one does. `main` is that of
nginx.org's packages (their nginx.conf)."""

_GUESSES: Mapping[str, tuple[str, ...]] = {
    "remote_addr": ("remote_addr", "remote_ip", "client_ip", "client", "clientip", "x_forwarded_for"),
    "proxy_add_x_forwarded_for": ("x_forward_for", "x_forwarded_for", "http_x_forwarded_for"),
    "status": ("status", "status_code", "response_code", "code"),
    # Of `duration`, `latency` and the like nobody knows the unit.
    "request_time": ("request_time",),
    "host": ("host", "http_host", "vhost", "server_name", "domain", "authority"),
    "proxy_upstream_name": ("proxy_upstream_name", "upstream_name", "service"),
    "time_iso8601": ("time_iso8601", "time", "timestamp", "@timestamp", "ts", "time_local", "msec"),
    "http_user_agent": ("http_user_agent", "user_agent", "agent", "useragent"),
    "req_id": ("req_id", "request_id", "x_request_id", "requestid", "id"),
}
_ENVOY = {"response_code", "authority", "duration"}
"""Keys of Istio's access logs, and of Envoy's: there `duration` is `%DURATION%`, which is in milliseconds."""
_PAIR = re.compile(r'"([^"]+)"\s*:\s*("?)\$(?:\{(\w+)\}|(\w+))\2(?=\s*[,}])')
"""A key whose value is one variable and nothing else."""

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_DIRECTIVE = re.compile(
    rf"\s*(?:log_format\s+\S+\s+)?(?:escape=(default|json|none)\s+)?((?:{_QUOTED.pattern}\s*)+);?\s*",
    re.DOTALL,
)
"""As in nginx.conf, with its name or without: strings in quotes, which are one when joined."""


def layout_of(given: str) -> Layout:
    """A layout by its name, its format string or nginx's directive. Raises BlueshiftError for others."""
    if given in NAMED:
        return NAMED[given]
    escape: Escape = "apache"
    if pasted := _DIRECTIVE.fullmatch(given):
        given = "".join(_QUOTED.findall(pasted[2]))
        escape = msgspec.convert(pasted[1] or escape, Escape)
    if given.lstrip().startswith("{") and (keys := _keys(as_logged(given))):
        return Layout("JSON", given, "json", keys)
    if "$" in given:
        return Layout("as given", given, escape)
    raise BlueshiftError(
        f"{given!r} is no log format",
        place="--format",
        hint=f"a string as in log-format-upstream ($remote_addr …), or one of {', '.join(NAMED)}",
    )


def _keys(given: str) -> Mapping[str, str]:
    """Variable → key, of each the first."""
    keys: dict[str, str] = {}
    for key, _, braced, bare in _PAIR.findall(given):
        if key not in keys.values():
            keys.setdefault(braced or bare, key)
    return keys


def guessed(first: Mapping[str, object]) -> Layout | None:
    """The layout of JSON objects by the keys of one: None unless it tells a client and a status."""
    known = {
        key.lower().replace("-", "_"): key
        for key, value in first.items()
        if not isinstance(value, (dict, list))
    }
    keys = {
        variable: known[name]
        for variable, names in _GUESSES.items()
        if (name := next((one for one in names if one in known), None)) is not None
    }
    if not {"remote_addr", "status"} <= keys.keys():
        return None
    if keys.get("proxy_add_x_forwarded_for") == keys["remote_addr"]:
        del keys["proxy_add_x_forwarded_for"]
    elif "proxy_add_x_forwarded_for" in keys:
        # ingress-nginx's documents have `"remote_addr": "$proxy_protocol_addr"`, which is often not set.
        keys["proxy_protocol_addr"] = keys.pop("remote_addr")
    if envoy := known.keys() >= _ENVOY and "request_time" not in keys:
        keys["request_time"] = known["duration"]
    return Layout("JSON, by its keys", keys=keys, per_second=1e3 if envoy else 1.0)


def candidates(lines: Sequence[bytes]) -> tuple[Layout, ...]:
    """What lines without a word about them may be, the most telling first."""
    for line in lines:
        if line.startswith(b"{"):
            try:
                first = msgspec.json.decode(line)
            except (ValueError, RecursionError):  # no JSON, or bytes that are no UTF-8; nested deeply
                continue
            if isinstance(first, dict) and (layout := guessed(first)):
                return (layout, *NAMED.values())
    return tuple(NAMED.values())
