"""A World as a look would give it, small."""

from __future__ import annotations

from datetime import UTC, datetime

from blueshift.cluster.identity import Cluster
from blueshift.discovery.world import (
    ControllerFact,
    DnsFact,
    HostFact,
    NameFact,
    ReleaseFact,
    Rendered,
    ServiceFact,
    ValueChange,
    WorkloadFact,
    World,
)
from blueshift.dns.records import RecordSet


def world(names: int = 40, ttl: int = 300) -> World:
    """`names` names app00… of zone lab.test, all at the primary, A and AAAA."""
    hosts = [f"app{number:02d}.lab.test" for number in range(names)]
    rendered = Rendered("ingress-nginx", "4.12.1", "1.12.1", "values", (ValueChange("a.b", "1", "2", "why"),))
    return World(
        taken=datetime(2026, 11, 24, tzinfo=UTC),
        cluster=Cluster("https://198.18.0.1:6443", "lab", "uid-of-kube-system", "v1.37.2"),
        release=ReleaseFact("demo", "ingress", 3, "deployed", "ingress-nginx", "4.11.3", "1.11.3", "v", "c"),
        workload=WorkloadFact(
            kind="Deployment",
            name="demo-ingress-nginx-controller",
            namespace="ingress",
            uid="uid",
            replicas=2,
            ready=2,
            image="registry.lab.test/ingress-nginx/controller:v1.11.3",
            container="controller",
            args=(),
            selector={"app.kubernetes.io/component": "controller"},
            grace=300,
        ),
        controller=ControllerFact("ingress-nginx", "1.11.3", "k8s.io/ingress-nginx", ("nginx",)),
        services=(
            ServiceFact(
                "demo-ingress-nginx-controller",
                "ingress",
                "uid",
                "external",
                "LoadBalancer",
                ("198.18.0.50",),
                ("2001:2::50",),
            ),
        ),
        hosts=tuple(HostFact(host, (f"apps/{host}",), ("/",), tls=True) for host in hosts),
        names=tuple(
            NameFact(
                host,
                "lab.test",
                "move",
                (host,),
                (
                    RecordSet(host, "A", ttl, ("198.18.0.50",)),
                    RecordSet(host, "AAAA", ttl, ("2001:2::50",)),
                ),
            )
            for host in hosts
        ),
        dns=DnsFact("rfc2136", 0),
        temporary=rendered,
        harden=rendered,
        target=rendered,
        temporary_release="demo-blueshift",
        temporary_namespace="demo-blueshift",
        baseline=dict.fromkeys(hosts, 200),
    )
