"""What of two answers must be the same for two sides to serve the same."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.traffic.probe import ProbeResult

BLIND = frozenset({401, 403, 404, 405, 429})
"""Equal answers that any side would give, and so prove little; every 5xx is another."""

# Compared by value; of all others only the names, so that the header of a snippet is missed where it lacks.
COMPARED = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
        "allow",
        "content-security-policy",
        "content-type",
        "location",
        "www-authenticate",
        "x-frame-options",
    }
)

# Names that come and go with load, caches and connections.
VOLATILE = frozenset(
    {
        "accept-ranges",
        "age",
        "alt-svc",
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "etag",
        "expires",
        "keep-alive",
        "last-modified",
        "retry-after",
        "server",
        "transfer-encoding",
        "vary",
        "via",
    }
)


Print = tuple[tuple[str, str], ...]
"""(name, value) of each part, so that a difference can be named."""


def essence(result: ProbeResult, *, certified: bool = False) -> Print:
    """What of an answer must be the same; `certified`: its certificate too."""
    if not result.ok:
        return (("failed", f"{result.failed_in}: {result.reason}"),)
    headers = dict(result.headers)
    cookies = sorted(value.partition("=")[0] for name, value in result.headers if name == "set-cookie")
    parts = [("status", str(result.status)), ("cookies", " ".join(cookies))]
    parts += [(name, headers.get(name, "")) for name in sorted(COMPARED)]
    parts.append(("header names", " ".join(sorted(headers.keys() - VOLATILE - {"set-cookie"}))))
    if certified:
        parts.append(("certificate", result.certificate_sha256))
    return tuple(parts)


def differing(ours: Print, theirs: Print) -> Iterator[str]:
    """Names of the parts that differ."""
    mine, yours = dict(ours), dict(theirs)
    for name in dict.fromkeys([*mine, *yours]):
        if mine.get(name) != yours.get(name):
            yield name if name in mine and name in yours else "an answer on one side only"
            if name not in mine or name not in yours:
                return


def blind(result: ProbeResult) -> bool:
    """Whether an answer that both sides give proves little."""
    return not result.ok or result.status in BLIND or result.status >= 500


def said(result: ProbeResult) -> str:
    """An answer in two words."""
    if not result.ok:
        return f"{result.failed_in}: {result.reason}"
    location = dict(result.headers).get("location")
    return f"{result.status} → {location}" if location else str(result.status)
