"""What preflight found, as text: what stops an upgrade first, then the rest, each with its remedy."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from blueshift.preflight.protocol import Finding

# In the order in which they are shown.
_WORDS = {
    "fail": "FAIL",
    "not-looked": "NOT LOOKED",
    "skipped": "SKIPPED",
    "warn": "warn",
    "acknowledged": "acknowledged",
    "info": "info",
    "pass": "pass",
}
# 2,500 hosts are no reading matter; `-o json` has every object.
MOST_OBJECTS = 8
_INDENT = " " * 12


def findings_text(findings: Sequence[Finding], *, width: int = 100) -> str:
    """Every finding, and a line that counts them; `width` in columns."""
    return "\n".join([*_shown(findings, width), "", _count(findings)])


def notes_text(findings: Sequence[Finding], *, width: int = 100) -> str:
    """What a person should know although nothing stops an upgrade; empty where there is nothing."""
    return "\n".join(_shown([one for one in findings if one.outcome != "pass" and not one.stops], width))


def _shown(findings: Sequence[Finding], width: int) -> list[str]:
    order = list(_WORDS)
    ordered = sorted(findings, key=lambda one: (not one.stops, order.index(one.outcome)))
    return [line for one in ordered for line in _lines(one, width)]


def _lines(one: Finding, width: int) -> Iterator[str]:
    said = f"{one.check}: {one.sentence}"
    yield from _wrapped(f"{_WORDS[one.outcome]:<11} ", said, width)
    for item in one.objects[:MOST_OBJECTS]:
        yield f"{_INDENT}- {item}"
    if len(one.objects) > MOST_OBJECTS:
        yield f"{_INDENT}- and {len(one.objects) - MOST_OBJECTS} more (-o json has all)"
    if one.remedy:
        yield from _wrapped(f"{_INDENT}→ ", one.remedy, width)
    if one.link and one.outcome != "pass":
        yield f"{_INDENT}{one.link}"


def _wrapped(begin: str, text: str, width: int) -> Iterator[str]:
    after = " " * len(begin)
    for part in text.splitlines():
        yield from textwrap.wrap(
            part, max(width, 40), initial_indent=begin, subsequent_indent=after, break_on_hyphens=False
        )
        begin = after


def _count(findings: Sequence[Finding]) -> str:
    found: Counter[str] = Counter(one.outcome for one in findings)
    counted = ", ".join(f"{found[name]} {name.replace('-', ' ')}" for name in _WORDS if found[name])
    stops = sum(one.stops for one in findings)
    return f"{counted}: " + (f"{stops} of these stop an upgrade" if stops else "nothing stops an upgrade")
