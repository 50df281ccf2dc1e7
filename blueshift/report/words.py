"""Times and marks in the words that every view uses. Instants are UTC, so that two people may compare."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class Marks(NamedTuple):
    """One character per state of a step: read without colour."""

    done: str
    now: str
    todo: str
    held: str
    levels: str
    """From nothing to the most, for small curves; empty where they cannot be shown."""


UNICODE = Marks("✓", "▶", "·", "■", "▁▂▃▄▅▆▇█")
ASCII = Marks("x", ">", ".", "#", "")


def marks(encoding: str | None) -> Marks:
    """Marks that the stream can show."""
    return UNICODE if (encoding or "").lower().replace("-", "").startswith("utf") else ASCII


def escaped(text: str) -> str:
    """What a stranger wrote, such as a client into a log: its control characters cannot move the cursor."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def flat(text: str) -> str:
    """On one line."""
    return " ".join(text.split())


def like(sentence: str) -> str:
    """A sentence without its figures and its list, to tell another reason from the same one later."""
    return re.sub(r"\d+(?:[.:]\d+)*", "#", listed(sentence)[0])


def listed(sentence: str) -> tuple[str, tuple[str, ...]]:
    """A sentence, and the list in square brackets that it ends with."""
    head, bracket, rest = flat(sentence).removesuffix("]").partition(" [")
    return (head, tuple(rest.split("; "))) if bracket and sentence.endswith("]") else (flat(sentence), ())


def cut(text: str, most: int = 1500) -> str:
    """At most so many characters, and how many more there are: with 2,500 hosts a command fills pages."""
    left = len(text) - most
    return f"{text[:most]} … ({left} characters more: -o json has all)" if left > 0 else text


def curve(values: Sequence[float | None], most: float, levels: str) -> str:
    """A small curve, one character for each value up to `most`; a blank where it is not known."""
    top = len(levels) - 1
    return "".join(" " if one is None else levels[round(min(1.0, one / most) * top)] for one in values)


def length(seconds: float) -> str:
    """A duration: `41 s`, `3 min 05 s`, `1 h 05 min`, `2 d 03 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60:02} s" if whole % 60 else "")
    if whole < 86400:
        minutes = whole % 3600 // 60
        return f"{whole // 3600} h" + (f" {minutes:02} min" if minutes else "")
    hours = whole % 86400 // 3600
    return f"{whole // 86400} d" + (f" {hours:02} h" if hours else "")


def after(seconds: float) -> str:
    """That something came so long after it was begun, where that is longer than an answer takes."""
    return f" after {length(seconds)}" if seconds >= 1 else ""


def instant(at: datetime, now: datetime | None = None) -> str:
    """To the second, `2026-11-24 12:04:11Z`; without the date when that is `now`'s."""
    return f"{at:%H:%M:%S}Z" if now and at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S}Z"


def span(since: datetime, until: datetime | None, now: datetime) -> str:
    """Since when and until when: `since 12:04:11Z (41 s), until 12:06:00Z (in 1 min 08 s)`."""
    told = f"since {instant(since, now)} ({length((now - since).total_seconds())})"
    if until is None:
        return f"{told}, without a deadline"
    left = (until - now).total_seconds()
    return f"{told}, until {instant(until, now)} " + (f"(in {length(left)})" if left > 0 else "(now over)")


def latency(seconds: float | None) -> str:
    """`41 ms`, `1.25 s`; `?` where it is not known."""
    if seconds is None:
        return "?"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def share(part: float | None, whole: float | None) -> str:
    """A share in percent: `0.25 %`; `?` where it is not known, or nothing came."""
    return f"{100 * part / whole:.2f} %" if part is not None and whole else "?"


def rate(per_second: float | None) -> str:
    """A rate, or `?` where it is not known: no data never looks like zero."""
    return "?" if per_second is None else f"{per_second:.1f}"
