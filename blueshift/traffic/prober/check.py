"""Whether an answer is the right one: from the right Service, for the right request, whole."""

from __future__ import annotations

import zlib
from functools import lru_cache

import msgspec

from blueshift.traffic.connect import Failed
from blueshift.traffic.http1_answer import Response
from blueshift.traffic.prober.plan import Route


class Seen(msgspec.Struct):
    """What the echo application says that it saw."""

    id: str
    service: str
    host: str
    path: str
    length: int = 0
    crc32: int = 0


_decode = msgspec.json.Decoder(Seen).decode


def check(route: Route, request_id: str, response: Response) -> None:
    """Raise Failed in phase "check" unless this is the whole and right answer."""
    if response.status != route.status:
        raise Failed("check", f"status {response.status}")
    for name, value in route.answer_headers.items():
        if response.header(name) != value:
            raise Failed("check", f"header {name} is {response.header(name)[:60]!r}")
    if not route.service:
        return  # the controller's own answer
    first, _, rest = response.body.partition(b"\n")
    check_seen(route, request_id, first)
    if route.lines and rest.count(b"\n") != route.lines:
        raise Failed("check", "stream cut short")


def check_seen(route: Route, request_id: str, body: bytes) -> None:
    """Raise Failed in phase "check" unless the application saw what was asked."""
    try:
        seen = _decode(body)
    except msgspec.DecodeError as error:
        raise Failed("check", "not the application's answer") from error
    if seen.service != route.service:
        raise Failed("check", f"wrong route: {seen.service[:40]}")
    if seen.id != request_id:
        raise Failed("check", "somebody else's answer")
    if seen.host != route.sees_host:
        raise Failed("check", f"backend saw host {seen.host[:60]}")
    if seen.path != route.sees_path:
        raise Failed("check", f"backend saw path {seen.path[:60]}")
    if (seen.length, seen.crc32) != (route.upload, _crc(route.upload)):
        raise Failed("check", "upload arrived damaged")


def upload_of(size: int) -> bytes:
    """Return the body of a request that uploads `size` bytes."""
    return _upload(size)


@lru_cache(maxsize=8)
def _upload(size: int) -> bytes:
    return (b"blueshift" * (size // 9 + 1))[:size]


@lru_cache(maxsize=8)
def _crc(size: int) -> int:
    return zlib.crc32(_upload(size))
