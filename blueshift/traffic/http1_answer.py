"""HTTP/1.1 answers byte by byte (RFC 9112), however they are cut into pieces."""

from __future__ import annotations

import msgspec

MAX_HEAD = 64 * 1024
MAX_BODY = 8 * 1024 * 1024
"""Bytes; a longer answer fails, so that no server can fill our memory."""
TOO_LONG = f"answer longer than {MAX_BODY >> 20} MiB, which is the most that is read"
_DIGITS = 19
"""Of a length, as many as are looked at: it is too long by them, and int() takes no 4301 of them."""
_BEGINS = b"HTTP/1."


class Response(msgspec.Struct, frozen=True):
    """A complete answer. Header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    keep: bool
    """Whether the connection may carry another request."""

    def header(self, name: str) -> str:
        """Return the first header of that name (lower case), "" if there is none."""
        return next((value for key, value in self.headers if key == name), "")


def parse_head(raw: bytes) -> tuple[int, bool, tuple[tuple[str, str], ...]]:
    """Return status, whether it is HTTP/1.0, and headers. Raises ValueError for anything else.

    A line may end with LF alone, as for browsers (RFC 9112 §2.2), and a header go on in the next (§5.2).
    """
    first, *rest = raw.decode("latin-1").split("\n")
    parts = first.rstrip("\r").split(" ", 2)
    if (
        len(parts) < 2
        or parts[0] not in ("HTTP/1.1", "HTTP/1.0")
        or not (parts[1].isdecimal() and len(parts[1]) == 3)  # of Latin-1 that is 0 to 9
    ):
        raise ValueError("not an HTTP answer")
    headers: list[tuple[str, str]] = []
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or name.strip() != name:
            if headers and line[:1] in (" ", "\t"):
                headers[-1] = headers[-1][0], f"{headers[-1][1]} {line.strip()}".strip()
                continue
            raise ValueError("malformed header")
        headers.append((name.lower(), value.strip()))
    return int(parts[1]), parts[0] == "HTTP/1.0", tuple(headers)


def _end_of_lines(buffer: bytearray, start: int = 0) -> tuple[int, int]:
    """Where the last line's LF is, and where the empty line after it ends, of CRLF or LF; -1: not yet."""
    end = buffer.find(b"\n\r\n", start)
    bare = buffer.find(b"\n\n", start, end + 1 if end >= 0 else len(buffer))
    return (bare, bare + 2) if bare >= 0 else (end, end + 3)


def _length_of(headers: tuple[tuple[str, str], ...]) -> int:
    """Content-Length, which may be there several times if it is the same each time (RFC 9110 §8.6)."""
    found = {part.strip() for name, value in headers if name == "content-length" for part in value.split(",")}
    length = found.pop()
    if found or not length.isdecimal():
        raise ValueError("malformed length")
    return int(length.lstrip("0")[:_DIGITS] or 0)


def _last_of(codings: str) -> str:
    """In lower case; a list may have empty elements (RFC 9110 §5.6.1)."""
    return codings.rstrip(", \t").rpartition(",")[2].strip().lower()


def _chunk_size(line: bytes) -> int:
    digits = line.strip()
    if not digits.isalnum():  # it has an extension, or is none
        digits = digits.partition(b";")[0].rstrip()
    try:
        if digits.isalnum():  # int() takes a sign and _ too, and 0x, but not twice (RFC 9112 §7.1)
            return int(b"0x" + digits, 16)
    except ValueError:
        pass
    raise ValueError("malformed chunk")


