from typing import Any

import pytest

from blueshift.controllers.ingress_nginx.temporary import absent, temporary_values
from blueshift.controllers.overrides import DELETE, apply, dig, merge
from blueshift.controllers.profile import TemporaryFacts
from tests.unit.controllers.conftest import Values, temporary_facts


def made(values: Values, facts: TemporaryFacts | None = None) -> Values:
    """The values of the temporary release."""
    return apply(values, temporary_values(values, facts or temporary_facts()))


# A primary that uses everything that a second release may not have.
GREEDY: Values = {
    "fullnameOverride": "edge",
    "nameOverride": "edge",
    "namespaceOverride": "ingress",
    "rbac": {"create": False, "scope": True},
    "serviceAccount": {"create": False, "name": "edge"},
    "controller": {
        "electionID": "edge-leader",
        "kind": "DaemonSet",
        "hostNetwork": True,
        "hostPort": {"enabled": True},
        "updateStrategy": {"type": "OnDelete"},
        "config": {"use-proxy-protocol": "true"},
        "ingressClassResource": {"enabled": True, "name": "edge", "controllerValue": "k8s.io/edge"},
        "ingressClass": "edge",
        "watchIngressWithoutClass": True,
        "admissionWebhooks": {"enabled": True},
        "publishService": {"pathOverride": "ingress/edge"},
        "scope": {"enabled": True},
        "extraArgs": {
            "update-status": "true",
            "publish-status-address": "192.0.2.1",
            "validating-webhook": ":8443",
            "enable-metrics": "false",
            "default-ssl-certificate": "certs/wild",
        },
        "metrics": {
            "prometheusRule": {"enabled": True},
            "serviceMonitor": {"enabled": True, "namespaceSelector": {"matchNames": ["ingress"]}},
            "service": {"clusterIP": "10.0.0.9", "nodePort": 30254},
        },
        "service": {
            "annotations": {
                "external-dns.alpha.kubernetes.io/hostname": "shop.example.org",
                "service.beta.kubernetes.io/aws-load-balancer-eip-allocations": "eipalloc-1",
                "service.beta.kubernetes.io/aws-load-balancer-name": "edge",
                "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
                "service.beta.kubernetes.io/aws-load-balancer-type": "external",
                "metallb.io/loadBalancerIPs": "192.0.2.1",
                "metallb.io/address-pool": "public",
            },
            "loadBalancerIP": "192.0.2.1",
            "loadBalancerSourceRanges": ["192.0.2.0/24"],
            "externalIPs": ["192.0.2.2"],
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 30001,
            "nodePorts": {"http": 30080, "https": 30443, "tcp": {"9000": 30900}},
            "internal": {
                "enabled": True,
                "loadBalancerIP": "10.1.1.1",
                "annotations": {
                    "lbipam.cilium.io/ips": "10.1.1.1",
                    "networking.gke.io/load-balancer-type": "Internal",
                },
            },
        },
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {
                            "matchExpressions": [
                                {
                                    "key": "app.kubernetes.io/instance",
                                    "operator": "In",
                                    "values": ["demo", "x"],
                                },
                                {"key": "app.kubernetes.io/name", "operator": "In", "values": ["edge"]},
                            ]
                        },
                    }
                ]
            }
        },
        "topologySpreadConstraints": [
            {"labelSelector": {"matchLabels": {"app.kubernetes.io/instance": "demo", "own": "demo"}}}
        ],
    },
    "tcp": {"9000": "shop/web:9000"},
}


def test_what_one_release_alone_can_have_is_gone() -> None:
    values = made(GREEDY)
    controller = values["controller"]
    assert not {"fullnameOverride", "nameOverride", "namespaceOverride"} & values.keys()
    assert controller["electionID"] == "demo-t-leader"
    assert (controller["kind"], controller["hostNetwork"], controller["hostPort"]) == (
        "Deployment",
        False,
        {"enabled": False},
    )
    assert controller["updateStrategy"] == {}
    assert controller["ingressClassResource"]["enabled"] is False
    assert controller["admissionWebhooks"]["enabled"] is False
    assert "publishService" not in controller
    assert controller["extraArgs"] == {"update-status": "false", "default-ssl-certificate": "certs/wild"}
    assert controller["service"] == {
        "annotations": {
            "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
            "service.beta.kubernetes.io/aws-load-balancer-type": "external",
            "metallb.io/address-pool": "public",
        },
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
        "externalTrafficPolicy": "Local",
        "internal": {"enabled": True, "annotations": {"networking.gke.io/load-balancer-type": "Internal"}},
    }
    assert values["serviceAccount"] == {"create": True}
    assert values["rbac"] == {"create": True, "scope": False}


def test_what_makes_it_serve_the_same_stays() -> None:
    values = made(GREEDY)
    assert values["tcp"] == GREEDY["tcp"]
    for key in ("config", "ingressClass", "watchIngressWithoutClass"):
        assert values["controller"][key] == GREEDY["controller"][key]
    assert values["controller"]["ingressClassResource"]["controllerValue"] == "k8s.io/edge"


