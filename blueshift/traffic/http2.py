"""One HTTP/2 connection (RFC 9113): many exchanges, and which of them the server never touched."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import msgspec

from blueshift.traffic.connect import Failed, reason_of
from blueshift.traffic.http1_answer import MAX_BODY, TOO_LONG, Response

_WINDOW = 1 << 20
"""Bytes that a server may send ahead, per stream; the connection gets sixteen times as much."""
_GOAWAY = 0x7
_HEAD = 9  # bytes of a frame's header
_LONGEST = _HEAD + (1 << 14)
"""Bytes of a frame that a server may send, as we ask for no longer ones (RFC 9113 §4.2)."""


class Untouched(Failed):
    """The server said that it had done nothing with the request: any client may send it again, and does.

    That is a stream above the last one that a GOAWAY names, or one reset with REFUSED_STREAM (RFC 9113 §8.7).
    """


class _Stream(msgspec.Struct):
    answer: asyncio.Future[Response]
    phase: str = "headers"
    wrote_at: float = -1.0
    first_byte_at: float = -1.0
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytearray = msgspec.field(default_factory=bytearray)
    upload: bytes = b""


class Exchange(msgspec.Struct):
    """Where one request got to; moments on the clock of `now`, -1 if it did not come to that."""

    phase: str = "write"
    wrote_at: float = -1.0
    first_byte_at: float = -1.0


class Http2(asyncio.Protocol):
    """A connection for one host. `leaving`: the server sent GOAWAY, so nothing new may be sent here."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.transport: asyncio.Transport
        self.lost = False
        self.leaving = False
        self._now = now
        self._spoken = False
        """A frame of the server came."""
        self._streams: dict[int, _Stream] = {}
        self._buffer = bytearray()
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=True, header_encoding="utf-8", validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )  # fmt: skip
        codes = h2.settings.SettingCodes
        # As initial values: h2 sends what `update` changes in no frame, and takes it for agreed all the same.
        self._h2.local_settings = h2.settings.Settings(
            initial_values={
                codes.ENABLE_PUSH: 0,
                codes.INITIAL_WINDOW_SIZE: _WINDOW,
                codes.MAX_HEADER_LIST_SIZE: self._h2.DEFAULT_MAX_HEADER_LIST_SIZE,
            }
        )

    @property
    def full(self) -> bool:
        """No further stream may be opened just now."""
        return len(self._streams) >= self._h2.remote_settings.max_concurrent_streams

    @property
    def busy(self) -> bool:
        """A request is in flight."""
        return bool(self._streams)

    async def exchange(self, headers: Sequence[tuple[str, str]], upload: bytes, seen: Exchange) -> Response:
        """Send a request and return its answer; `seen` follows it, also past a timeout or failure.

        Raises Untouched or Failed. When cancelled, the stream is reset and the connection lives on.
        """
        if self.lost or self.leaving:
            raise Untouched("write", "closed")
        number = self._h2.get_next_available_stream_id()
        stream = self._streams[number] = _Stream(asyncio.get_running_loop().create_future(), upload=upload)
        try:
            self._h2.send_headers(number, headers, end_stream=not upload)
            self._upload(number, stream)
            stream.wrote_at = self._now()
            self._flush()
            return await stream.answer
        except asyncio.CancelledError:
            if not self.lost:
                self._give_up(number)
                self._flush()
            raise
        except h2.exceptions.ProtocolError as error:
            raise Failed("write", f"protocol: {type(error).__name__}") from error
        finally:
            seen.phase, seen.wrote_at, seen.first_byte_at = (
                stream.phase,
                stream.wrote_at,
                stream.first_byte_at,
            )
            del self._streams[number]
            self._leave_when_done()

    def close(self) -> None:
        """Close at once."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self.transport = cast("asyncio.Transport", transport)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(16 * _WINDOW)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """See asyncio. GOAWAY is kept from h2, which would take every later frame for an error (4.4.1)."""
        self._buffer += data
        end = 0
        goaway = None
        garbled = False
        while len(self._buffer) - end >= _HEAD:
            length = _HEAD + int.from_bytes(self._buffer[end : end + 3], "big")
            garbled = length > _LONGEST
            if garbled or len(self._buffer) - end < length:
                break
            if self._buffer[end + 3] == _GOAWAY:
                goaway = bytes(self._buffer[end + _HEAD : end + length])
                self._take(bytes(self._buffer[:end]))
                del self._buffer[: end + length]
                end = 0
            else:
                end += length
        self._take(bytes(self._buffer[:end]))
        del self._buffer[:end]
        if goaway is not None:
            self._leave(int.from_bytes(goaway[:4], "big") & 0x7FFFFFFF, int.from_bytes(goaway[4:8], "big"))
        if garbled:  # what came whole before it counts
            self._garbled()

    def eof_received(self) -> bool:
        """See asyncio."""
        self._ended(None)
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio."""
        self._ended(reason_of(error) if error else None)

    def _garbled(self) -> None:
        """No frame that we asked for: words in its place would be waited for, as so many megabytes."""
        if self._spoken:
            self._ended("frame too long")
        elif self._buffer.startswith(b"HTTP/1."):
            self._ended("answered in HTTP/1, and not in HTTP/2")
        else:
            self._ended("not an HTTP/2 answer")
        self.close()

    def _take(self, data: bytes) -> None:
        if not data:
            return
        self._spoken = True
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            long = isinstance(error, h2.exceptions.DenialOfServiceError)  # the one that h2 has for a length
            self._ended("headers too long" if long else f"protocol: {type(error).__name__}")
            self._flush()
            self.transport.close()
            return
        for event in events:
            self._on(event)
        self._flush()

    def _on(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.WindowUpdated | h2.events.RemoteSettingsChanged):
            for number, waiting in self._streams.items():
                # The server may have reset the stream, which the next event says.
                with contextlib.suppress(h2.exceptions.StreamClosedError):
                    self._upload(number, waiting)
            return
        if isinstance(event, h2.events.DataReceived):
            # Also for streams that nobody waits for any more: their bytes count against the connection.
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        stream = self._streams.get(getattr(event, "stream_id", None) or 0)
        if stream is None or stream.answer.done():
            return
        if isinstance(event, h2.events.ResponseReceived):
            stream.first_byte_at = self._now()
            fields = [(_text(name), _text(value)) for name, value in event.headers]
            stream.status = int(dict(fields).get(":status", "0"))
            stream.headers = tuple(field for field in fields if field[0][0] != ":")
            stream.phase = "body"
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
            if len(stream.body) > MAX_BODY:
                stream.answer.set_exception(Failed("body", TOO_LONG))
                self._give_up(event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            stream.answer.set_result(Response(stream.status, stream.headers, bytes(stream.body), keep=True))
        elif isinstance(event, h2.events.StreamReset):
            refused = event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
            kind = Untouched if refused else Failed
            stream.answer.set_exception(kind(stream.phase, f"stream reset {int(event.error_code or 0)}"))

    def _give_up(self, number: int) -> None:
        """Have the server send no more of an answer, unless that was the end of it."""
        with contextlib.suppress(h2.exceptions.StreamClosedError):
            self._h2.reset_stream(number, h2.errors.ErrorCodes.CANCEL)

    def _upload(self, number: int, stream: _Stream) -> None:
        while stream.upload:
            room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
            if room <= 0:
                return
            part, stream.upload = stream.upload[:room], stream.upload[room:]
            self._h2.send_data(number, part, end_stream=not stream.upload)

    def _leave(self, last: int, code: int) -> None:
        self.leaving = True
        for number, stream in self._streams.items():
            if number > last and not stream.answer.done():
                stream.answer.set_exception(Untouched(stream.phase, f"goaway {code}"))
        self._leave_when_done()

    def _leave_when_done(self) -> None:
        if self.leaving and not self._streams:
            self.close()

    def _ended(self, reason: str | None) -> None:
        """`reason`: None where the server just closed it."""
        self.lost = True
        # The requests in flight are failures already; the pool must not count the same end once more.
        self.leaving = self.leaving or bool(self._streams)
        for stream in self._streams.values():
            if not stream.answer.done():
                closed = f"closed {'within' if stream.phase == 'body' else 'before'} the answer"
                stream.answer.set_exception(Failed(stream.phase, reason or closed))

    def _flush(self) -> None:
        if data := self._h2.data_to_send():
            self.transport.write(data)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
