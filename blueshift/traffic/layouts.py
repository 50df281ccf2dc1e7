"""What kind of access log a file holds: how its lines are laid out, as a person tells it or by its name."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import msgspec

from blueshift.errors import BlueshiftError
from blueshift.traffic.logformat import DEFAULT, Escape, as_logged
from blueshift.traffic.pasted import PLACE, pasted

COMMON = '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
"""The Common Log Format of NCSA httpd."""
COMBINED = COMMON + ' "$http_referer" "$http_user_agent"'
"""nginx's and Apache's `combined` (ngx_http_log_module; mod_log_config)."""
_TRAEFIK = COMBINED + ' $count "$router" "$service_url" ${request_time}ms'
"""Traefik's `common` (its pkg/middlewares/accesslog, CommonLogFormatter)."""
_ENVOYS = (
    '$bytes_received $body_bytes_sent $request_time $upstream_time "$http_x_forwarded_for" '
    '"$http_user_agent" "$req_id" "$host" "$upstream_addr"'
)
_ENVOY = f'[$time_iso8601] "$request" $status $flags {_ENVOYS}'
"""Envoy's default (its docs, access log usage), and so Contour's `envoy`."""
_ISTIO = (
    f'[$time_iso8601] "$request" $status $flags $details $termination "$failure" {_ENVOYS} '
    "$cluster $local $downstream_local $downstream_remote $sni $route"
)
"""Istio's default text (its docs, Envoy access logs)."""
_HAPROXY = (
    "$remote_addr:$remote_port [$date] $frontend $proxy_upstream_name/$server "
    "$timer/$timer/$timer/$timer/$request_time $status $body_bytes_sent $cookie $cookie $termination "
    '$connections $queues "$request"'
)
"""HAProxy's `httplog` without captured headers (its configuration manual, 8.2.3), and that of its ingress
controllers; the date has no zone."""

_TOLD = 60
"""Characters of what is none."""
MOST_KINDS = 16
"""Formats that are learnt beside the first, and kinds of objects that are told apart: far more than a file
has by changes of its format. In a made file every line is of another kind, and each line is tried by all."""
Path = tuple[str, ...]
"""Keys that lead to a value, from the outermost object inwards."""


class Layout(msgspec.Struct, frozen=True, eq=False):
    """How a line is laid out: by nginx's variables in a text, or by the keys of an object."""

    name: str
    text: str = ""
    """A format string as in a ConfigMap; empty for objects whose keys were guessed."""
    escape: Escape = "default"
    keys: Mapping[str, Path] = {}
    """Variable → where its value is, for lines that are JSON objects."""
    per_second: float = 1.0
    """How many of what `request_time` counts make a second; nginx's are seconds."""

    @property
    def guessed(self) -> bool:
        """Whether nobody told the keys."""
        return bool(self.keys) and not self.text

    def reads_as(self, other: Layout) -> bool:
        """Whether both read the same lines alike."""
        return self is other or (self.text, self.keys) == (other.text, other.keys)

    def same_format(self, other: Layout) -> bool:
        """Whether both are of one given text, be it by its keys."""
        return bool(self.text) and self.text == other.text


NAMED: Mapping[str, Layout] = {
    "ingress-nginx": Layout("ingress-nginx", DEFAULT),
    "traefik": Layout("traefik", _TRAEFIK, "none", per_second=1e3),
    "main": Layout("main", COMBINED + ' "$http_x_forwarded_for"', "apache"),
    "combined": Layout("combined", COMBINED, "apache"),
    "vhost-combined": Layout("vhost-combined", f"$host:$server_port {COMBINED}", "apache"),
    "common": Layout("common", COMMON, "apache"),
    "envoy": Layout("envoy", _ENVOY, "none", per_second=1e3),
    "istio": Layout("istio", _ISTIO, "none", per_second=1e3),
    "haproxy": Layout("haproxy", _HAPROXY, per_second=1e3),
}
"""The most telling first: a line of one may begin as a line of a later one does. `main` is that of
nginx.org's packages (their nginx.conf), and F5's controller's own."""

_ALONE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_UNQUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\$(?:\{\w+\}|\w+)')
"""Strings, which are left as they are, and variables outside of them, such as numbers are."""

_WANTED = re.compile(r"\$\{?(host|request_time|remote_addr|status|time_iso8601|req_id|http_user_agent)\b")
"""What a value that holds more than one variable may tell."""


def layouts_of(given: str) -> tuple[Layout, ...]:
    """What a name, a format string, nginx's directive or YAML may mean, the likeliest first.

    A text of several lines may be what nginx writes, line breaks and all, or what YAML folds into one line.
    Raises BlueshiftError for others.
    """
    if given in NAMED:
        return (NAMED[given],)
    text, escape = pasted(given)
    if text.lstrip().startswith("{") and (keys := _keys(as_logged(text))):
        by_keys = Layout("JSON", text, escape or "json", keys)
        if keys.keys() >= set(_WANTED.findall(text)):
            return (by_keys,)
        # Some have no key to themselves, as in `"url": "$scheme://$host$request_uri"`.
        return msgspec.structs.replace(by_keys, keys={}), by_keys
    if "$" in text:
        found = Layout("as given", text, escape or ("json" if text.lstrip().startswith("{") else "apache"))
        if "\n" not in as_logged(text):
            return (found,)
        return found, msgspec.structs.replace(found, text=re.sub(r"\s*\n\s*", " ", text.strip()))
    raise BlueshiftError(
        f"{textwrap.shorten(given, _TOLD)!r} is no log format",
        place=PLACE,
        hint=f"a string as in log-format-upstream ($remote_addr …), or one of {', '.join(NAMED)}",
    )


def _keys(given: str) -> dict[str, Path]:
    """Variable → the first place that has it alone; none where the text is no JSON but for its variables."""
    quoted = _UNQUOTED.sub(lambda found: found[0] if found[0][0] == '"' else f'"{found[0]}"', given)
    keys: dict[str, Path] = {}
    try:
        told = msgspec.json.decode(quoted)
    except (ValueError, RecursionError):
        return keys
    for path, value in scalars(told).items():
        if isinstance(value, str) and (found := _ALONE.fullmatch(value)):
            keys.setdefault(found[1] or found[2], path)
    return keys


def scalars(told: Mapping[str, Any]) -> dict[Path, Any]:
    """The values of an object that have no parts, the outer ones first."""
    found: dict[Path, Any] = {}
    level: list[tuple[Path, Mapping[str, Any]]] = [((), told)]
    while level:
        below: list[tuple[Path, Mapping[str, Any]]] = []
        for path, one in level:
            for key, value in one.items():
                if isinstance(value, dict):
                    below.append(((*path, key), value))
                elif not isinstance(value, list):
                    found[*path, key] = value
        level = below
    return found
