"""WebSocket frames (RFC 6455) as a client writes and reads them."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Awaitable, Callable
from typing import NamedTuple

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_CONTINUATION = 0x0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
_MAX_MESSAGE = 1 << 20
_TOO_LONG = f"message longer than {_MAX_MESSAGE >> 20} MiB, which is the most that is read"


class Message(NamedTuple):
    """A whole message, or a control frame."""

    kind: int
    data: bytes

    @property
    def code(self) -> int:
        """Of a CLOSE; 1005 where it has none (RFC 6455 §7.4.1)."""
        return int.from_bytes(self.data[:2], "big") if len(self.data) >= 2 else 1005


def new_key() -> str:
    """Return a Sec-WebSocket-Key."""
    return base64.b64encode(os.urandom(16)).decode()


def accept_of(key: str) -> str:
    """Return the Sec-WebSocket-Accept that proves that the server read `key`."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def encode(kind: int, data: bytes) -> bytes:
    """Return one masked frame, as a client must send it (RFC 6455 §5.1)."""
    mask = os.urandom(4)
    size = len(data)
    if size < 126:
        head = bytes((0x80 | kind, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | kind, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | kind, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


class MessageReader:
    """Reads messages and control frames; `read(n)` gives exactly n bytes or raises EOFError."""

    def __init__(self, read: Callable[[int], Awaitable[bytes]]) -> None:
        self._read = read
        self._kind = 0
        self._parts = bytearray()

    async def next(self) -> Message:
        """Return the next one. Raises ValueError for what RFC 6455 forbids a server."""
        while True:
            flags, size = await self._read(2)
            if size & 0x80 or flags & 0x70:
                raise ValueError("malformed frame")
            if size >= 126:
                size = int.from_bytes(await self._read(2 if size == 126 else 8), "big")
            if len(self._parts) + size > _MAX_MESSAGE:
                raise ValueError(_TOO_LONG)
            kind, data = flags & 0x0F, await self._read(size)
            if kind >= CLOSE:  # a control frame may stand between the parts of a message
                return Message(kind, data)
            if (kind == _CONTINUATION) != bool(self._kind):
                raise ValueError("malformed sequence of frames")
            self._kind = self._kind or kind
            self._parts += data
            if flags & 0x80:
                message = Message(self._kind, bytes(self._parts))
                self._kind, self._parts = 0, bytearray()
                return message
