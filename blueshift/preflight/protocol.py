"""What a check is: a pure function of a World, in one table with its id and severity.

A check yields what it saw. One that yields nothing, raises, or lacks what it needs to know was not looked:
that is never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from blueshift.discovery.world import World

Area: TypeAlias = Literal["helm", "cluster", "controller", "dns"]
Severity: TypeAlias = Literal["error", "warning", "info"]
Outcome: TypeAlias = Literal["pass", "fail", "warn", "info", "not-looked"]
Result: TypeAlias = Literal[Outcome, "acknowledged", "skipped"]
"""What comes of an outcome when a person had a word about the check (see `waivers`)."""


class Seen(msgspec.Struct, frozen=True):
    """One thing that a check saw."""

    outcome: Outcome
    sentence: str
    """What was seen."""
    remedy: str = ""
    """What to do about it."""
    objects: tuple[str, ...] = ()
    """Each object that is meant."""
    stops: bool = True
    """Whether this outcome of an `error` check stops an upgrade; read for `fail` and `not-looked` alone."""


Function: TypeAlias = Callable[[World], Iterator[Seen]]


class Check(msgspec.Struct, frozen=True):
    """One line of the table."""

    id: str
    severity: Severity
    summary: str
    """What it makes sure of."""
    run: Function

    @property
    def area(self) -> Area:
        """The part of the world that it is about: the id's first word, a controller's name being one."""
        first = self.id.partition("-")[0]
        return first if first in ("helm", "cluster", "dns") else "controller"  # type: ignore[return-value]

    @property
    def link(self) -> str:
        """Where the documentation speaks of it; tools/checks_doc.py writes the anchor."""
        return f"docs/checks.md#{self.id}"


class Finding(msgspec.Struct, frozen=True):
    """What one check saw, complete."""

    check: str
    area: Area
    severity: Severity
    outcome: Result
    sentence: str
    remedy: str = ""
    objects: tuple[str, ...] = ()
    stops: bool = False
    """Whether an upgrade must not start (exit 3)."""
    link: str = ""
    """Where the documentation speaks of the check."""


def passed(sentence: str, *objects: str) -> Seen:
    """It is as it should be."""
    return Seen("pass", sentence, objects=objects)


def fails(sentence: str, remedy: str, objects: Iterable[str] = ()) -> Seen:
    """It is not as it should be."""
    return Seen("fail", sentence, remedy, tuple(objects))


def warns(sentence: str, remedy: str = "", objects: Iterable[str] = ()) -> Seen:
    """It may be wrong, and a person should know."""
    return Seen("warn", sentence, remedy, tuple(objects))


def tells(sentence: str, objects: Iterable[str] = ()) -> Seen:
    """A consequence that a person should know."""
    return Seen("info", sentence, objects=tuple(objects))


def finding(check: Check, seen: Seen) -> Finding:
    """What a check saw, with what the table says of it."""
    bad = seen.outcome in ("fail", "not-looked")
    return Finding(
        check=check.id,
        area=check.area,
        severity=check.severity,
        outcome=seen.outcome,
        sentence=seen.sentence,
        remedy=seen.remedy,
        objects=seen.objects,
        stops=bad and seen.stops and check.severity == "error",
        link=check.link,
    )


def failed(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that stop an upgrade."""
    return tuple(one for one in findings if one.stops)


def brief(items: Sequence[str], most: int = 3) -> str:
    """The first few of many."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more} more" if more > 0 else "")
