"""Worlds that are spoilt in the primary itself: rights, addresses, hooks, status, class."""

from __future__ import annotations

from typing import Any

from blueshift.discovery.pods import RenderedService
from blueshift.discovery.seen import Denied, Hook, Permissions, Ports
from blueshift.discovery.seen_classes import Other, Sharing
from blueshift.dns.records import RecordSet
from tests.unit.preflight.case import Case
from tests.unit.preflight.worlds import (
    CONTROLLER,
    HARDENED,
    SERVICE,
    SHOP,
    SIDE,
    TEMPORARY,
    WORKLOAD,
    but,
    seen,
)

DENIED = Permissions(90, (Denied("create", "namespaces", "", "the temporary gets one of its own"),))
NO_EXEC = Permissions(2, (Denied("create", "pods/exec", "ingress", "configuration is read"),))
NO_IPV6 = Ports(unrouted=("2001:2::50",))
UNSEEN = {"not-looked": "no answer within 4 s", "hint": "try dig"}
BARE = but(HARDENED, values=(), side=SIDE)
ONE_ADDRESS = but(CONTROLLER, publishes=("198.18.0.50",))


def sharing(**other: Any) -> dict[str, Any]:
    one = Other("Deployment two/ctl", "two/two", ("class nginx",), ("shop/web",))
    return {"findings": seen(class_shared=Sharing(2, (but(one, **other),)))}


CASES = [
    Case(
        "cluster-rbac",
        "lacks 1 of 90 rights: create namespaces (the first, as the temporary gets one",
        {"findings": seen(cluster_rbac=DENIED)},
    ),
    Case(
        "cluster-rbac", "no answer within 4 s: try dig", {"findings": seen(cluster_rbac=UNSEEN)}, "not-looked"
    ),
    Case("cluster-rbac", "taken without looking", {"findings": seen(cluster_rbac=None)}, "not-looked"),
    Case("cluster-exec", "may not run commands in the pods of", {"findings": seen(cluster_exec=NO_EXEC)}),
    Case("cluster-replicas", "0 of 2 pods are ready", {"workload": but(WORKLOAD, ready=0)}),
    Case("cluster-replicas", "1 of 2 pods are ready: it must", {"workload": but(WORKLOAD, ready=1)}),
    Case(
        "cluster-replicas",
        "to no pod when nothing comes",
        {"workload": but(WORKLOAD, scaled_object="web", sleeps=True)},
    ),
    Case(
        "cluster-replicas",
        "has one pod",
        {"workload": but(WORKLOAD, ready=1, replicas=1)},
        "warn",
        stops=False,
    ),
    Case(
        "cluster-lb-address",
        "(hostNetwork) beside 198.18.0.50 and 2001:2::50: whoever comes by them cannot be moved",
        {"findings": seen(cluster_lb_address=Ports(host_network=True))},
    ),
    Case(
        "cluster-lb-address",
        "by its nodes' addresses (hostNetwork): a second release has no address",
        {"services": (), "findings": seen(cluster_lb_address=Ports(host_network=True))},
    ),
    Case(
        "cluster-lb-address",
        "host ports 80, 443",
        {"findings": seen(cluster_lb_address=Ports(False, (80, 443)))},
    ),
    Case("cluster-lb-address", "no Service leads to", {"services": ()}),
    Case(
        "cluster-lb-address",
        "none of 1 hosts answers well at 198.18.0.50 and 2001:2::50 from here",
        {"baseline": {"shop.example.test": 0}},
    ),
    Case("cluster-lb-address", "answers well at 198.18.0.50", {"baseline": {"shop.example.test": 503}}),
    Case(
        "cluster-lb-address",
        "no route to 2001:2::50, and 1 names move by AAAA records",
        {
            "names": (but(SHOP, records=(RecordSet("shop.example.test", "AAAA", 300, ("2001:2::50",)),)),),
            "findings": seen(cluster_lb_address=NO_IPV6),
        },
    ),
    Case(
        "cluster-lb-address",
        "no route to 2001:2::50; no name has AAAA records",
        {"findings": seen(cluster_lb_address=NO_IPV6)},
        "info",
        stops=False,
    ),
    Case(
        "cluster-lb-address",
        "the temporary would have no external Service of type LoadBalancer, as the primary has by ingress/",
        {"temporary": but(TEMPORARY, services=(RenderedService("web-internal", "t", "LoadBalancer"),))},
    ),
    Case(
        "cluster-lb-address",
        "the temporary would have no internal Service of type LoadBalancer",
        {"services": (but(SERVICE, name="web-internal", role="internal"),)},
    ),
    Case("cluster-lb-address", "is of type NodePort", {"services": (but(SERVICE, type="NodePort"),)}),
    Case("cluster-lb-address", "has no address", {"services": (but(SERVICE, ipv4=(), ipv6=()),)}),
    Case(
        "cluster-lb-address",
        "has a name (lb.aws)",
        {"services": (but(SERVICE, ipv4=(), ipv6=(), hostname="lb.aws"),)},
    ),
    Case(
        "nginx-prestop-binary",
        "/usr/local/openresty/nginx of the preStop hook is not in the image of pod-1",
        {
            "harden": BARE,
            "findings": seen(nginx_prestop_binary=Hook(("sh",), ("/usr/local/openresty/nginx",), "pod-1")),
        },
    ),
    Case(
        "nginx-prestop-binary",
        "the harden step replaces the hook",
        {"findings": seen(nginx_prestop_binary=Hook(("sh",), ("/nope",), "pod-1"))},
        "info",
        stops=False,
    ),
    Case(
        "nginx-prestop-binary",
        "/wait-shutdown was not tried",
        {"findings": seen(nginx_prestop_binary=UNSEEN, cluster_exec=NO_EXEC)},
        "not-looked",
        stops=False,
    ),
    Case("nginx-prestop-binary", "no answer", {"findings": seen(nginx_prestop_binary=UNSEEN)}, "not-looked"),
    Case(
        "nginx-ssl-passthrough",
        "--enable-ssl-passthrough: connections of hosts",
        {"workload": but(WORKLOAD, args=("/nginx-ingress-controller", "--enable-ssl-passthrough"))},
    ),
    Case("nginx-status-race", "the last old pod blanks", {"controller": ONE_ADDRESS, "harden": BARE}),
    Case(
        "nginx-status-race",
        "its pods would not run by it",
        {"controller": ONE_ADDRESS, "harden": but(HARDENED, side=SIDE)},
    ),
    Case(
        "nginx-status-race",
        "the hardened revision puts into force is not known: no workload",
        {"controller": ONE_ADDRESS, "harden": but(HARDENED, side=None, unseen="no workload")},
        "not-looked",
    ),
    Case("nginx-status-race", "the harden step sets", {"controller": ONE_ADDRESS}, "info", stops=False),
    Case(
        "nginx-status-race",
        "the harden step sets",
        {"controller": ONE_ADDRESS, "harden": but(HARDENED, values=())},
        "info",
        stops=False,
    ),
    Case("class-shared", "serves 1 of the primary's Ingresses too, by class nginx, and both", sharing()),
    Case("class-shared", "none is served by both now", sharing(ingresses=()), "warn", stops=False),
    Case("class-shared", "has no pods now", sharing(idle=True), "warn", stops=False),
    Case("class-shared", "temporary of a run, which is not", sharing(temporary=True), "info", stops=False),
    Case("class-shared", "no answer within", {"findings": seen(class_shared=UNSEEN)}, "not-looked"),
]
