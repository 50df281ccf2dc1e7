"""Worlds that are spoilt in names, name servers and clocks."""

from __future__ import annotations

from typing import Any

from blueshift.discovery.seen import GRANTED, Hosts, Instance, Ownership, Rights, Servers
from blueshift.discovery.world import DnsFact
from blueshift.dns.records import RecordSet
from tests.unit.preflight.case import Case
from tests.unit.preflight.worlds import SERVICE, SHOP, but, seen

UNSEEN = {"not-looked": "no answer within 4 s", "hint": "try dig"}
OTHER = but(
    SHOP,
    name="old.example.test",
    hosts=("old.example.test",),
    state="elsewhere",
    why="it points at 192.0.2.9",
    here=False,
)
PARTLY = but(OTHER, why="only a part of it points here", here=True)
TOP = but(SHOP, name="example.test", hosts=("example.test",))
HALF = but(
    OTHER,
    records=(
        RecordSet("old.example.test", "A", 300, ("198.18.0.50",)),
        RecordSet("old.example.test", "AAAA", 300, ("2001:db8::9",)),
    ),
    here=True,
)
BALANCER = but(OTHER, name="lb.aws", here=True, balancer="lb.aws")
BY_HAND = DnsFact("manual", 0)


def hosts(**looks: Any) -> dict[str, Any]:
    return {"findings": seen(dns_hosts=Hosts(**looks))}


def lasting(*ttls: int, min_ttl: int = 0) -> dict[str, Any]:
    """A name whose A and AAAA have these TTLs."""
    values = {"A": "198.18.0.50", "AAAA": "2001:2::50"}
    records = tuple(
        RecordSet(SHOP.name, kind, ttl, (values[kind],)) for kind, ttl in zip(values, ttls, strict=False)
    )
    return {"names": (but(SHOP, records=records),), "dns": DnsFact("rfc2136", min_ttl)}


def tried(**looks: Any) -> dict[str, Any]:
    return {"findings": seen(dns_update_rights=Rights(**looks))}


