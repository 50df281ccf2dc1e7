"""One session of aiohttp, and its answers and errors in plain terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp
import msgspec

LARGEST = 256 * 2**20
"""Bytes of an answer: a page has 500 objects, and etcd keeps 1.5 MiB of one."""


async def whole(response: aiohttp.ClientResponse) -> bytes | None:
    """The body; None for one that is larger than any answer to a page of a collection."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST:
            response.close()
            return None
    return bytes(body)


def session() -> aiohttp.ClientSession:
    """A session that never repeats a request by itself."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        trust_env=True,
        read_bufsize=2**21,  # one line of a watch is a whole object
        auto_decompress=True,
    )
    # aiohttp sends idempotent requests again when a pooled connection turns out dead; a PUT whose answer
    # was lost would be stored twice. The switch is private, so its presence is checked (aiohttp is pinned).
    if getattr(session, "_retry_connection", None) is not True:
        raise AssertionError("this aiohttp has no _retry_connection: hidden retries cannot be switched off")
    session._retry_connection = False
    return session


def pairs(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What stands in a query; None is left out."""
    for key, value in params.items():
        if value is None:
            continue
        yield key, str(value).lower() if isinstance(value, bool) else str(value)


def status_of(raw: bytes) -> Mapping[str, Any]:
    """The `Status` in the body of a refusal; of a page that is none, the beginning as its message."""
    try:
        status = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return {"message": " ".join(raw[:300].decode(errors="replace").split())}
    return status if isinstance(status, dict) else {}


def trickles(error: BaseException) -> bool:
    """Whether the time for the whole answer was over; aiohttp's own timeouts are for silence."""
    return isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ServerTimeoutError)


def mistrust(error: Exception) -> str:
    """Why a certificate is not accepted, in OpenSSL's words without their numbers."""
    return str(getattr(error, "verify_message", "") or error).rstrip(".")


def reason(error: BaseException) -> str:
    """Why, in the system's words: aiohttp's own hold the address again, and an object of Python's."""
    if isinstance(error, aiohttp.ClientPayloadError):
        return "its answer broke off"
    inner = getattr(error, "os_error", error)
    return str(getattr(inner, "strerror", None) or inner or type(error).__name__)
