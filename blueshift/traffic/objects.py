"""Access lines that are JSON objects: what is asked for is found by its key; the rest is not looked at."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from blueshift.traffic.instants import instant
from blueshift.traffic.layouts import Layout, Path
from blueshift.traffic.logs import TIME, Line, first_said, line_of

Found = tuple[tuple[bytes, ...], bytes]
"""What requests are told apart by, and the client."""
_ZEROS = re.compile(rb"(:\s*+)0+(0|[1-9]\d*+)(?=\s*+[,}])")
"""Of nginx: a backend's answer without a status is written `009`, which is no JSON number."""

_NO_NUMBER = re.compile(rb"((?<!\\)\"\s*+:\s*+)(?:[\d.-]++(?:(?:,| :) ?[\d.-]++)++|-|)(?=\s*+[,}])")
"""Of nginx, where a format has no quotes around a number: `-` or nothing for none, a list of upstreams'."""

_HEX = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
"""Of nginx without `log-format-escape-json`: a quote in a value is `\\x22`, no escape of JSON's."""
_DECODE = msgspec.json.Decoder(dict[str, Any]).decode


def finder(
    keys: Mapping[str, Path], wanted: Sequence[Sequence[str]], own: bytes, *, guessed: bool = False
) -> Callable[[Iterable[bytes]], Iterator[Found | None]]:
    """Cuts time, status, …, client and agent out of each line: of each the first wanted variable that says
    anything.

    These keys alone are decoded. None for a line that is not as usual, or whose agent is our `own`; where the
    keys were guessed also for one that names no client: it may be of another kind.
    """
    names = [name for role in wanted for name in role if name in keys]
    kind, at = _object([keys[name] for name in names])
    decode = msgspec.json.Decoder(kind).decode
    reads = [_reading([at[keys[name]] for name in role if name in keys]) for role in wanted]
    has_status = "status" in keys

    def find(lines: Iterable[bytes]) -> Iterator[Found | None]:
        for line in lines:
            try:
                found = decode(line)
            except (ValueError, RecursionError):  # no JSON, or bytes that are no UTF-8; nested deeply
                yield None
                continue
            *key, client, agent = [read(found) for read in reads]
            usual = not (
                agent.startswith(own) or (has_status and not _is_status(key[1])) or (guessed and not client)
            )
            yield (tuple(key), client) if usual else None

    return find


def _object(paths: Iterable[Path]) -> tuple[type[Any], dict[Path, str]]:
    """A type that holds the values at these places and nothing else, and the attribute of each."""
    below: dict[str, list[Path]] = {}
    for key, *rest in paths:
        below.setdefault(key, []).append(tuple(rest))
    fields: list[tuple[str, Any, Any]] = []
    at: dict[Path, str] = {}
    rename: dict[str, str] = {}
    for number, (key, rests) in enumerate(below.items()):
        name = f"f{number}"
        rename[name] = key
        if rests[0]:
            kind, inner = _object(rests)
            fields.append((name, kind, msgspec.field(default_factory=kind)))
            at |= {(key, *rest): f"{name}.{attribute}" for rest, attribute in inner.items()}
        else:
            fields.append((name, Any, None))
            at[key,] = name
    return msgspec.defstruct("Object", fields, rename=rename), at


def _reading(attributes: Sequence[str]) -> Callable[[object], bytes]:
    each = [attrgetter(attribute) for attribute in attributes]
    if not each:
        return lambda found: b""
    if len(each) == 1:
        (get,) = each
        return lambda found: _written(get(found))
    return lambda found: first_said([_written(get(found)) for get in each])


def value_of_object(path: Path) -> Callable[[bytes], bytes]:
    """Cuts one value out of a line; the whole line stands for one that is no text, but is one."""
    kind, at = _object([path])
    decode, get = msgspec.json.Decoder(kind).decode, attrgetter(at[path])

    def of_object(line: bytes) -> bytes:
        try:
            return _written(get(decode(line)))
        except (ValueError, RecursionError):  # such as an id that is no UTF-8
            return line

    return of_object


def line_of_object(layout: Layout, line: bytes) -> Line | None:
    """A line by its keys: an access if it has a status, whatever stands in the other fields."""
    found = decoded(line)
    if found is None:
        return None
    with contextlib.suppress(ValueError):  # such as an instant that is none
        values = {name: _written(_at(found, path)) for name, path in layout.keys.items()}
        if "status" in values and not _is_status(values["status"]):
            return None
        known = {name: value for name, value in values.items() if _readable(name, value)}
        return line_of(known, "none", layout.per_second)
    return None


def decoded(line: bytes) -> dict[str, Any] | None:
    """An object, also where nginx wrote what is none of JSON's; None for anything else."""
    with contextlib.suppress(ValueError, RecursionError):  # no JSON; nested deeply
        return _DECODE(line)
    sound = _HEX.sub(rb"\1\\u00\2", _NO_NUMBER.sub(rb"\1null", _ZEROS.sub(rb"\1\2", line)))
    with contextlib.suppress(ValueError, RecursionError):
        return _DECODE(sound.decode(errors="replace"))
    return None


def _at(found: object, path: Path) -> object:
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


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