CASES = [
    Case("dns-hosts", "no Ingress has a class of k8s.io/ingress-nginx", {"hosts": (), "names": ()}),
    Case("dns-hosts", "none of the 1 hosts has a name", {"names": (OTHER,)}),
    Case("dns-hosts", "the names of 1 hosts could not be", hosts(unknown={"a.b": "SERVFAIL"}), "not-looked"),
    Case(
        "dns-hosts",
        "1 names point elsewhere and their hosts have traffic: old.example.test",
        {"names": (SHOP, OTHER), **hosts(requests={"old.example.test": 1.0})},
    ),
    Case("dns-hosts", "have traffic", {"names": (SHOP, PARTLY), **hosts(unmeasured="metrics are off")}),
    Case("dns-hosts", "point elsewhere and are not moved", {"names": (SHOP, OTHER)}, "warn", stops=False),
    Case("dns-hosts", "have no record", {"names": (SHOP, but(OTHER, state="none"))}, "warn", stops=False),
    Case("dns-hosts", "by a proxy", {"names": (SHOP, but(OTHER, state="proxied"))}, "warn", stops=False),
    Case("dns-hosts", "1 Ingresses serve any host", hosts(hostless=("a/b",)), "warn", stops=False),
    Case(
        "dns-name-servers",
        "the name servers differ: ns2 answers",
        {"findings": seen(dns_name_servers=Servers(differences=("ns2 answers nxdomain",)))},
    ),
    Case(
        "dns-name-servers",
        "do not answer, so a shift could never",
        {"findings": seen(dns_name_servers=Servers(silent=("ns2: no answer",)))},
    ),
    Case(
        "dns-update-rights",
        "BADKEY: unknown key",
        {"findings": seen(dns_update_rights=Rights(kind="BADKEY", reason="unknown key", hint="compare"))},
    ),
    Case(
        "dns-update-rights",
        "1 of 1 names may not be written: shop.example.test: A: REFUSED",
        {"findings": seen(dns_update_rights=Rights({"shop.example.test": "A: REFUSED"}))},
    ),
    Case("dns-update-rights", "no answer", {"findings": seen(dns_update_rights=UNSEEN)}, "not-looked"),
    Case("dns-tsig-clock", "differs", tried(kind="BADTIME", reason="it differs by 400 s", hint="set it")),
    Case(
        "dns-tsig-clock",
        "clock is 90 s ahead of the name server's",
        tried(by_name={SHOP.name: GRANTED}, ahead=90.4),
        "warn",
        stops=False,
    ),
    Case("dns-tsig-clock", "61 s behind", tried(by_name={SHOP.name: GRANTED}, ahead=-61.0), "warn", False),
    Case("dns-tsig-clock", "not signed", tried(by_name={SHOP.name: GRANTED}), "info", stops=False),
    Case("dns-tsig-clock", "no signed answer", tried(by_name={SHOP.name: "REFUSED"}), "not-looked", False),
    Case("dns-tsig-clock", "no signed answer", tried(kind="BADKEY"), "not-looked", stops=False),
    Case(
        "dns-tsig-clock",
        "nothing is known about it (see dns-update-rights)",
        {"findings": seen(dns_update_rights=UNSEEN)},
        "not-looked",
    ),
    Case("dns-tsig-clock", "nothing is signed", {"dns": BY_HAND}, "info", stops=False),
    Case("dns-ttl", "wait at least 2.0 hours", lasting(7200), "info", stops=False),
    Case("dns-ttl", "the longest 259200 s (shop.example.test AAAA)", lasting(300, 259200), "warn", False),
    Case("dns-ttl", "below 60 s, the backend's minimum", lasting(30, min_ttl=60), "warn", stops=False),
    Case("dns-ttl", "(A 300 s, AAAA 60 s)", lasting(300, 60), "info", stops=False),
    Case(
        "dns-wildcard-apex",
        "1 wildcards move as a whole",
        {"names": (but(SHOP, name="*.example.test"),)},
        "info",
        stops=False,
    ),
    Case("dns-wildcard-apex", "1 names are the top of their zone; their", {"names": (TOP,)}, "info", False),
    Case(
        "dns-wildcard-apex",
        "cannot be told apart: example.test",
        {"names": (TOP,), "dns": BY_HAND},
        "warn",
        stops=False,
    ),
    Case(
        "dns-wildcard-apex",
        "1 hosts are aliases (CNAME) of names that move, and move with them: www.example.test",
        {"names": (but(SHOP, hosts=("shop.example.test", "www.example.test")),)},
        "info",
        stops=False,
    ),
    Case("dns-wildcard-apex", "do not stand there", tried(by_name={SHOP.name: "A: …"}, made_up=(SHOP.name,))),
    Case(
        "dns-families",
        "old.example.test: A points here, AAAA at 2001:db8::9",
        {"names": (SHOP, HALF)},
        "warn",
        stops=False,
    ),
    Case(
        "dns-families",
        "one family alone, as acknowledged",
        {"names": (SHOP, HALF), **hosts(acknowledged=("*.example.test",))},
        "info",
        stops=False,
    ),
    Case("dns-families", "the primary has IPv6, and 1 names", {}, "info", stops=False),
    Case(
        "dns-families",
        "the primary has IPv4, and 1 names that move have no A record",
        {"names": (but(SHOP, records=(RecordSet(SHOP.name, "AAAA", 300, ("2001:2::50",)),)),)},
        "info",
        stops=False,
    ),
    Case(
        "dns-hostname-address",
        "has the name lb.aws and no address: names lead to it by CNAME",
        {"services": (but(SERVICE, ipv4=(), ipv6=(), hostname="lb.aws"),), "names": (BALANCER,)},
    ),
    Case(
        "dns-hostname-address",
        "1 hosts are aliases of it, which are not moved: old.example.test",
        {"services": (but(SERVICE, hostname="lb.aws"),), "names": (SHOP, BALANCER)},
        "warn",
        stops=False,
    ),
    Case(
        "dns-external-dns",
        "owns 1 of the names, by its TXT records: shop.example.test (owner prod)",
        {"findings": seen(dns_external_dns=Ownership((), {"shop.example.test": "prod"}))},
    ),
    Case(
        "dns-external-dns",
        "external-dns kube-system/external-dns (policy sync, registry txt) may own 1 names",
        {
            "findings": seen(
                dns_external_dns=Ownership((Instance("kube-system/external-dns", policy="sync"),))
            )
        },
    ),
]
