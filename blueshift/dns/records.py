"""Names, record sets and the changes between them; free of dnspython, so that plans load fast."""

from __future__ import annotations

import ipaddress
import re
from typing import TypeAlias

import msgspec

_TYPE = re.compile(r"[A-Z][A-Z0-9-]*", re.ASCII)
Question: TypeAlias = tuple[str, str]
"""(name, type), such as ("shop.example.org", "AAAA")."""


def canonical(name: str) -> str:
    """Return a domain name as we keep it: lower-case, IDNA-encoded, without the trailing dot; root is "."."""
    bare = name.strip().rstrip(".").lower()
    if not bare.isascii():
        bare = bare.encode("idna").decode()
    return bare or "."


def parents(name: str) -> tuple[str, ...]:
    """Return the names above `name`, nearest first, without the root: "a.b.c" gives ("b.c", "c")."""
    labels = name.split(".")
    return tuple(".".join(labels[start:]) for start in range(1, len(labels)))


def within(name: str, zone: str) -> bool:
    """Tell whether `name` is `zone` itself or below it."""
    return zone == "." or name == zone or name.endswith("." + zone)


def _value(rdtype: str, value: str) -> str:
    """Return one value as it is compared: addresses in their short form, host names as `canonical`."""
    if rdtype in {"A", "AAAA"}:
        address = ipaddress.ip_address(value)
        if address.version != (4 if rdtype == "A" else 6):
            raise ValueError(f"{value} is no address for a record of type {rdtype}")
        return str(address)
    if rdtype in {"CNAME", "NS", "PTR"}:
        return canonical(value)
    return value


class RecordSet(msgspec.Struct, frozen=True):
    """All records of one name and type. Name and values are brought into one form when it is made."""

    name: str
    """Lower-case, without trailing dot; `*.x` for a wildcard."""
    type: str
    """As in zone files: "A", "AAAA", "CNAME", "TXT"…"""
    ttl: int
    """Seconds."""
    values: tuple[str, ...]
    """Sorted, each once; at least one."""

    def __post_init__(self) -> None:
        rdtype = self.type.upper()
        if not _TYPE.fullmatch(rdtype):
            raise ValueError(f"{self.type!r} is no type of records")
        values = tuple(sorted({_value(rdtype, value) for value in self.values}))
        if not values:
            raise ValueError(f"a record set without values: {self.name} {rdtype}")
        if not 0 <= self.ttl <= 0x7FFFFFFF:  # RFC 2181 §8
            raise ValueError(f"a TTL must be within 0 and 2147483647 seconds: {self.ttl}")
        msgspec.structs.force_setattr(self, "name", canonical(self.name))
        msgspec.structs.force_setattr(self, "type", rdtype)
        msgspec.structs.force_setattr(self, "values", values)

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} {self.type} {' '.join(self.values)}"


def described(records: RecordSet | None) -> str:
    """Values and TTL of a record set, for a person."""
    return "nothing" if records is None else f"{' '.join(records.values)} (TTL {records.ttl})"


class Change(msgspec.Struct, frozen=True):
    """One step of a swap: what must stand now (None: nothing), and what shall stand then (None: nothing)."""

    name: str
    type: str
    expected: RecordSet | None
    desired: RecordSet | None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "name", canonical(self.name))
        msgspec.structs.force_setattr(self, "type", self.type.upper())
        if self.expected is None and self.desired is None:
            raise ValueError(f"a change from nothing to nothing: {self.name} {self.type}")
        for side in (self.expected, self.desired):
            if side is not None and (side.name, side.type) != (self.name, self.type):
                raise ValueError(f"a change of {self.name} {self.type} speaks of {side.name} {side.type}")

    @property
    def question(self) -> Question:
        """Return what to ask to see where this change stands."""
        return (self.name, self.type)
