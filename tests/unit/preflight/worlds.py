"""A World in which every check passes, to be spoilt one field at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from blueshift.cluster.identity import Cluster
from blueshift.discovery.pods import Container, Pods, RenderedService
from blueshift.discovery.seen import GRANTED, Hook, Hosts, Ownership, Permissions, Ports, Rights, Servers
from blueshift.discovery.seen_apply import Applied, Drift
from blueshift.discovery.seen_classes import Sharing
from blueshift.discovery.seen_groups import Group, Groups
from blueshift.discovery.seen_helm import Client, Kept
from blueshift.discovery.seen_neighbours import Budgets, Identity, Mesh, Policies, StandIn, Webhooks
from blueshift.discovery.seen_room import Free, Ground, Image, Images, Node, Quotas, Room, Taken
from blueshift.discovery.seen_sides import Comparison, Running
from blueshift.discovery.settings import Settings, Side
from blueshift.discovery.world import (
    ControllerFact,
    DnsFact,
    HostFact,
    NameFact,
    ReleaseFact,
    Rendered,
    ServerFact,
    ServiceFact,
    ValueChange,
    WorkloadFact,
    World,
)
from blueshift.dns.records import RecordSet

ADDRESS, ADDRESS6 = "198.18.0.50", "2001:2::50"
SERVER = ServerFact("example.test", "ns1.example.test", "198.18.0.53", 7)

RELEASE = ReleaseFact(
    name="web",
    namespace="ingress",
    revision=3,
    status="deployed",
    chart="ingress-nginx",
    chart_version="4.11.3",
    app_version="1.11.3",
    values_hash="v",
    chart_hash="c",
)
WORKLOAD = WorkloadFact(
    kind="Deployment",
    name="web-controller",
    namespace="ingress",
    uid="u1",
    replicas=2,
    ready=2,
    image="registry/controller:v1.11.3",
    container="controller",
    args=("/nginx-ingress-controller", "--ingress-class=nginx"),
    selector={"app": "web"},
    grace=300,
    prestop=("/wait-shutdown",),
)
CONTROLLER = ControllerFact(
    profile="ingress-nginx",
    version="1.11.3",
    controller="k8s.io/ingress-nginx",
    classes=("nginx",),
    publishes=(ADDRESS, ADDRESS6),
)
SERVICE = ServiceFact(
    name="web-controller",
    namespace="ingress",
    uid="u2",
    role="external",
    type="LoadBalancer",
    ipv4=(ADDRESS,),
    ipv6=(ADDRESS6,),
)
SHOP = NameFact(
    name="shop.example.test",
    zone="example.test",
    state="move",
    hosts=("shop.example.test",),
    records=(RecordSet("shop.example.test", "A", 300, (ADDRESS,)),),
    here=True,
)
SETTINGS = Settings(
    version="1.11.3",
    controller="k8s.io/ingress-nginx",
    ingress_class="nginx",
    image="registry.k8s.io/ingress-nginx/controller:v1.11.3@sha256:d56f",
    grace=300,
    webhook=True,
)
SIDE = Side(SETTINGS, "4.11.3", SETTINGS.image)
QUIET_SIDE = Side(msgspec.structs.replace(SETTINGS, blanks_status=False), "4.11.3", SETTINGS.image)
"""Whose last pod leaves statuses alone."""
NEW = "registry.k8s.io/ingress-nginx/controller:v1.12.1@sha256:d2fb"
SAFER = msgspec.structs.replace(SETTINGS, version="1.12.1", image=NEW, risk="High", strict_paths=True)
TARGET_SIDE = Side(SAFER, "4.12.1", NEW)
GIB = 2**30
IMAGE = "registry/controller:v1.11.3"
PODS = Pods(
    kind="Deployment",
    name="web-controller",
    namespace="ingress",
    replicas=2,
    labels={"app": "web"},
    containers=(Container(IMAGE, "IfNotPresent", {"cpu": 100, "memory": GIB}),),
    surge="25%",
)
TEMPORARY = Rendered(
    chart="ingress-nginx",
    chart_version="4.11.3",
    pods=(msgspec.structs.replace(PODS, name="web-blueshift-controller", namespace="web-blueshift"),),
    services=(RenderedService("web-blueshift-controller", "web-blueshift", "LoadBalancer"),),
    side=SIDE,
)
TARGET = Rendered(
    chart="ingress-nginx",
    chart_version="4.12.1",
    source="repo https://charts.test",
    pods=(PODS,),
    side=TARGET_SIDE,
    applied=Applied(),
    forgotten=(),
)
GROUND = Ground((Node("n1", {"kubernetes.io/hostname": "n1"}),), {"n1": 2})
HARDENED = Rendered(
    applied=Applied(),
    chart="ingress-nginx",
    chart_version="4.11.3",
    values=(
        ValueChange("controller.extraArgs.update-status-on-shutdown", "unset", "false", "no blanking"),
        ValueChange("controller.lifecycle.preStop", "unset", "/wait-shutdown", "it is in the image"),
    ),
    pods=(PODS,),
    side=QUIET_SIDE,
)
GROUP = Group(
    name="nginx",
    named=False,
    release="ingress/web",
    workloads=("Deployment ingress/web-controller",),
    profile="ingress-nginx",
    version="1.11.3",
    classes=("nginx",),
    annotation="nginx",
    watches="",
    classless=False,
    hosts=("shop.example.test",),
    unclassed=(),
    noted=(),
    addresses=(ADDRESS, ADDRESS6),
    revision=3,
    digests={"Deployment ingress/web-controller": "d1"},
)
INSIDE = msgspec.structs.replace(
    GROUP,
    name="inside",
    named=True,
    release="inside/web",
    workloads=("Deployment inside/web-controller",),
    classes=("inside",),
    annotation="inside",
    hosts=("wiki.example.test", "ci.example.test"),
    addresses=("198.18.0.60",),
    revision=7,
    digests={"Deployment inside/web-controller": "d2", "Service inside/web-controller": "s2"},
)
FINDINGS: dict[str, msgspec.Struct] = {
    "helm-values-drift": Drift(),
    "helm-history-max": Kept((1, 2, 3)),
    "helm-client": Client("3.19.0", operations=("Update",)),
    "cluster-rbac": Permissions(asked=90),
    "cluster-exec": Permissions(asked=2),
    "cluster-lb-address": Ports(),
    "cluster-identity": Identity("uid"),
    "cluster-quota": Quotas(),
    "cluster-headroom": Room({"n1": Free(2000, 8 * GIB, 100)}),
    "cluster-spread": GROUND,
    "cluster-host-ports": Taken(),
    "cluster-image-pull": Images((Image(IMAGE, "temporary", 1, 1), Image(IMAGE, "target", 1, 1))),
    "cluster-pdb": Budgets(),
    "cluster-network-policy": Policies(),
    "cluster-mesh": Mesh(),
    "cluster-webhook-orphan": Webhooks(),
    "nginx-prometheus": StandIn(),
    "nginx-prestop-binary": Hook(("/wait-shutdown",), (), "web-controller-1"),
    "nginx-running": Running(SIDE, "v1.11.3"),
    "nginx-compared": Comparison(("1.12",)),
    "class-shared": Sharing(1),
    "class-groups": Groups((GROUP, INSIDE)),
    "dns-hosts": Hosts(requests={"shop.example.test": 12.0}),
    "dns-name-servers": Servers((SERVER,)),
    "dns-update-rights": Rights({"shop.example.test": GRANTED}, ahead=0.4),
    "dns-external-dns": Ownership(),
}


def seen(**looks: Any) -> dict[str, Any]:
    """Findings with some replaced; ids are written with underscores, None leaves one out."""
    given = {name.replace("_", "-"): value for name, value in looks.items()}
    found: dict[str, Any] = {**FINDINGS, **given}
    return {
        check: msgspec.to_builtins(value) if isinstance(value, msgspec.Struct) else value
        for check, value in found.items()
        if value is not None
    }


def world(**changes: Any) -> World:
    """The sound World with some fields replaced."""
    base = World(
        taken=datetime(2026, 11, 24, tzinfo=UTC),
        cluster=Cluster("https://api", "lab", "uid", "v1.37.2"),
        release=RELEASE,
        workload=WORKLOAD,
        controller=CONTROLLER,
        services=(SERVICE,),
        hosts=(HostFact("shop.example.test", ("shop/web",), ("/",)),),
        names=(SHOP,),
        dns=DnsFact("rfc2136", 0, (SERVER,), {"shop.example.test": GRANTED}),
        temporary=TEMPORARY,
        harden=HARDENED,
        target=TARGET,
        temporary_release="web-blueshift",
        temporary_namespace="web-blueshift",
        findings=seen(),
    )
    return msgspec.structs.replace(base, **changes)


def but(struct: Any, **changes: Any) -> Any:
    """A struct with some fields replaced."""
    return msgspec.structs.replace(struct, **changes)
