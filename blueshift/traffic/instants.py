"""The times and durations of access lines, as nginx writes them and as others do."""

from __future__ import annotations

import contextlib
import math
import re
from datetime import UTC, datetime
from functools import lru_cache

_LOCAL = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d\d)(\d\d)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _local(written: str) -> float:
    """`$time_local`, in a third of the time that strptime takes, and in no other language."""
    found = _LOCAL.fullmatch(written)
    if found is None:
        raise ValueError(f"{written} is no time")
    day, year, hour, minute, second = map(int, found.group(1, 3, 4, 5, 6))
    offset = int(found[7]) * 3600 + int(found[7][0] + found[8]) * 60
    month = _MONTHS.index(found[2]) + 1
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() - offset


def duration(text: bytes | None, per_second: float = 1.0) -> float | None:
    """Seconds of a duration as it was written, of which so many make one (1000: it is in milliseconds).

    None for what is none: it was not told, is `-`, has a unit behind it, or is no finite number.
    """
    with contextlib.suppress(ValueError):
        seconds = float(text or b"-") / per_second
        return seconds if math.isfinite(seconds) else None
    return None


_LATEST = 1e11
"""Seconds since the epoch; what is beyond is not seconds."""


@lru_cache(maxsize=64)
def instant(text: bytes) -> float:
    """Seconds since the epoch of `$msec`, `$time_local` or `$time_iso8601`; 0 for none.

    A number after the year 5138 is one of milliseconds. Raises ValueError for what is no instant, and for a
    time without its zone.
    """
    # Lines come in order: the same second again and again.
    if not text:
        return 0.0
    written = text.decode()
    if "/" in written[:3]:
        at = _local(written)
    elif "T" in written:
        when = datetime.fromisoformat(written)
        if when.tzinfo is None:
            raise ValueError(f"{written} in an unknown zone")
        at = when.timestamp()
    else:
        at = float(written)
        at = at / 1000 if at > _LATEST else at
    if not 0 <= at <= _LATEST:  # such as the year 1, Go's for none; or no number
        raise ValueError(f"{written} is no time of an access")
    return at
