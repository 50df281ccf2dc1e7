"""Record sets of a batch in few words: for intents, and for what somebody else changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blueshift.dns.records import Change, RecordSet

_SHOWN = 20


def kinds(records: Iterable[RecordSet | None]) -> list[str]:
    """Each kind of record set once: the names are in the run's inputs."""
    seen: list[str] = []
    for record in records:
        text = f"{record.type} {record.ttl} {' '.join(record.values)}" if record else "nothing"
        if text not in seen:
            seen.append(text)
    return seen[:_SHOWN]


def difference(changes: Sequence[Change], now: Sequence[RecordSet | None]) -> str:
    """Record sets that are neither as expected nor as wanted; empty when each is one of the two."""
    lines: list[str] = []
    for change, record in zip(changes, now, strict=True):
        if record not in (change.expected, change.desired):
            lines.append(f"  {change.name} {change.type}: expected {change.expected}, is {record}")
    return "\n".join(lines[:_SHOWN])
