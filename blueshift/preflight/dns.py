"""Checks of DNS: every host's name, the servers, the key, and other writers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blueshift.discovery.external_dns import covers
from blueshift.discovery.found import found, found_for
from blueshift.discovery.seen import GRANTED, Hosts, Ownership, Rights, Servers
from blueshift.discovery.world import NameFact, World, front
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns

_STATES = {
    "elsewhere": "point elsewhere",
    "none": "have no record",
    "proxied": "are answered for by a proxy",
}


def _unmoved(world: World) -> str:
    service = front(world.services)
    if service is None or not (service.addresses or service.hostname):
        return "the primary has no address by which a name could point at it: `cluster-lb-address` says more"
    return "`dns:` in blueshift.yaml must name the server that holds these names"


def hosts(world: World) -> Iterator[Seen]:
    """Every host is classified, and none with traffic stays behind."""
    seen = found(world, "dns-hosts", Hosts)
    moving = world.moving()
    unknown = {host: why for host, why in seen.unknown.items() if not seen.accepts(host)}
    if unknown:
        reasons = brief(sorted(set(unknown.values())), 2)
        yield Seen(
            "not-looked",
            f"the names of {len(unknown)} hosts could not be looked up: {reasons}",
            "see that the name server is reachable from here (`dns.settings.server`, `dns.resolver`), or "
            "list the hosts under `hosts.acknowledged` in blueshift.yaml",
            tuple(sorted(unknown)),
        )
    if not world.hosts:
        yield fails(
            f"no Ingress has a class of {world.controller.controller} ({brief(world.controller.classes)})",
            "`kubectl get ingress -A` shows their classes",
        )
    elif not moving and not seen.unknown:
        yield fails(
            f"none of the {len(world.hosts)} hosts has a name that points at the primary and can be moved: "
            + brief([f"{name.name}: {name.why}" for name in world.names]),
            _unmoved(world),
        )
    for state, said in _STATES.items():
        yield from _staying([name for name in world.names if name.state == state], said, seen)
    if seen.hostless:
        yield warns(
            f"{len(seen.hostless)} Ingresses serve any host: names that lead to them are not known here, and "
            f"stay at the primary: {brief(seen.hostless)}",
            "acknowledge it, or give them hosts",
            seen.hostless,
        )
    if moving:
        count = sum(len(name.hosts) for name in moving)
        yield passed(f"{count} hosts move by {len(moving)} names in {_zones(moving)}")


def _staying(names: Sequence[NameFact], said: str, seen: Hosts) -> Iterator[Seen]:
    """Hosts that stay behind: an error with traffic, else one list that can be acknowledged."""
    left = [name for name in names if not all(map(seen.accepts, name.hosts))]
    busy = [name for name in left if _busy(name, seen)]
    quiet = [name for name in left if name not in busy]
    if busy:
        yield fails(
            f"{len(busy)} names {said} and their hosts have traffic: {_described(busy)}",
            "make them point at the primary in a zone that we can change, or list the hosts under "
            "`hosts.acknowledged` in blueshift.yaml",
            [host for name in busy for host in name.hosts],
        )
    if quiet:
        yield warns(
            f"{len(quiet)} names {said} and are not moved: {_described(quiet)}",
            "list their hosts under `hosts.acknowledged` in blueshift.yaml if that is right",
            [host for name in quiet for host in name.hosts],
        )
    if names and not left:
        yield tells(f"{len(names)} names {said}, as acknowledged", [name.name for name in names])


def _busy(name: NameFact, seen: Hosts) -> bool:
    if seen.unmeasured:
        return name.here  # without counts, whoever is led here counts as traffic
    return any(seen.requests.get(host, 0.0) > 0 for host in name.hosts)


def _described(names: Sequence[NameFact]) -> str:
    return brief([f"{name.name} ({name.why})" for name in names])


def _zones(names: Sequence[NameFact]) -> str:
    return brief(sorted({name.zone for name in names}))


def name_servers(world: World) -> Iterator[Seen]:
    """All authoritative servers say the same."""
    seen = found(world, "dns-name-servers", Servers)
    remedy = "see that every secondary fetches the zone: a shift waits until all of them agree"
    if seen.differences:
        yield fails(f"the name servers differ: {brief(seen.differences)}", remedy, seen.differences)
    if seen.silent:
        yield fails(
            f"name servers do not answer, so a shift could never be proven: {brief(seen.silent)}",
            f"{remedy}; servers that only others can reach are replaced by `dns.authorities`",
            seen.silent,
        )
    if not world.moving():
        yield tells("no name moves, so no name server was asked")
    elif not (seen.differences or seen.silent):
        answered = [server for server in seen.servers if not server.unknown]
        yield passed(f"{len(answered)} of {len(seen.servers)} server addresses answered, and all agree")
        if seen.notes:
            yield tells(
                f"not asked or silent, while another address of the server answered: {brief(seen.notes)}"
            )


def update_rights(world: World) -> Iterator[Seen]:
    """The key may write every name that moves."""
    if world.dns.backend == "manual":
        yield tells("a person makes the changes (`dns.backend: manual`): no right was tried")
        return
    seen = found(world, "dns-update-rights", Rights)
    refused = {name: answer for name, answer in seen.by_name.items() if answer != GRANTED}
    if seen.kind:
        yield fails(f"{seen.kind}: {seen.reason}", seen.hint)
    elif refused:
        name, answer = next(iter(sorted(refused.items())))
        yield fails(
            f"{len(refused)} of {len(seen.by_name)} names may not be written: {name}: {answer}",
            "allow the key to write A and AAAA of these names (BIND: `update-policy`)",
            sorted(refused),
        )
    elif not seen.by_name:
        yield tells("no name moves, so the key was not tried")
    else:
        yield passed(
            f"the key may write all {len(seen.by_name)} names, tried with updates that change nothing"
        )


_FUDGE = 300  # seconds that a signature's time may be off (RFC 8945 §10); all servers that we know keep to it
_SKEW = 60


def tsig_clock(world: World) -> Iterator[Seen]:
    """This machine's clock is near enough to the server's for signatures to hold, with room to drift."""
    if world.dns.backend == "manual":
        yield tells("a person makes the changes (`dns.backend: manual`): nothing is signed")
        return
    seen = found_for("dns-update-rights", world, Rights)
    if seen.kind == "BADTIME":
        yield fails(seen.reason, seen.hint)
    elif seen.ahead is not None:
        said = f"this machine's clock is {abs(seen.ahead):.0f} s {'ahead of' if seen.ahead > 0 else 'behind'}"
        said += " the name server's, by the time in its signed answer"
        if abs(seen.ahead) > _SKEW:
            yield warns(
                f"{said}: from {_FUDGE} s on it refuses every update, also in the middle of a run",
                "set the clock that is wrong; on this machine: `timedatectl set-ntp true`",
            )
        else:
            yield passed(said)
    elif not (seen.kind or seen.by_name):
        yield tells("no name moves, so no update was signed")
    elif GRANTED in seen.by_name.values():
        yield tells("updates are not signed (`dns.settings.key`), so the clocks need not agree")
    else:
        why = "no signed answer came; `dns-update-rights` says why"
        yield Seen("not-looked", why, "settle that check first", stops=False)


def external_dns(world: World) -> Iterator[Seen]:
    """No external-dns writes the names that move."""
    seen = found(world, "dns-external-dns", Ownership)
    remedy = "take these names out of its sources and registry first: it takes back what another writes"
    if seen.records:
        yield fails(
            f"external-dns owns {len(seen.records)} of the names, by its TXT records: "
            + brief([f"{name} (owner {owner})" for name, owner in sorted(seen.records.items())]),
            remedy,
            sorted(seen.records),
        )
    names = [name.name for name in world.moving() if name.name not in seen.records]
    covered = False
    for one in seen.instances:
        mine = [name for name in names if covers(one, name)]
        if mine:
            covered = True
            yield fails(
                f"external-dns {one.workload} (policy {one.policy}, registry {one.registry}) may own "
                f"{len(mine)} names: {brief(mine)}",
                f"{remedy}; or keep it off them by `--domain-filter` or `--exclude-domains`",
                mine,
            )
    if not world.moving():
        yield tells("no name moves, so none was looked for")
    elif not (seen.records or covered):
        ran = f"{len(seen.instances)} that keep to other domains" if seen.instances else "none"
        yield passed(f"no name has a TXT record of external-dns; running in this cluster: {ran}")
        yield tells(
            "that proves nothing about an external-dns elsewhere, or one that keeps its registry in DynamoDB "
            "or in a CRD"
        )