class ResponseReader:
    """Takes bytes as they come and gives one Response. `phase` says what is being read."""

    def __init__(self, method: str) -> None:
        self.phase = "headers"
        self.extra = b""
        """What came after the answer: a switched protocol's first bytes, or a fault."""
        self._head_only = method == "HEAD"
        self._buffer = bytearray()
        self._body = bytearray()
        self._status = 0
        self._headers: tuple[tuple[str, str], ...] = ()
        self._close = False
        self._left: int | None = (
            None  # bytes of body or chunk still to come; None: until the end of the connection
        )
        self._chunked = False
        self._within = False
        """The last chunk's line has not ended yet."""

    def feed(self, data: bytes) -> Response | None:
        """Take bytes; return the answer once it is complete. Raises ValueError if it is not HTTP."""
        self._buffer += data
        if self.phase == "headers" and not self._read_head():
            return None
        return self._read_chunks() if self._chunked else self._read_plain()

    def end(self) -> Response:
        """Take the end of the connection. Raises EOFError unless the answer was to end with it."""
        if self.phase != "body" or self._chunked or self._left is not None:
            before = self.phase == "headers" and not self._buffer
            raise EOFError("closed before the answer" if before else "closed within the answer")
        return self._done()

    def _read_head(self) -> bool:
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            after = end + 4
            if end < 0:
                end, after = _end_of_lines(self._buffer)
            if end < 0:
                if not _BEGINS.startswith(bytes(self._buffer[: len(_BEGINS)])):
                    raise ValueError("not an HTTP answer")  # at once: who speaks first may say no more
                if len(self._buffer) > MAX_HEAD:
                    raise ValueError("headers too long")
                return False
            try:
                self._status, old, self._headers = parse_head(bytes(self._buffer[:end]))
            except ValueError:  # the head may have ended before, with LFs alone: an empty line is no header
                end, after = _end_of_lines(self._buffer)
                self._status, old, self._headers = parse_head(bytes(self._buffer[:end]))
            del self._buffer[:after]
            if self._status >= 200 or self._status == 101:
                self._read_framing(old)
                self.phase = "body"
                return True

    def _read_framing(self, old: bool) -> None:
        fields = dict(self._headers)
        plain = len(fields) == len(self._headers)
        if not plain:
            for several in ("connection", "transfer-encoding"):  # lists over several lines (RFC 9110 §5.3)
                fields[several] = ",".join(value for name, value in self._headers if name == several)
        connection = fields.get("connection", "").lower()
        self._close = "close" in connection or (old and "keep-alive" not in connection)
        if self._head_only or self._status in (101, 204, 304):
            self._left = 0
        elif coding := fields.get("transfer-encoding"):  # whatever Content-Length says (RFC 9112 §6.3)
            if coding == "chunked" or _last_of(coding) == "chunked":
                self._chunked, self._left = True, 0
        elif (length := fields.get("content-length")) is not None:
            once = plain and length.isdecimal() and len(length) <= _DIGITS  # nearly always, and at once
            self._left = int(length) if once else _length_of(self._headers)
            if self._left > MAX_BODY:
                self.phase = "body"
                raise ValueError(TOO_LONG)

    def _read_plain(self) -> Response | None:
        if self._left is None:
            self._keep_body(len(self._buffer))
            return None
        self._left -= self._keep_body(self._left)
        return None if self._left else self._done()

    def _keep_body(self, most: int) -> int:
        part = self._buffer[:most]
        del self._buffer[:most]
        self._body += part
        if len(self._body) > MAX_BODY:
            raise ValueError(TOO_LONG)
        return len(part)

    def _read_chunks(self) -> Response | None:
        assert self._left is not None
        while True:
            if self._left:
                self._left -= self._keep_body(self._left)
                if self._left:
                    return None
            if self._within:
                if not self._buffer.startswith((b"\r\n", b"\n")):
                    if not self._buffer or self._buffer == b"\r":
                        return None
                    raise ValueError("malformed chunk")
                del self._buffer[: self._buffer.index(b"\n") + 1]
                self._within = False
            end = self._buffer.find(b"\n")
            if end < 0:
                self._check_lines("malformed chunk")
                return None
            self._left = _chunk_size(bytes(self._buffer[:end]))
            if not self._left:
                return self._read_trailer(end)
            if len(self._body) + self._left > MAX_BODY:
                raise ValueError(TOO_LONG)
            del self._buffer[: end + 1]
            self._within = True

    def _read_trailer(self, start: int) -> Response | None:
        end, after = _end_of_lines(self._buffer, start)
        if end < 0:
            self._check_lines("trailer too long")
            return None
        del self._buffer[:after]
        return self._done()

    def _check_lines(self, reason: str) -> None:
        if len(self._buffer) > MAX_HEAD:
            raise ValueError(reason)

    def _done(self) -> Response:
        self.phase = "done"
        self.extra = bytes(self._buffer)
        # Bytes that nobody asked for would be taken for the next answer: such a connection is not used again.
        until_end = self._left is None
        keep = not (self._close or until_end or self.extra or self._status == 101)
        return Response(self._status, self._headers, bytes(self._body), keep)
