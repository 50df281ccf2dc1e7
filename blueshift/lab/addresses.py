"""The address plan of every lab. Labs do not meet: each has these addresses in a namespace of its own.

198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180) are set aside for bench tests and never routed.
"""

from __future__ import annotations

from ipaddress import ip_network

import msgspec


class Family(msgspec.Struct, frozen=True):
    """What a lab uses of one address family."""

    version: int
    node: str
    link: str
    """The bridge's network, which holds the node, the name servers and the clients."""
    primary: str
    """BIND, the primary."""
    secondary: str
    """BIND, the secondary."""
    resolver: str
    """Unbound."""
    clients: tuple[str, ...]
    """Addresses in the clients' namespace, one for each kind of client; the last is a scanner's."""
    pool: str
    """LoadBalancer addresses. Outside `link`: clients reach them by way of the node and not by ARP."""
    pods: str
    services: str
    anywhere: str

    @property
    def length(self) -> int:
        """Prefix length of `link`."""
        return ip_network(self.link).prefixlen

    def balanced(self, count: int) -> tuple[str, ...]:
        """The first addresses that Services of type LoadBalancer are given."""
        network = ip_network(self.pool)
        return tuple(str(network[number]) for number in range(1, 1 + count))


IPV4 = Family(
    version=4,
    node="198.18.0.1",
    link="198.18.0.0/24",
    primary="198.18.0.53",
    secondary="198.18.0.54",
    resolver="198.18.0.55",
    clients=tuple(f"198.18.0.{100 + n}" for n in range(10)),
    pool="198.18.1.0/24",
    pods="198.18.64.0/18",
    services="198.19.0.0/20",
    anywhere="0.0.0.0/0",
)
IPV6 = Family(
    version=6,
    node="2001:2::1",
    link="2001:2::/64",
    primary="2001:2::53",
    secondary="2001:2::54",
    resolver="2001:2::55",
    clients=tuple(f"2001:2::{100 + n}" for n in range(10)),
    pool="2001:2:0:3::/120",
    pods="2001:2:0:2::/64",
    services="2001:2:0:1::/112",
    anywhere="::/0",
)
API_PORT = 6443
API_URL = f"https://{IPV4.node}:{API_PORT}"
CLUSTER_DOMAIN = "cluster.local"


def families(ipv6: bool) -> tuple[Family, ...]:
    """The families of a lab, IPv4 first."""
    return (IPV4, IPV6) if ipv6 else (IPV4,)
