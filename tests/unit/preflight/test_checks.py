"""Each check fires on a World that is spoilt in its one point, and is silent on the sound one."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.seen import (
    GRANTED,
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
from blueshift.discovery.seen_apply import Applied, Drift, Owned
from blueshift.discovery.seen_classes import Other, Sharing
from blueshift.discovery.seen_helm import Client, Kept
from blueshift.discovery.world import DnsFact, NameFact, ObjectChange, Rendered, World
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
OWNED = Owned("Deployment ingress/web", ".spec.replicas", "kubectl-edit")
OLD_CHART = "chart requires kubeVersion: <1.30 which is incompatible with Kubernetes v1.37.2"
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
ONE_ADDRESS = but(CONTROLLER, publishes=("198.18.0.50",))


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


def sharing(**other: Any) -> dict[str, Any]:
    one = Other("Deployment two/ctl", "two/two", ("class nginx",), ("shop/web",))
    return {"findings": seen(class_shared=Sharing(2, (but(one, **other),)))}


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
        "helm-service-recreated",
        "the target revision deletes Service ingress/web-controller",
        {"target": Rendered(objects=(ObjectChange("delete", "Service ingress/web-controller"),))},
    ),
    Case(
        "helm-service-recreated",
        "the hardened revision takes the load balancer from Service ingress/web-controller",
        {"harden": Rendered(readdressed=("Service ingress/web-controller",))},
    ),
    Case(
        "helm-service-recreated",
        "the target revision does not render (see helm-render)",
        {"target": Rendered(error="boom")},
        "not-looked",
    ),
    Case(
        "helm-ingressclass-deleted",
        "the target revision deletes IngressClass nginx",
        {"target": Rendered(objects=(ObjectChange("delete", "IngressClass nginx"),))},
    ),
    Case(
        "helm-immutable-field",
        "lets nobody change: Deployment ingress/web: spec.selector",
        {"target": Rendered(immutable=("Deployment ingress/web: spec.selector",))},
    ),
    Case(
        "helm-kube-version",
        "the target chart c 2 does not allow Kubernetes v1.37.2: it asks for <1.30",
        {"target": Rendered("c", "2", kube_version="<1.30", error=OLD_CHART)},
    ),
    Case(
        "helm-render",
        "do not allow this cluster (see helm-kube-version): target",
        {"target": Rendered("c", "2", kube_version="<1.30", error=OLD_CHART)},
        "not-looked",
    ),
    Case(
        "helm-service-recreated",
        "does not render (see helm-kube-version)",
        {"target": Rendered("c", "2", error=OLD_CHART)},
        "not-looked",
    ),
    Case(
        "helm-kube-version",
        "the target chart c 2 does not allow",
        {"harden": Rendered("c", "1", error="boom"), "target": Rendered("c", "2", error=OLD_CHART)},
    ),
    Case(
        "helm-kube-version",
        "the target chart c 2 does not render",
        {"target": Rendered("c", "2", error="boom")},
        "not-looked",
    ),
    Case(
        "helm-chart-source",
        "is rebuilt from Helm's record of revision 3",
        {"target": Rendered(source="record")},
        "info",
        stops=False,
    ),
    Case(
        "helm-chart-source",
        "is read from ./charts on this machine",
        {"target": Rendered(source="path ./charts")},
        "info",
        stops=False,
    ),
    Case("helm-chart-source", "without keeping", {"target": Rendered()}, "not-looked", stops=False),
    Case(
        "helm-history-max",
        "Helm has 2 of 3 revisions of web left, as with --history-max 2",
        {"findings": seen(helm_history_max=Kept((2, 3)))},
        "info",
        stops=False,
    ),
    Case(
        "helm-client",
        "Helm 4 made the running revision, applied on the server, and helm 3.19.0",
        {"findings": seen(helm_client=Client("3.19.0", "ssa", ("Apply",)))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-client",
        "Helm 3 made the running revision, and helm 4.1.0",
        {"findings": seen(helm_client=Client("4.1.0", "", ("Update",)))},
        "info",
        stops=False,
    ),
    Case(
        "helm-client",
        "owns fields of the workload both ways",
        {"findings": seen(helm_client=Client("3.19.0", "", ("Apply", "Update")))},
        "info",
        stops=False,
    ),
    Case(
        "helm-ssa-conflict",
        "Helm would fail: Deployment ingress/web: .spec.replicas (kubectl-edit)",
        {
            "target": Rendered(applied=Applied((OWNED,))),
            "findings": seen(helm_client=Client("4.1.0", "ssa", ("Apply",))),
        },
    ),
    Case(
        "helm-ssa-conflict",
        "takes fields that others own, as Helm applies by the client",
        {"target": Rendered(applied=Applied((OWNED,)))},
        "info",
        stops=False,
    ),
    Case(
        "helm-ssa-conflict",
        "would not take all of the target revision: Service a/b: clusterIP is immutable",
        {
            "target": Rendered(applied=Applied(refused={"Service a/b": "clusterIP is immutable"})),
            "findings": seen(helm_client=Client("4.1.0", "ssa", ("Apply",))),
        },
    ),
    Case(
        "helm-ssa-conflict",
        "would not take all of the target revision: Service a/b: duplicate port",
        {"target": Rendered(applied=Applied(refused={"Service a/b": "duplicate port"}))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-ssa-conflict",
        "1 objects of the target revision could not be tried, Service a/b first: forbidden",
        {
            "target": Rendered(applied=Applied(untried={"Service a/b": "forbidden"})),
            "findings": seen(helm_client=Client("4.1.0", "ssa", ("Apply",))),
        },
        "not-looked",
    ),
    Case("helm-ssa-conflict", "taken without trying", {"target": Rendered()}, "not-looked"),
    Case(
        "helm-api-deprecated",
        "or of the one before it: PodDisruptionBudget a/b (policy/v1beta1)",
        {"target": Rendered(applied=Applied(unserved=("PodDisruptionBudget a/b (policy/v1beta1)",)))},
    ),
    Case(
        "helm-api-deprecated",
        "warns of objects of the hardened revision: X a/b: v1beta1 is deprecated",
        {"harden": Rendered(applied=Applied(deprecated={"X a/b": "v1beta1 is deprecated"}))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-api-deprecated",
        "1 objects of the target revision could not be tried",
        {"target": Rendered(applied=Applied(untried={"Service a/b": "forbidden"}))},
        "not-looked",
        stops=False,
    ),
    Case(
        "helm-values-drift",
        "1 fields differ from what Helm believes, and a revision takes them back: Service a/b: spec.type",
        {"findings": seen(helm_values_drift=Drift(("Service a/b: spec.type",)))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-values-drift",
        "1 objects could not be compared, Service a/b first: forbidden",
        {"findings": seen(helm_values_drift=Drift((), {"Service a/b": "forbidden"}))},
        "not-looked",
        stops=False,
    ),
    Case(
        "helm-reuse-values",
        "values are set that c 2 knows no more, and the running chart does: controller.old",
        {"target": Rendered("c", "2", forgotten=("controller.old",))},
        "warn",
        stops=False,
    ),
    Case(
        "helm-reuse-values",
        "revision 3 looks as if it was made with --reuse-values",
        {"harden": but(HARDENED, reused=True)},
        "info",
        stops=False,
    ),
    Case("helm-reuse-values", "without comparing", {"target": Rendered()}, "not-looked", stops=False),
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
    Case("class-shared", "serves 1 of the primary's Ingresses too, by class nginx, and both", sharing()),
    Case("class-shared", "none is served by both now", sharing(ingresses=()), "warn", stops=False),
    Case("class-shared", "has no pods now", sharing(idle=True), "warn", stops=False),
    Case("class-shared", "temporary of a run, which is not", sharing(temporary=True), "info", stops=False),
    Case("class-shared", "no answer within", {"findings": seen(class_shared=UNSEEN)}, "not-looked"),
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


PASSES: list[tuple[str, dict[str, Any]]] = [
    ("dns-tsig-clock", tried(by_name={SHOP.name: GRANTED}, ahead=60.0)),
    ("dns-ttl", lasting(3600, 3600, min_ttl=3600)),
    ("dns-wildcard-apex", {}),
    ("dns-families", {**lasting(300, 300), "dns": DnsFact("rfc2136", 0)}),
    ("dns-hostname-address", {"services": (but(SERVICE, hostname="lb.aws"),)}),
]


@pytest.mark.parametrize(("check", "changes"), PASSES, ids=[check for check, _ in PASSES])
def test_a_check_passes_at_its_edge(check: str, changes: dict[str, Any]) -> None:
    assert [one.outcome for one in of(check, world(**changes))] == ["pass"]


@pytest.mark.parametrize("check", ["dns-tsig-clock", "dns-ttl", "dns-wildcard-apex", "dns-families"])
def test_without_names_there_is_nothing_to_pass(check: str) -> None:
    none: tuple[NameFact, ...] = ()
    outcomes = {one.outcome for one in of(check, world(names=none, **tried()))}
    assert outcomes == {"info"}


@pytest.mark.parametrize("check", ["dns-families", "dns-hostname-address"])
def test_without_a_service_another_check_speaks(check: str) -> None:
    assert [one.outcome for one in of(check, world(services=()))] == ["info"]


def test_a_service_that_no_client_comes_by_may_go() -> None:
    gone = (ObjectChange("delete", "Service ingress/web-metrics"),)
    found = of("helm-service-recreated", world(target=Rendered(objects=gone)))
    assert [one.outcome for one in found] == ["pass"]


def test_no_prestop_hook_has_nothing_to_be_missing() -> None:
    bare = world(workload=but(WORKLOAD, prestop=()), findings=seen(nginx_prestop_binary=UNSEEN))
    assert [one.outcome for one in of("nginx-prestop-binary", bare)] == ["pass"]
