"""Access lines that are JSON objects: what is asked for is found by its key; the rest is not looked at."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from blueshift.traffic.instants import instant
from blueshift.traffic.layouts import Layout
from blueshift.traffic.logs import TIME, Line, first_said, line_of

Found = tuple[tuple[bytes, ...], bytes]
"""What requests are told apart by, and the client."""
_ZEROS = re.compile(rb"(:\s*)0+(\d+\s*[,}])")
"""Of nginx: a backend's answer without a status is written `009`, which is no JSON number."""

_HEX = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
"""Of nginx without `log-format-escape-json`: a quote in a value is `\\x22`, no escape of JSON's."""


def finder(
    keys: Mapping[str, str], wanted: Sequence[Sequence[str]], own: bytes
) -> Callable[[Iterable[bytes]], Iterator[Found | None]]:
    """Cuts time, status, …, client and agent out of each line: of each the first wanted variable that says
    anything.

    These keys alone are decoded. None for a line that is not as usual, or whose agent is our `own`.
    """
    names = [name for role in wanted for name in role if name in keys]
    rename = {f"f{number}": keys[name] for number, name in enumerate(names)}
    fields = [(field, Any, None) for field in rename]
    decode = msgspec.json.Decoder(msgspec.defstruct("Object", fields, rename=rename)).decode
    reads = [_reading([f"f{names.index(name)}" for name in role if name in keys]) for role in wanted]
    has_status = "status" in keys

    def find(lines: Iterable[bytes]) -> Iterator[Found | None]:
        for line in lines:
            try:
                found = decode(line)
            except (ValueError, RecursionError):  # no JSON, or bytes that are no UTF-8; nested deeply
                yield None
                continue
            *key, client, agent = [read(found) for read in reads]
            usual = not (agent.startswith(own) or (has_status and not _is_status(key[1])))
            yield (tuple(key), client) if usual else None

    return find


def _reading(fields: Sequence[str]) -> Callable[[object], bytes]:
    if not fields:
        return lambda found: b""
    if len(fields) == 1:
        (field,) = fields
        return lambda found: _written(getattr(found, field))
    return lambda found: first_said([_written(getattr(found, field)) for field in fields])


def value_of_object(key: str) -> Callable[[bytes], bytes]:
    """Cuts one value out of a line; the whole line stands for one that is no text, but is one."""
    kind = msgspec.defstruct("Object", [("value", Any, None)], rename={"value": key})
    decode = msgspec.json.Decoder(kind).decode

    def of_object(line: bytes) -> bytes:
        try:
            return _written(getattr(decode(line), "value", None))
        except (ValueError, RecursionError):  # such as an id that is no UTF-8
            return line

    return of_object


def line_of_object(layout: Layout, line: bytes) -> Line | None:
    """A line by its keys: an access if it has a status, whatever stands in the other fields."""
    sound = _HEX.sub(rb"\1\\u00\2", _ZEROS.sub(rb"\1\2", line)).decode(errors="replace")
    with contextlib.suppress(ValueError, RecursionError):  # no JSON; nested deeply
        found = msgspec.json.decode(sound, type=dict[str, Any])
        values = {name: _written(found.get(key)) for name, key in layout.keys.items()}
        if "status" in values and not _is_status(values["status"]):
            return None
        known = {name: value for name, value in values.items() if _readable(name, value)}
        return line_of(known, "none", layout.per_second)
    return None


def _is_status(value: bytes) -> bool:
    return value.isdigit() and len(value) <= 3


def _readable(name: str, value: bytes) -> bool:
    """Whether it is what `line_of` takes for a time or a number of bytes, or is neither."""
    if name in TIME:
        with contextlib.suppress(ValueError):
            return instant(value) > 0
        return False
    return name not in ("body_bytes_sent", "bytes_sent") or value.isdigit()


def _written(value: object) -> bytes:
    """A value as it was written; nothing for what is no single value."""
    if isinstance(value, str):
        return value.encode()
    return b"" if value is None or isinstance(value, (dict, list)) else msgspec.json.encode(value)
