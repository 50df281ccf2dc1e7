"""A World with nothing in it but names, for what depends on a playbook alone: walking its ways back."""

from __future__ import annotations

from datetime import UTC, datetime

from blueshift.cluster.identity import Cluster
from blueshift.discovery.world import (
    ControllerFact,
    DnsFact,
    NameFact,
    ReleaseFact,
    Rendered,
    ServiceFact,
    WorkloadFact,
    World,
)
from blueshift.dns.records import RecordSet

_ZONE = "example.test"
_V4, _V6 = "192.0.2.1", "2001:db8::1"
"""Of the ranges for documentation (RFC 5737, RFC 3849)."""


def example_world(names: int) -> World:
    """`names` names of both families that all point at the primary."""
    release, namespace = "example", "example"
    hosts = [f"app{number}.{_ZONE}" for number in range(names)]
    return World(
        taken=datetime(2026, 1, 1, tzinfo=UTC),
        cluster=Cluster("https://cluster.example.test", "example", "example", ""),
        release=ReleaseFact(release, namespace, 1, "deployed", "ingress-nginx", "", "", "", ""),
        workload=WorkloadFact("Deployment", release, namespace, "", 2, 2, "", "controller", (), {}, 300),
        controller=ControllerFact("ingress-nginx", "", "", ()),
        services=(ServiceFact(release, namespace, "", "external", "LoadBalancer", (_V4,), (_V6,)),),
        hosts=(),
        names=tuple(
            NameFact(
                host, _ZONE, "move", (host,),
                (RecordSet(host, "A", 300, (_V4,)), RecordSet(host, "AAAA", 300, (_V6,))),
            )
            for host in hosts
        ),
        dns=DnsFact("rfc2136", 0),
        temporary=Rendered(),
        harden=Rendered(),
        target=Rendered(),
        temporary_release=f"{release}-blueshift",
        temporary_namespace=f"{release}-blueshift",
    )  # fmt: skip
