"""What lines without a word about them may be: JSON objects by the keys that they have, or a usual format."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from blueshift.traffic.layouts import MOST_KINDS, NAMED, Layout, Path, scalars
from blueshift.traffic.objects import decoded

_GUESSES: Mapping[str, tuple[str, ...]] = {
    "remote_addr": (
        "remoteaddr", "remoteip", "clientip", "client", "clienthost", "remoteaddress", "clientaddress",
        "realip", "xforwardedfor", "address", "ip", "sourceip", "requestclientip", "requestremoteip",
        "httprequestremoteip",
    ),
    "proxy_add_x_forwarded_for": ("xforwardfor", "xforwardedfor", "httpxforwardedfor"),
    "status": (
        "status", "statuscode", "responsecode", "code", "downstreamstatus", "responsestatus",
        "httpresponsestatuscode", "httprequeststatus",
    ),
    # Of `duration`, `latency` and the like nobody knows the unit.
    "request_time": ("requesttime",),
    "host": (
        "host", "httphost", "vhost", "servername", "domain", "authority", "requesthost", "requestauthority",
        "urldomain",
    ),
    "proxy_upstream_name": ("proxyupstreamname", "upstreamname", "service"),
    "time_iso8601": (
        "timeiso8601", "time", "timestamp", "ts", "startutc", "starttime", "timelocal", "msec",
    ),
    "http_user_agent": (
        "httpuseragent", "useragent", "agent", "requestuseragent", "httprequestuseragent",
        "useragentoriginal",
    ),
    "req_id": ("reqid", "requestid", "xrequestid", "id", "httprequestid"),
}  # fmt: skip
"""Variable → names of keys in small letters and without what stands between their words, of nested ones
all one after another (`http.response.status_code` is `httpresponsestatuscode`)."""
_ENVOY = {"responsecode", "authority", "duration"}
"""Keys of Istio's access logs, and of Envoy's: there `duration` is `%DURATION%`, which is in milliseconds."""
_TRAEFIK = {"downstreamstatus", "entrypointname", "duration"}
"""Keys of Traefik's: there `Duration` is Go's, in nanoseconds, and who reached no router was for no host."""
_SURE = ("remote_addr", "proxy_protocol_addr", "status")
_BETWEEN = re.compile(r"[^a-z0-9]")


def guessed(paths: Collection[Path]) -> Layout | None:
    """The layout of JSON objects by the keys of some: None unless these tell a client and a status."""
    known: dict[str, Path] = {}
    for path in paths:
        if any(path[:most] in paths for most in range(1, len(path))):
            continue  # some lines have one value where others have an object
        known.setdefault(_BETWEEN.sub("", "".join(path).lower()), path)
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
    envoy, traefik = known.keys() >= _ENVOY, known.keys() >= _TRAEFIK
    if traefik and "routername" in known:
        keys["proxy_upstream_name"] = known["routername"]
    if "request_time" in keys or not (envoy or traefik):
        return Layout("JSON, by its keys", keys=keys)
    keys["request_time"] = known["duration"]
    return Layout("JSON, by its keys", keys=keys, per_second=1e3 if envoy else 1e9)


def candidates(lines: Sequence[bytes]) -> tuple[Layout, ...]:
    """What lines may be, the most telling first."""
    kinds: dict[tuple[Path, ...], dict[Path, Any]] = {}
    for line in lines:
        if line.startswith(b"{") and (found := decoded(line)) is not None:
            told = scalars(found)
            if one := guessed(told):
                # Of one kind are those that have client and status in one place: a key that says nothing may
                # be left out.
                kind = tuple(path for name, path in one.keys.items() if name in _SURE)
                if kind in kinds or len(kinds) < MOST_KINDS:
                    kinds.setdefault(kind, {}).update(told)
    return (*filter(None, map(guessed, kinds.values())), *NAMED.values())
