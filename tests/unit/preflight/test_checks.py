"""Each check fires on a World that is spoilt in its one point, and is silent on the sound one."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.seen import (
    Denied,
    Hook,
    Hosts,
    Instance,
    Ownership,
    Permissions,
    Ports,
    Rights,
    Servers,
)
from blueshift.discovery.world import Rendered, World
from blueshift.dns.records import RecordSet
from blueshift.preflight.checks import CHECKS
from blueshift.preflight.protocol import Finding, failed
from blueshift.preflight.run import run_all
from tests.unit.preflight import cluster_cases
from tests.unit.preflight.case import Case
from tests.unit.preflight.nginx_cases import CASES as NGINX
from tests.unit.preflight.worlds import (
    CONTROLLER,
    HARDENED,
    RELEASE,
    SERVICE,
    SHOP,
    WORKLOAD,
    but,
    seen,
    world,
)

DENIED = Permissions(90, (Denied("create", "namespaces", "", "the temporary gets one of its own"),))
NO_EXEC = Permissions(2, (Denied("create", "pods/exec", "ingress", "configuration is read"),))
NO_IPV6 = Ports(unrouted=("2001:2::50",))
UNSEEN = {"not-looked": "no answer within 4 s", "hint": "try dig"}
BARE = but(HARDENED, values=())
OTHER = but(
    SHOP,
    name="old.example.test",
    hosts=("old.example.test",),
    state="elsewhere",
    why="it points at 192.0.2.9",
    here=False,
)
PARTLY = but(OTHER, why="only a part of it points here", here=True)
ONE_ADDRESS = but(CONTROLLER, publishes=("198.18.0.50",))


def hosts(**looks: Any) -> dict[str, Any]:
    return {"findings": seen(dns_hosts=Hosts(**looks))}


def release(**changes: Any) -> dict[str, Any]:
    return {"release": but(RELEASE, **changes)}


CASES = [
    *cluster_cases.CASES,
    Case("helm-release-exists", "is uninstalled", release(status="uninstalled")),
    Case("helm-release-exists", "revision 3 failed", release(status="failed"), "warn", stops=False),
    Case("helm-release-pending", "is pending-upgrade", release(status="pending-upgrade")),
    Case("helm-gitops-owner", "the Argo CD application shop", release(owner="argocd:shop")),
    Case("helm-gitops-owner", "the Flux HelmRelease flux/web", release(owner="flux:flux/web")),
    Case("helm-render", "the target revision does not render", {"target": Rendered(error="boom")}),
    Case("helm-render", "the temporary revision does not render", {"temporary": Rendered(error="boom")}),
    Case(
        "helm-name-collision",
        "IngressClass nginx belongs to release a/b",
        {"temporary": Rendered(collisions=("IngressClass nginx belongs to release a/b",))},
    ),
    Case(
        "helm-name-collision",
        "asks for what one release alone can have: Service t/web: loadBalancerIP 192.0.2.1",
        {"temporary": Rendered(fixed=("Service t/web: loadBalancerIP 192.0.2.1",))},
    ),
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
        "has one pod",
        {"workload": but(WORKLOAD, ready=1, replicas=1)},
        "warn",
        stops=False,
    ),
    Case(
        "cluster-lb-address", "(hostNetwork)", {"findings": seen(cluster_lb_address=Ports(host_network=True))}
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
    Case("nginx-status-race", "the harden step sets", {"controller": ONE_ADDRESS}, "info", stops=False),
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
    *NGINX,
]


def of(check: str, given: World) -> tuple[Finding, ...]:
    return run_all(given, only=(check,))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_a_check_fires(case: Case) -> None:
    found = [one for one in of(case.check, world(**case.changes)) if case.says in one.sentence]
    assert [one.outcome for one in found] == [case.outcome]
    assert found[0].stops is case.stops
    if case.outcome == "fail":
        assert found[0].remedy


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_a_check_is_silent_on_a_sound_world(check: str) -> None:
    assert {one.outcome for one in of(check, world())} <= {"pass", "info"}


@pytest.mark.parametrize(("check", "changes"), cluster_cases.QUIET)
def test_a_check_of_the_surroundings_knows_its_bounds(check: str, changes: dict[str, Any]) -> None:
    found = {one.outcome for one in of(check, world(**changes))}
    assert found <= {"pass", "info"}
    assert "pass" in found


@pytest.mark.parametrize("check", [check.id for check in CHECKS])
def test_every_check_has_a_case_where_it_fires(check: str) -> None:
    assert check in {case.check for case in CASES}


def test_a_sound_world_may_be_upgraded() -> None:
    assert not failed(run_all(world()))


QUIET = [
    ("update-status is off", {"workload": but(WORKLOAD, args=("--update-status=false",))}),
    ("it is off at shutdown", {"workload": but(WORKLOAD, args=("--update-status-on-shutdown=false",))}),
    ("pods have no version label", {"release": but(RELEASE, chart_version="4.5.2")}),
    ("nothing is published", {"controller": but(CONTROLLER, publishes=())}),
    ("another controller", {"controller": but(ONE_ADDRESS, profile="traefik")}),
]


@pytest.mark.parametrize("changes", [case[1] for case in QUIET], ids=[case[0] for case in QUIET])
def test_the_status_race_needs_all_its_conditions(changes: dict[str, Any]) -> None:
    found = of("nginx-status-race", world(**{"controller": ONE_ADDRESS, "harden": BARE, **changes}))
    assert [one.outcome for one in found] == ["pass"]


def test_a_fork_with_a_calendar_version_has_the_race_too() -> None:
    spoilt = world(controller=ONE_ADDRESS, harden=BARE, release=but(RELEASE, chart_version="2026.5.3"))
    assert [one.outcome for one in of("nginx-status-race", spoilt)] == ["fail"]


@pytest.mark.parametrize("given", ["old.example.test", "*.example.test"])
def test_an_acknowledged_host_stops_nothing_even_with_traffic(given: str) -> None:
    looks = Hosts(acknowledged=(given,), requests={"old.example.test": 99.0})
    found = of("dns-hosts", world(names=(SHOP, OTHER), findings=seen(dns_hosts=looks)))
    assert not failed(found)
    assert "info" in {one.outcome for one in found}


def test_an_acknowledged_host_may_be_unknown() -> None:
    looks = Hosts(acknowledged=("a.b",), unknown={"a.b": "SERVFAIL"}, requests={})
    assert not failed(of("dns-hosts", world(findings=seen(dns_hosts=looks))))


def test_an_external_dns_for_other_domains_stops_nothing() -> None:
    instance = Instance("dns/external-dns", domains=("other.test",))
    found = of("dns-external-dns", world(findings=seen(dns_external_dns=Ownership((instance,)))))
    assert not failed(found)


def test_no_prestop_hook_has_nothing_to_be_missing() -> None:
    bare = world(workload=but(WORKLOAD, prestop=()), findings=seen(nginx_prestop_binary=UNSEEN))
    assert [one.outcome for one in of("nginx-prestop-binary", bare)] == ["pass"]
