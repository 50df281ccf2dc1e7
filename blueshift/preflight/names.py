"""Checks of the names that move: their TTLs, families, and what they are in their zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blueshift.discovery.found import found, found_for
from blueshift.discovery.seen import Hosts, Rights
from blueshift.discovery.world import NameFact, ServiceFact, World, front
from blueshift.dns.records import RecordSet
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns

_HOUR, _DAY = 3600, 86400


def ttl(world: World) -> Iterator[Seen]:
    """The TTLs let a run go on within the hour, and the backend can write them."""
    moving = world.moving()
    if not moving:
        yield tells("no name moves, so no TTL matters")
        return
    records = [record for name in moving for record in name.records]
    longest = max(records, key=lambda record: record.ttl)
    slow = _names(record for record in records if record.ttl > _HOUR)
    low = _names(record for record in records if record.ttl < world.dns.min_ttl)
    uneven = [name for name in moving if len({record.ttl for record in name.records}) > 1]
    if slow:
        said = (
            f"{len(slow)} names have a TTL above an hour, the longest {longest.ttl} s ({longest.name} "
            f"{longest.type}): the lowering makes a run wait at least {_length(longest.ttl)}, since "
            "resolvers may hold the old answer for so long"
        )
        if longest.ttl > _DAY:
            remedy = (
                "lower them by hand days before the run, or let the run wait (`--park` leaves it meanwhile)"
            )
            yield warns(said, remedy, slow)
        else:
            yield tells(said, slow)
    if low:
        yield warns(
            f"{len(low)} names have a TTL below {world.dns.min_ttl} s, the backend's minimum, and a run "
            f"never raises one: {brief(low)}; the provider may refuse to write them",
            "set `dns.settings.min_ttl` to what the provider really takes, or raise these TTLs first",
            low,
        )
    if uneven:
        yield tells(
            f"A and AAAA of {len(uneven)} names have different TTLs, so that their clients move at different "
            f"times where nobody lowers them: {brief([_ttls(name) for name in uneven])}",
            [name.name for name in uneven],
        )
    if not (slow or low):
        yield passed(f"no TTL is above {longest.ttl} s, and none below the backend's minimum")


def _names(records: Iterator[RecordSet]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(record.name for record in records))


def _length(seconds: int) -> str:
    hours = seconds / _HOUR
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} hours"


def _ttls(name: NameFact) -> str:
    return f"{name.name} ({', '.join(f'{record.type} {record.ttl} s' for record in name.records)})"


def wildcard_apex(world: World) -> Iterator[Seen]:
    """Names that are more than one plain record are known, and an update can move them."""
    moving = world.moving()
    apex = [name.name for name in moving if name.name == name.zone]
    yield from _made_up(world, apex)
    wild = [name for name in moving if name.name.startswith("*.")]
    if wild:
        yield tells(
            f"{len(wild)} wildcards move as a whole, for every name below them that has no record of its "
            "own, also those that no Ingress serves: "
            + brief([f"{name.name} (for {len(name.hosts)} hosts)" for name in wild]),
            [name.name for name in wild],
        )
    if apex and world.dns.backend != "manual":
        yield tells(
            f"{len(apex)} names are the top of their zone; their A and AAAA records move, and SOA, NS, "
            f"MX and TXT are not touched: {brief(apex)}",
            apex,
        )
    aliased = [
        host for name in moving if name not in wild for host in name.hosts if host.lower() != name.name
    ]
    if aliased:
        yield tells(
            f"{len(aliased)} hosts are aliases (CNAME) of names that move, and move with them: "
            + brief(aliased),
            aliased,
        )
    if not moving:
        yield tells("no name moves")
    elif not (wild or apex or aliased):
        yield passed(
            f"none of {len(moving)} names is a wildcard, the top of a zone, or the target of aliases"
        )


def _made_up(world: World, apex: Sequence[str]) -> Iterator[Seen]:
    """Answers without a record: ALIAS and ANAME are filled in by the server, and look like A records."""
    remedy = "replace it by plain A and AAAA records with the same addresses, at the provider, before the run"
    if world.dns.backend == "manual":
        if apex:
            yield warns(
                f"{len(apex)} names are the top of their zone, where providers offer ALIAS, ANAME or alias "
                f"records; these look like A records from here, and cannot be told apart: {brief(apex)}",
                f"see at the provider what it is; if an alias, {remedy}",
                apex,
            )
        return
    seen = found_for("dns-update-rights", world, Rights)
    if seen.made_up:
        yield fails(
            f"the server answers for {len(seen.made_up)} names with records that it says do not stand there, "
            f"so an update cannot move them (an ALIAS or ANAME, or a wildcard): {brief(seen.made_up)}",
            remedy,
            seen.made_up,
        )


def families(world: World) -> Iterator[Seen]:
    """Every name has the families that the primary serves, and both lead to it."""
    service = front(world.services)
    if service is None or not world.names:
        yield tells("there is no name, or no Service to compare names with")
        return
    seen = found(world, "dns-hosts", Hosts)
    halves = {name: said for name in world.names if (said := _half(name, service))}
    accepted = [name for name in halves if all(map(seen.accepts, name.hosts))]
    split = [name for name in halves if name not in accepted]
    if split:
        yield warns(
            f"{len(split)} names lead to the primary by one family alone and are not moved, since half of "
            f"their clients would stay: {brief([halves[name] for name in split])}",
            "make both families point at the primary, or remove the record of the other family",
            [name.name for name in split],
        )
    if accepted:
        yield tells(
            f"{len(accepted)} names lead to the primary by one family alone, as acknowledged",
            [name.name for name in accepted],
        )
    missing = [(name.name, kind) for name in world.moving() for kind in _missing(name, service)]
    for kind, family in (("A", "IPv4"), ("AAAA", "IPv6")):
        names = [name for name, lacks in missing if lacks == kind]
        if names:
            yield tells(
                f"the primary has {family}, and {len(names)} names that move have no {kind} record; a run "
                f"makes none: {brief(names)}",
                names,
            )
    if not (halves or missing):
        yield passed(f"all {len(world.moving())} names that move have the families of {service.name}")


def _half(name: NameFact, service: ServiceFact) -> str:
    """How a name leads here by one family and away by the other; empty where it does not."""
    ours: list[RecordSet] = []
    away: list[RecordSet] = []
    for record in name.records:
        (ours if set(record.values) <= set(service.addresses) else away).append(record)
    if not ours or not away:
        return ""
    return f"{name.name}: {ours[0].type} points here, {away[0].type} at {brief(away[0].values)}"


def _missing(name: NameFact, service: ServiceFact) -> list[str]:
    there = {record.type for record in name.records}
    have = (("A", service.ipv4), ("AAAA", service.ipv6))
    return [kind for kind, addresses in have if addresses and kind not in there]


def hostname_address(world: World) -> Iterator[Seen]:
    """The load balancer has addresses, which records can hold, and not a name alone."""
    service = front(world.services)
    if service is None:
        yield tells("no Service leads to the primary; `cluster-lb-address` says more")
        return
    if not service.hostname:
        yield passed(f"the load balancer of {service.name} gives addresses, and no name for aliases")
        return
    hosts = [host for name in world.names if name.balancer for host in name.hosts]
    said = f"the load balancer of {service.name} has the name {service.hostname}"
    remedy = (
        "have fixed addresses given to it (on AWS an NLB with Elastic IPs: annotation `service.beta."
        "kubernetes.io/aws-load-balancer-eip-allocations`), and make the names A and AAAA records of these"
    )
    if not service.addresses:
        led = f"; {len(hosts)} hosts are led to it by aliases" if hosts else ""
        yield fails(
            f"{said} and no address: names lead to it by CNAME or provider aliases, and a run swaps A and "
            f"AAAA records alone{led}",
            remedy,
            hosts,
        )
    elif hosts:
        yield warns(
            f"{said} beside its addresses, and {len(hosts)} hosts are aliases of it, which are not moved: "
            f"{brief(hosts)}",
            "make their names A and AAAA records of the addresses",
            hosts,
        )
    else:
        yield passed(f"{said} beside its addresses, and no host is an alias of it")
