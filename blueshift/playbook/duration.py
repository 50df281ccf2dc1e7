"""Lengths of time as people write them: `90`, `"90s"`, `"5m"`, `"1h30m"`, `"2d"`."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import msgspec

SCALAR = "duration"

Seconds: TypeAlias = Annotated[
    float,
    msgspec.Meta(ge=0, extra={"scalar": SCALAR}, extra_json_schema={"type": ["number", "string"]}),
]
"""Seconds in a settings type; the loader takes every form of `parse_seconds` for it."""

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_FORM = re.compile(
    r"(?:(?P<d>\d+(?:\.\d+)?)d)?(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?"
    r"(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?",
    re.ASCII,
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONGEST = 10 * 366 * 86400.0


def parse_seconds(text: str) -> float:
    """Return the seconds that `text` means: a bare number, or units from large to small, each once.

    Raises ValueError, with what is expected, for anything else and for more than ten years.
    """
    bare = text.strip()
    if len(bare) <= 40:
        if _NUMBER.fullmatch(bare):
            return _bounded(float(bare))
        match = _FORM.fullmatch(bare)
        if match is not None and bare:
            return _bounded(
                sum(float(amount) * _UNITS[unit] for unit, amount in match.groupdict().items() if amount)
            )
    raise ValueError("expected a length of time, such as 90s, 5m or 1h30m")


def _bounded(seconds: float) -> float:
    if seconds > _LONGEST:
        raise ValueError("a length of time of more than ten years")
    return seconds


def format_seconds(seconds: float) -> str:
    """Return `seconds` (rounded to milliseconds) in the shortest form that `parse_seconds` reads back."""
    left = round(seconds * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"
