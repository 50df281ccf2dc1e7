"""What the lab's zone holds: some forty names of every kind that a shift must move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from blueshift.dns.records import RecordSet

ZONE = "lab.test"
SHARED = f"edge.{ZONE}"
"""What the alias points at, so that a shift has to swap the last name of a chain."""
APPS = tuple(f"app{number:02d}.{ZONE}" for number in range(1, 37))
WILDCARD = f"*.wild.{ZONE}"
HOSTS = (ZONE, WILDCARD, SHARED, *APPS)
ALIASES: Mapping[str, str] = {f"shop.{ZONE}": SHARED}
TTL = 60
"""Seconds."""


def records(
    addresses: Sequence[str],
    *,
    hosts: Sequence[str] = HOSTS,
    aliases: Mapping[str, str] = ALIASES,
    ttl: int = TTL,
) -> tuple[RecordSet, ...]:
    """A and AAAA sets of every host, for the families that `addresses` has, and the CNAMEs of the aliases."""
    found: list[RecordSet] = []
    for version, kind in ((4, "A"), (6, "AAAA")):
        values = tuple(address for address in addresses if ip_address(address).version == version)
        if values:
            found += [RecordSet(name=host, type=kind, ttl=ttl, values=values) for host in hosts]
    found += [RecordSet(name=name, type="CNAME", ttl=ttl, values=(to,)) for name, to in aliases.items()]
    return tuple(found)