def test_update_status_is_a_string_as_the_chart_compares_strings() -> None:
    assert made({})["controller"]["extraArgs"] == {"update-status": "false"}


def test_metrics_are_on_and_rules_do_not_fire_twice() -> None:
    metrics = made(GREEDY)["controller"]["metrics"]
    assert metrics == {
        "enabled": True,
        "prometheusRule": {"enabled": False},
        "serviceMonitor": {"enabled": True},
    }


@pytest.mark.parametrize(
    ("scope", "watches", "expected"),
    [
        ({"enabled": True}, "", "ingress"),
        ({"enabled": True, "namespace": "shop"}, "", "shop"),
        ({}, "shop", "shop"),
        ({}, "", None),
    ],
)
def test_it_watches_what_the_primary_watches(scope: Values, watches: str, expected: str | None) -> None:
    values = made({"controller": {"scope": scope}}, temporary_facts(watches=watches))
    assert dig(values, ("controller", "scope", "namespace")) == expected
    assert bool(dig(values, ("controller", "scope", "enabled"))) is (expected is not None)


@pytest.mark.parametrize(("ready", "count"), [(0, 2), (1, 2), (7, 7)])
def test_as_many_replicas_as_are_ready_and_never_one(ready: int, count: int) -> None:
    values = made({"controller": {"replicaCount": 1}}, temporary_facts(ready=ready))
    assert values["controller"]["replicaCount"] == count


@pytest.mark.parametrize("scaler", ["autoscaling", "keda"])
def test_an_autoscaler_keeps_the_floor(scaler: str) -> None:
    given = {"controller": {scaler: {"enabled": True, "minReplicas": 1, "maxReplicas": 5}}}
    assert made(given, temporary_facts(ready=7))["controller"][scaler] == {
        "enabled": True,
        "minReplicas": 7,
        "maxReplicas": 7,
    }
    assert made(given, temporary_facts(ready=3))["controller"][scaler]["maxReplicas"] == 5


def test_numbers_in_quotes_are_numbers() -> None:
    given = {"controller": {"autoscaling": {"enabled": True, "minReplicas": "1", "maxReplicas": "5"}}}
    assert made(given, temporary_facts(ready=3))["controller"]["autoscaling"]["maxReplicas"] == "5"
    assert made(given, temporary_facts(ready=7))["controller"]["autoscaling"]["maxReplicas"] == 7


AUTHENTICATED = {"type": "prometheus", "authenticationRef": {"name": "token"}}


@pytest.mark.parametrize(
    ("trigger", "shared", "kept"),
    [
        ({"type": "cpu", "metadata": {"value": "60"}}, False, True),
        (AUTHENTICATED, False, False),
        (AUTHENTICATED, True, True),
        (
            {**AUTHENTICATED, "authenticationRef": {"name": "all", "kind": "ClusterTriggerAuthentication"}},
            False,
            True,
        ),
    ],
)
def test_an_hpa_scales_it_where_kedas_triggers_cannot_be_had_in_its_namespace(
    trigger: Values, shared: bool, kept: bool
) -> None:
    paused = {"autoscaling.keda.sh/paused-replicas": "2", "team": "edge"}
    keda = {
        "enabled": True,
        "minReplicas": 1,
        "maxReplicas": 9,
        "triggers": [trigger],
        "scaledObject": {"annotations": paused},
    }
    facts = temporary_facts(ready=3, namespace="ingress" if shared else "bs-1")
    controller = made({"controller": {"keda": keda}}, facts)["controller"]
    assert controller["keda"]["enabled"] is kept
    if kept:
        assert (controller["keda"]["minReplicas"], controller["keda"]["maxReplicas"]) == (3, 9)
        assert controller["keda"]["scaledObject"]["annotations"] == {"team": "edge"}
        assert "autoscaling" not in controller
    else:
        assert controller["autoscaling"] == {"enabled": True, "minReplicas": 3, "maxReplicas": 9}


