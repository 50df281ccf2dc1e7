"""Every hazard of a second release, row by row, on each chart layout: the override, or why there is none.

A row's words are those of the table of hazards: names, IngressClass, Lease, status, webhook, host ports,
fixed addresses, identity and behaviour annotations, scaling, monitoring, references, policies, affinity.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from blueshift.controllers.ingress_nginx.temporary import absent, temporary_values
from blueshift.controllers.overrides import DELETE, Path, apply, dig, dotted, has, merge
from blueshift.controllers.profile import TemporaryFacts
from tests.unit.controllers.conftest import Values, temporary_facts
from tests.unit.controllers.test_temporary import GREEDY

_ADDRESSES = {"annotations": {}, "clusterIP": "", "externalIPs": [], "loadBalancerIP": ""}
# The layout of stable/nginx-ingress: no IngressClass, no common labels, a fixed id of the leader.
STABLE: Values = {
    "controller": {
        "name": "controller",
        "hostNetwork": False,
        "daemonset": {"useHostPort": False, "hostPorts": {"http": 80, "https": 443}},
        "defaultBackendService": "",
        "electionID": "ingress-controller-leader",
        "ingressClass": "nginx",
        "podLabels": {},
        "podAnnotations": {},
        "publishService": {"enabled": False, "pathOverride": ""},
        "scope": {"enabled": False, "namespace": ""},
        "extraArgs": {},
        "kind": "Deployment",
        "updateStrategy": {},
        "affinity": {},
        "replicaCount": 1,
        "autoscaling": {"enabled": False},
        "customTemplate": {"configMapName": "", "configMapKey": ""},
        "service": {**_ADDRESSES, "healthCheckNodePort": 0, "nodePorts": {"http": "", "https": ""}},
        "stats": {"enabled": False, "service": {**_ADDRESSES}},
        "metrics": {"enabled": False, "service": {**_ADDRESSES}},
    },
    "defaultBackend": {"enabled": True, "service": {**_ADDRESSES}},
    "rbac": {"create": True},
    "tcp": {},
}
# Mappings whose keys are the user's own: any path right below is one that the chart has.
FREE: set[Path] = {
    ("commonLabels",),
    ("controller", "extraArgs"),
    ("controller", "labels"),
    ("controller", "podLabels"),
    ("controller", "service", "labels"),
}
VARIANTS: dict[str, Values] = {
    "defaults": {},
    "greedy": GREEDY,
    "own name": {"controller": {"name": "edge"}, "fullnameOverride": "edge"},
    "host network": {"controller": {"kind": "DaemonSet", "hostNetwork": True, "dnsPolicy": "ClusterFirst"}},
    "keda": {"controller": {"keda": {"enabled": True, "minReplicas": 1, "maxReplicas": 2}}},
    "two services": {"controller": {"service": {"internal": {"enabled": True, "clusterIPs": ["10.0.0.9"]}}}},
    "template": {"controller": {"customTemplate": {"configMapName": "tmpl", "configMapKey": "nginx.tmpl"}}},
    "secrets": {"controller": {"extraArgs": {"default-ssl-certificate": "$(POD_NAMESPACE)/wild"}}},
    "scope": {"controller": {"scope": {"enabled": True, "namespace": "shop"}}},
    "selector": {"controller": {"scope": {"namespaceSelector": "team=a"}}},
}
CALENDAR = "2026.7.20"


def made(values: Values, facts: TemporaryFacts | None = None) -> Values:
    """The values of the temporary release."""
    return apply(values, temporary_values(values, facts or temporary_facts()))


def strays(values: Values, facts: TemporaryFacts) -> list[str]:
    """Overrides of paths that neither the chart nor the user has."""
    given = merge(facts.defaults, values)
    found = []
    for override in temporary_values(values, facts):
        known = has(given, override.path) or (override.path[:-1] in FREE and has(given, override.path[:-1]))
        if override.value is not DELETE and not known and override.path[:-1] != ("controller", "extraArgs"):
            found.append(override.name)
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_override_of_every_variant_is_of_a_path_that_the_chart_has(
    chart: tuple[str, Values], variant: str
) -> None:
    version, defaults = chart
    facts = temporary_facts(defaults, chart_version=version)
    assert strays(VARIANTS[variant], facts) == []
    calendar = temporary_facts(defaults, chart_version=CALENDAR)
    assert strays(VARIANTS[variant], calendar) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_override_of_the_old_layout_too(variant: str) -> None:
    assert strays(VARIANTS[variant], temporary_facts(STABLE, chart_version="1.41.3")) == []


def test_the_old_layout_says_what_it_has_not() -> None:
    missing = {dotted(one.path) for one in absent(temporary_facts(STABLE, chart_version="1.41.3"))}
    assert {
        "commonLabels",
        "controller.ingressClassResource.enabled",
        "controller.admissionWebhooks.enabled",
        "controller.hostPort.enabled",
        "controller.labels",
        "serviceAccount.create",
    } <= missing


def test_official_charts_have_what_is_asked_for_or_say_so(chart: tuple[str, Values]) -> None:
    version, defaults = chart
    missing = {dotted(one.path) for one in absent(temporary_facts(defaults, chart_version=version))}
    old, before_4_8 = version == "3.40.0", version in {"3.40.0", "4.0.19", "4.2.5", "4.5.2"}
    expected = {"commonLabels", "controller.service.ipFamilyPolicy"} if old else set()
    assert missing == expected | ({"namespaceOverride"} if before_4_8 else set())
    behind = {
        dotted(one.path) for one in absent(temporary_facts(defaults, chart_version=version, internal=True))
    }
    family = "controller.service.internal.ipFamilyPolicy"
    assert (family in behind) is (before_4_8 or version == "4.8.3")


def test_row_names_a_custom_controller_name_stays_and_overrides_go() -> None:
    values = made(
        {"fullnameOverride": "edge", "releaseLabelOverride": "edge", "controller": {"name": "gate"}}
    )
    assert not {"fullnameOverride", "releaseLabelOverride"} & values.keys()
    assert values["controller"]["name"] == "gate"


def test_row_fixed_addresses_go_under_every_service_and_of_both_families() -> None:
    claimed = {
        "loadBalancerIP": "192.0.2.1",
        "clusterIP": "10.0.0.1",
        "clusterIPs": ["10.0.0.1", "fd00::1"],
        "externalIPs": ["192.0.2.2"],
        "healthCheckNodePort": 30001,
        "nodePorts": {"http": 30080, "https": 30443, "tcp": {"9": 30009}, "udp": {"9": 30010}},
        "type": "LoadBalancer",
    }
    given: Values = json.loads(
        json.dumps(
            {  # else all would share one mapping
                "controller": {
                    "service": {**claimed, "internal": claimed},
                    "metrics": {"service": claimed},
                    "stats": {"service": claimed},
                },
                "defaultBackend": {"service": claimed},
            }
        )
    )
    values = made(given)
    kept = {"type": "LoadBalancer"}
    assert values["controller"]["service"] == {**kept, "internal": kept}
    assert values["controller"]["metrics"]["service"] == kept
    assert values["controller"]["stats"]["service"] == kept
    assert values["defaultBackend"]["service"] == kept


@pytest.mark.parametrize(
    "name",
    [
        "external-dns.alpha.kubernetes.io/hostname",
        "external-dns.alpha.kubernetes.io/internal-hostname",
        "external-dns.alpha.kubernetes.io/set-identifier",
        "service.beta.kubernetes.io/aws-load-balancer-eip-allocations",
        "service.beta.kubernetes.io/aws-load-balancer-name",
        "service.beta.kubernetes.io/azure-load-balancer-ipv4",
        "service.beta.kubernetes.io/azure-pip-name",
        "service.beta.kubernetes.io/azure-dns-label-name",
        "networking.gke.io/load-balancer-ip-addresses",
        "metallb.io/loadBalancerIPs",
        "kube-vip.io/loadbalancerIPs",
        "lbipam.cilium.io/ips",
        "loadbalancer.openstack.org/load-balancer-id",
        "kubernetes.digitalocean.com/load-balancer-id",
        "service.beta.kubernetes.io/linode-loadbalancer-nodebalancer-id",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        ("controller", "service", "annotations"),
        ("controller", "service", "internal", "annotations"),
        ("controller", "metrics", "service", "annotations"),
        ("controller", "podAnnotations"),
    ],
)
def test_row_identity_annotations_are_stripped_wherever_they_are(name: str, place: Path) -> None:
    given: dict[str, Any] = {}
    here = given
    for key in place:
        here = here.setdefault(key, {})
    here |= {name: "x", "team": "edge"}
    assert dig(made(given), place) == {"team": "edge"}


@pytest.mark.parametrize(
    "name",
    [
        "service.beta.kubernetes.io/aws-load-balancer-scheme",
        "service.beta.kubernetes.io/aws-load-balancer-type",
        "service.beta.kubernetes.io/aws-load-balancer-proxy-protocol",
        "service.beta.kubernetes.io/aws-load-balancer-ssl-cert",
        "service.beta.kubernetes.io/load-balancer-source-ranges",
        "service.beta.kubernetes.io/azure-load-balancer-health-probe-request-path",
    ],
)
def test_row_behaviour_annotations_are_kept(name: str) -> None:
    given = {"controller": {"service": {"annotations": {name: "x"}}}}
    assert dig(made(given), ("controller", "service", "annotations")) == {name: "x"}


def test_row_dns_from_status_nothing_of_the_temporary_reaches_external_dns() -> None:
    assert made({})["controller"]["extraArgs"]["update-status"] == "false"
    given = {"controller": {"publishService": {"enabled": True, "pathOverride": "a/b"}}}
    assert made(given)["controller"]["publishService"] == {"enabled": True}


def test_row_external_traffic_policy_and_spread_are_the_primarys_with_two_replicas_at_least() -> None:
    spread = [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"x": "y"}}}]
    given: Values = {
        "controller": {
            "service": {"externalTrafficPolicy": "Local"},
            "topologySpreadConstraints": spread,
        }
    }
    values = made(given, temporary_facts(ready=1))["controller"]
    assert values["service"]["externalTrafficPolicy"] == "Local"
    assert values["topologySpreadConstraints"] == spread
    assert values["replicaCount"] == 2


def test_row_host_ports_of_the_old_layout_end_with_its_daemonset() -> None:
    given = {"controller": {"kind": "DaemonSet", "daemonset": {"useHostPort": True}}}
    facts = temporary_facts(STABLE, chart_version="1.41.3")
    assert made(given, facts)["controller"]["kind"] == "Deployment"


def test_row_cert_manager_solvers_are_served_as_the_class_is_the_same() -> None:
    given: Values = {
        "controller": {
            "ingressClass": "edge",
            "ingressClassByName": True,
            "ingressClassResource": {"name": "edge", "controllerValue": "k8s.io/edge", "enabled": True},
        }
    }
    values = made(given)["controller"]
    assert values["ingressClassResource"] == {**given["controller"]["ingressClassResource"], "enabled": False}
    assert (values["ingressClass"], values["ingressClassByName"]) == ("edge", True)


def test_row_network_policies_by_the_users_own_labels_still_select_its_pods() -> None:
    assert made({"controller": {"podLabels": {"tier": "edge"}}})["controller"]["podLabels"] == {
        "tier": "edge"
    }


def test_row_references_to_the_own_namespace_lead_to_the_primarys() -> None:
    given: Values = {
        "controller": {
            "defaultBackendService": "$(POD_NAMESPACE)/errors",
            "extraArgs": {"default-ssl-certificate": "$(POD_NAMESPACE)/wild", "v": 3, "x": "$(POD_NAME)"},
            "customTemplate": {"configMapName": "tmpl", "configMapKey": "nginx.tmpl"},
        }
    }
    values = made(given)["controller"]
    assert values["defaultBackendService"] == "ingress/errors"
    assert values["extraArgs"]["default-ssl-certificate"] == "ingress/wild"
    assert (values["extraArgs"]["v"], values["extraArgs"]["x"]) == (3, "$(POD_NAME)")
    assert values["customTemplate"] == given["controller"]["customTemplate"]  # its ConfigMap is copied
    shared = made(given, temporary_facts(namespace="ingress"))["controller"]
    assert shared["extraArgs"]["default-ssl-certificate"] == "$(POD_NAMESPACE)/wild"


def test_row_affinity_the_labels_of_the_old_layout_are_rewritten_too() -> None:
    rule = {"labelSelector": {"matchLabels": {"app": "edge", "release": "demo"}}}
    given: Values = {"nameOverride": "edge", "controller": {"topologySpreadConstraints": [rule]}}
    facts = temporary_facts(STABLE, chart_version="1.41.3", chart_name="nginx-ingress")
    (made_rule,) = made(given, facts)["controller"]["topologySpreadConstraints"]
    assert made_rule["labelSelector"]["matchLabels"] == {"app": "nginx-ingress", "release": "demo-t"}


def test_a_selector_of_namespaces_is_the_primarys_and_no_scope_is_made_of_it() -> None:
    given: Values = {"controller": {"scope": {"enabled": False, "namespaceSelector": "team=a"}}}
    assert made(given)["controller"]["scope"] == given["controller"]["scope"]


def test_calendar_versions_are_the_newest() -> None:
    values = made({}, temporary_facts(chart_version=CALENDAR))
    assert "podLabels" not in values["controller"]
    assert values["commonLabels"] == {"blueshift.dev/run": "r1"}
