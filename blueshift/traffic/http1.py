"""HTTP/1.1 requests, and a connection that carries one exchange at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

from blueshift.traffic.connect import Failed, reason_of
from blueshift.traffic.http1_answer import Response, ResponseReader


def encode_request(method: str, host: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of a request; a body gets its Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{k}: {v}" for k, v in headers.items())]
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Http1(asyncio.Protocol):
    """One connection, one exchange at a time; a Protocol, since streams cost twice the time per request."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.transport: asyncio.Transport
        self.lost = False
        """The peer closed, or the connection broke."""
        self.wrote_at = -1.0
        self.first_byte_at = -1.0
        """Moments of the last exchange, on the clock of `now`; -1 if it did not come to that."""
        self._now = now
        self._reader: ResponseReader | None = None
        self._answer: asyncio.Future[Response] | None = None

    async def exchange(self, method: str, request: bytes) -> Response:
        """Send the bytes and return the answer. Raises Failed in "write", "headers" or "body"."""
        self.wrote_at = self.first_byte_at = -1.0
        if self.lost:
            raise Failed("write", "closed")
        self._reader = ResponseReader(method)
        self._answer = asyncio.get_running_loop().create_future()
        self.wrote_at = self._now()
        self.transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    @property
    def phase(self) -> str:
        """What a timeout now would have cut off."""
        return self._reader.phase if self._reader else "write"

    def close(self) -> None:
        """Close at once; nothing is in flight that anybody waits for."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._reader is None or self._answer is None or self._answer.done():
            self.lost = True  # bytes that answer nothing: such a connection is not used again
            self.transport.abort()
            return
        if self.first_byte_at < 0:
            self.first_byte_at = self._now()
        try:
            response = self._reader.feed(data)
        except ValueError as error:
            self._answer.set_exception(Failed(self._reader.phase, str(error)))
            return
        if response is not None:
            self._answer.set_result(response)

    def eof_received(self) -> bool:
        """See asyncio."""
        self._ended(None)
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio."""
        self._ended(error)

    def _ended(self, error: Exception | None) -> None:
        self.lost = True
        if self._reader is None or self._answer is None or self._answer.done():
            return
        if error is not None:
            self._answer.set_exception(Failed(self._reader.phase, reason_of(error)))
            return
        try:
            self._answer.set_result(self._reader.end())
        except EOFError as ending:
            self._answer.set_exception(Failed(self._reader.phase, reason_of(ending)))