def test_rules_that_name_the_primarys_pods_name_the_temporarys() -> None:
    values = made(GREEDY)["controller"]
    term = values["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
    instance, name = term["labelSelector"]["matchExpressions"]
    assert instance["values"] == ["demo-t", "x"]
    assert name["values"] == ["ingress-nginx"]
    labels = values["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    assert labels == {"app.kubernetes.io/instance": "demo-t", "own": "demo"}


def test_rules_with_templates_are_left_alone() -> None:
    rules = [{"labelSelector": {"matchLabels": {"app.kubernetes.io/instance": "{{ .Release.Name }}"}}}]
    given = {"controller": {"topologySpreadConstraints": rules}}
    assert made(given)["controller"]["topologySpreadConstraints"] == rules


def test_both_families_or_none() -> None:
    defaults = {
        "commonLabels": {},
        "controller": {"service": {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}},
    }
    both = temporary_facts(defaults, families=("IPv6", "IPv4"))
    assert made({}, both)["controller"]["service"] == {
        "ipFamilyPolicy": "RequireDualStack",
        "ipFamilies": ["IPv6", "IPv4"],
    }
    assert "service" not in made({}, temporary_facts(defaults, families=("IPv4",)))["controller"]


def test_the_internal_service_gets_both_families_where_it_is_the_one_in_front() -> None:
    families = {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}
    defaults = {"commonLabels": {}, "controller": {"service": {**families, "internal": dict(families)}}}
    facts = temporary_facts(defaults, families=("IPv4", "IPv6"), internal=True)
    service = made({"controller": {"service": {"internal": {"annotations": {"scheme": "internal"}}}}}, facts)[
        "controller"
    ]["service"]
    assert service == {
        "internal": {
            "annotations": {"scheme": "internal"},
            "ipFamilyPolicy": "RequireDualStack",
            "ipFamilies": ["IPv4", "IPv6"],
        }
    }


def test_an_internal_service_keeps_an_annotation_without_which_charts_make_none() -> None:
    """Chart 4.15.1, templates/controller-service-internal.yaml."""
    alone = {"external-dns.alpha.kubernetes.io/hostname": "a.test"}
    given = {"controller": {"service": {"internal": {"enabled": True, "annotations": alone}}}}
    internal = made(given, temporary_facts(internal=True))["controller"]["service"]["internal"]
    assert internal["annotations"] == {"blueshift.dev/run": "r1"}
    assert "annotations" not in made(given)["controller"]["service"]["internal"]


def test_an_address_among_the_defaults_of_an_own_chart_is_taken_away_too() -> None:
    defaults = {
        "commonLabels": {},
        "controller": {
            "service": {"loadBalancerIP": "192.0.2.1", "annotations": {"lbipam.cilium.io/ips": "192.0.2.1"}}
        },
    }
    values = made({"controller": {"service": {"loadBalancerIP": "192.0.2.7"}}}, temporary_facts(defaults))
    assert merge(defaults, values)["controller"]["service"] == {"annotations": {}}


def test_in_the_primarys_namespace_the_fixed_lease_of_old_charts_is_replaced() -> None:
    old = {"commonLabels": {}, "controller": {"electionID": "ingress-controller-leader"}}
    facts = temporary_facts(old, namespace="ingress")
    assert made({}, facts)["controller"]["electionID"] == "demo-t-leader"
    assert "electionID" not in made({}, temporary_facts(old))["controller"]


def test_a_scoped_role_stays_where_both_share_a_namespace() -> None:
    values = made({"rbac": {"scope": True}}, temporary_facts(namespace="ingress"))
    assert values["rbac"] == {"scope": True}


def test_every_override_has_a_reason_and_none_is_idle() -> None:
    overrides = temporary_values(GREEDY, temporary_facts())
    assert all(len(override.reason) > 10 for override in overrides)
    assert len({override.path for override in overrides}) == len(overrides)
    for override in overrides:
        assert override.value is DELETE or dig(GREEDY, override.path) != override.value


def test_applied_twice_it_changes_nothing_more() -> None:
    once = made(GREEDY)
    assert made(once) == once


def test_official_charts(chart: tuple[str, Values]) -> None:
    version, defaults = chart
    facts = temporary_facts(defaults, chart_version=version, families=("IPv4", "IPv6"))
    seen = merge(defaults, made({}, facts))
    controller = seen["controller"]
    assert controller["ingressClassResource"]["enabled"] is False
    assert controller["admissionWebhooks"]["enabled"] is False
    assert controller["metrics"]["enabled"] is True
    assert controller["replicaCount"] == 3
    assert controller["extraArgs"]["update-status"] == "false"
    label = {"blueshift.dev/run": "r1"}
    missing = {entry.path for entry in absent(facts)}
    if version == "3.40.0":
        assert {("commonLabels",), ("controller", "service", "ipFamilyPolicy")} <= missing
        assert controller["labels"] == controller["podLabels"] == controller["service"]["labels"] == label
        assert "ipFamilyPolicy" not in controller["service"]
    else:
        assert seen["commonLabels"] == label
        assert controller["service"]["ipFamilyPolicy"] == "RequireDualStack"
        # The pod template takes the common labels since 4.6.0: the same key twice would not render.
        assert ("blueshift.dev/run" in controller["podLabels"]) is (version in {"4.0.19", "4.2.5", "4.5.2"})
    assert (("namespaceOverride",) in missing) is (version in {"3.40.0", "4.0.19", "4.2.5", "4.5.2"})


def test_every_default_that_is_overridden_exists_in_the_chart(chart: tuple[str, Values]) -> None:
    version, defaults = chart
    overrides = temporary_values({}, temporary_facts(defaults, chart_version=version))
    written: set[tuple[str, ...]] = {override.path for override in overrides}
    free: set[Any] = {("controller", "extraArgs"), ("commonLabels",), ("controller", "labels")}
    free |= {("controller", "podLabels"), ("controller", "service", "labels")}
    for path in written:
        assert path[:-1] in free or dig(defaults, path) is not None, path
