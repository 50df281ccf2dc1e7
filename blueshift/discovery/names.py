"""Where each host's name leads, judged: pure functions of what DNS answered and the primary's addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from blueshift.discovery.proxies import proxy_of
from blueshift.discovery.world import NameFact, NameState, ServiceFact, front
from blueshift.dns.records import RecordSet

_SHOWN = 4


class Trail(msgspec.Struct, frozen=True):
    """What DNS answers for one host, its aliases followed."""

    host: str
    name: str
    """The record at which it ends; `*.x` where a wildcard answers. Empty where the look failed."""
    zone: str = ""
    records: tuple[RecordSet, ...] = ()
    """The A and AAAA sets that stand there."""
    chain: tuple[str, ...] = ()
    """Targets of the aliases on the way, in order."""
    writable: bool = True
    """Whether the name is in a zone that our DNS backend holds."""
    unknown: str = ""
    """Why it could not be looked up."""


class Sides(msgspec.Struct, frozen=True):
    """The addresses by which the primary is reached."""

    front: frozenset[str]
    """Of the Services of which names are moved."""
    others: frozenset[str]
    """Of the internal one beside an external one."""
    hostnames: frozenset[str]


def sides_of(services: Iterable[ServiceFact]) -> Sides:
    """The primary's addresses by its Services."""
    services = tuple(services)
    first = front(services)
    in_front = [one for one in services if first and one.role == first.role]
    return Sides(
        front=frozenset(address for one in in_front for address in one.addresses),
        others=frozenset(a for one in services if one not in in_front for a in one.addresses),
        hostnames=frozenset(one.hostname for one in services if one.hostname),
    )


def classify(trails: Iterable[Trail], sides: Sides) -> tuple[NameFact, ...]:
    """One fact for each name at which trails end, with all the hosts that end there, by name.

    A name moves only as a whole: one of which a part points elsewhere is left to a person, since a swap of
    the rest would decide for them. A failed look is in no fact (see `unknown`).
    """
    ends: dict[str, list[Trail]] = {}
    for trail in trails:
        if not trail.unknown:
            ends.setdefault(trail.name, []).append(trail)
    return tuple(_fact(name, together, sides) for name, together in sorted(ends.items()))


def unknown(trails: Iterable[Trail]) -> dict[str, str]:
    """Hosts whose names could not be looked up, and why."""
    return {trail.host: trail.unknown for trail in trails if trail.unknown}


def _fact(name: str, trails: Sequence[Trail], sides: Sides) -> NameFact:
    first = trails[0]
    state, why = judge(first, sides)
    return NameFact(
        name=name,
        zone=first.zone,
        state=state,
        hosts=tuple(sorted({trail.host for trail in trails})),
        records=first.records,
        why=why,
        here=_here(first, sides),
        balancer=_balancer(first, sides),
    )


def _here(trail: Trail, sides: Sides) -> bool:
    """Whether clients that use the name come to the primary, all or a part of them."""
    values = {value for record in trail.records for value in record.values}
    return bool(_balancer(trail, sides) or values & (sides.front | sides.others))


def _balancer(trail: Trail, sides: Sides) -> str:
    return next((name for name in (*trail.chain, trail.name) if name in sides.hostnames), "")


def judge(trail: Trail, sides: Sides) -> tuple[NameState, str]:
    """The state of a name and why."""
    passed = (*trail.chain, trail.name)
    if met := _balancer(trail, sides):
        return "elsewhere", f"it is an alias of {met}, the load balancer's own name"
    values = [value for record in trail.records for value in record.values]
    if proxy := proxy_of(passed, values):
        return "proxied", f"{proxy} answers for it: its origin is set there and not in DNS"
    if not values:
        why = f"its alias {trail.chain[-1]} has no address" if trail.chain else "there is no A or AAAA record"
        return "none", why
    ours = [value for value in values if value in sides.front]
    if not ours:
        inside = any(value in sides.others for value in values)
        note = ", which is the internal Service: its names are not moved" if inside else ""
        return "elsewhere", f"it points at {_brief(values)}{note}"
    if len(ours) < len(values):
        others = [value for value in values if value not in sides.front]
        return "elsewhere", f"only a part of it points here ({_brief(ours)}), the rest at {_brief(others)}"
    if not trail.writable:
        return "elsewhere", f"it points here, from {trail.name}, which is in no zone that our backend holds"
    return "move", ""


def wildcard_candidates(host: str, parents: Sequence[str], zone: str) -> tuple[str, ...]:
    """The wildcards that may answer for a host, nearest first: RFC 4592 takes the closest one."""
    if host.startswith("*."):
        return ()
    return tuple(f"*.{parent}" for parent in parents if parent == zone or parent.endswith("." + zone))


def alike(one: Sequence[RecordSet], other: Sequence[RecordSet]) -> bool:
    """Whether two names hold the same records but for their name, as a wildcard's answer does."""
    return _content(one) == _content(other)


def _content(records: Sequence[RecordSet]) -> Mapping[str, tuple[int, tuple[str, ...]]]:
    return {record.type: (record.ttl, record.values) for record in records}


def _brief(values: Sequence[str]) -> str:
    more = len(values) - _SHOWN
    return ", ".join(values[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
