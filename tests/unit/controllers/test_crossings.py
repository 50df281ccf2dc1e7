"""What another version, with its settings in force, makes of the Ingresses that exist."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from blueshift.controllers.ingress_nginx import annotations as table
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.discovery.seen_sides import Comparison
from blueshift.discovery.settings import Side
from tests.unit.controllers.test_workload import controller, workload

PROFILE = IngressNginx()
PREFIX = "nginx.ingress.kubernetes.io"
CHARTS = {"0.50.0": "3.40.0", "1.1.3": "4.0.19", "1.6.4": "4.5.2", "1.9.4": "4.8.3", "1.11.3": "4.11.3"}
OLDER = {"0.48.1": "3.34.0", "1.7.1": "4.6.1"}
NEWER = {"1.10.0": "4.10.0", "1.12.1": "4.12.1", "1.15.1": "4.15.1", "2026.5.3": "2026.5.3"}
CLASS = {"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}}
SNIPPET = {"server-snippet": "return 200;"}


def side(
    version: str, config: dict[str, str] | None = None, *flags: str, image: str = "", **more: Any
) -> Side:
    """A controller of that version with that ConfigMap and those flags beside its chart's."""
    found = controller(image or f"registry.k8s.io/ingress-nginx/controller:v{version}")
    found["args"] = [*found["args"], "--validating-webhook=:8443", *flags]
    settings = PROFILE.settings(workload(found), config or {})
    return Side(settings, (OLDER | CHARTS | NEWER)[version], **more)


def ingress(
    name: str = "web",
    marks: dict[str, str] | None = None,
    *,
    path: str = "/",
    kind: str = "Prefix",
    **spec: Any,
) -> dict[str, Any]:
    rules = [{"host": "shop.example.test", "http": {"paths": [{"path": path, "pathType": kind}]}}]
    annotations = {key if "/" in key else f"{PREFIX}/{key}": value for key, value in (marks or {}).items()}
    return {
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
        "spec": {"ingressClassName": "nginx", "rules": rules, **spec},
    }


def compare(running: Side, target: Side, *ingresses: dict[str, Any], classes: Any = (CLASS,)) -> Comparison:
    return PROFILE.compare(running, target, ingresses, classes)


def bad(found: Comparison) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(one.rule, one.effect, one.what, one.objects) for one in found.changes if one.effect != "named"]


OPEN = {"allow-snippet-annotations": "true"}
FREE = {**OPEN, "annotations-risk-level": "Critical"}


@pytest.mark.parametrize("target", ["1.12.1", "1.15.1", "2026.5.3"])
def test_an_ingress_with_a_critical_annotation_is_gone_beyond_1_12(target: str) -> None:
    found = compare(
        side("1.11.3", OPEN),
        side(target, OPEN),
        ingress("a", SNIPPET),
        ingress("b", {"ssl-redirect": "false"}),
    )
    assert bad(found) == [("1.12", "gone", "server-snippet (Critical)", ("shop/a",))]
    assert "1.12" in found.crossed


def test_it_goes_too_where_snippets_are_not_in_force_today() -> None:
    assert bad(compare(side("1.11.3"), side("1.12.1"), ingress("a", SNIPPET)))[0][1] == "gone"


@pytest.mark.parametrize(
    ("running", "target"),
    [
        (side("1.11.3", OPEN), side("1.12.1", FREE)),  # the target's values allow it
        (side("1.11.3", OPEN), side("1.12.1", {**FREE, "annotations-risk-level": "critical"})),
        (side("1.12.1", FREE), side("1.15.1", FREE)),
        (side("1.12.1"), side("1.15.1")),  # gone already
        (side("1.11.3", {"annotations-risk-level": "High"}), side("1.12.1")),
    ],
)
def test_what_does_not_change_is_not_told(running: Side, target: Side) -> None:
    assert not bad(compare(running, target, ingress("a", SNIPPET)))


def test_values_that_take_a_permission_away_are_told_without_a_crossing() -> None:
    found = compare(side("1.12.1", FREE), side("1.15.1"), ingress("a", SNIPPET))
    assert (found.crossed, bad(found)[0][1]) == ((), "gone")


def test_a_lower_level_of_the_targets_own_takes_more_away() -> None:
    low = side("1.12.1", {"annotations-risk-level": "Medium"})
    found = compare(
        side("1.11.3"), low, ingress("a", {"auth-url": "http://x"}), ingress("b", {"auth-realm": "x"})
    )
    assert bad(found) == [("1.12", "gone", "auth-url (High)", ("shop/a",))]


def test_snippets_that_chart_4_8_switches_off_are_lost() -> None:
    found = compare(
        side("1.6.4", OPEN), side("1.9.4", {"allow-snippet-annotations": "false"}), ingress("a", SNIPPET)
    )
    assert found.crossed == ("chart 4.8",)
    assert bad(found) == [("chart 4.8", "lost", "server-snippet", ("shop/a",))]
    assert not bad(compare(side("1.6.4", OPEN), side("1.9.4", OPEN), ingress("a", SNIPPET)))


def test_snippets_may_be_accepted_and_still_not_be_in_force() -> None:
    risky = side("1.12.1", {"annotations-risk-level": "Critical"})
    found = compare(side("1.11.3", OPEN), risky, ingress("a", SNIPPET))
    assert bad(found) == [("1.12", "lost", "server-snippet", ("shop/a",))]


def test_secrets_of_other_namespaces_deny_the_location() -> None:
    abroad, own = ingress("a", {"auth-secret": "other/users"}), ingress("b", {"auth-secret": "shop/users"})
    near = ingress("c", {"auth-secret": "users"})
    found = compare(side("1.11.3"), side("1.12.1"), abroad, own, near)
    assert bad(found) == [("1.12", "denied", "auth-secret of another namespace", ("shop/a",))]
    allowed = side("1.12.1", {"allow-cross-namespace-resources": "true"})
    assert not bad(compare(side("1.11.3"), allowed, abroad))


def test_odd_paths_are_refused_by_the_webhook_alone() -> None:
    odd = [ingress("a", path="/~user"), ingress("b", path="/~x", kind="ImplementationSpecific"), ingress("c")]
    found = compare(side("1.11.3"), side("1.12.1"), *odd)
    assert [(one[1], one[3]) for one in bad(found)] == [("refused", ("shop/a: /~user",))]
    lax = side("1.12.1", {"strict-validate-path-type": "false"})
    assert not bad(compare(side("1.11.3"), lax, *odd))
    blind = side("1.12.1")
    blind = msgspec.structs.replace(blind, settings=msgspec.structs.replace(blind.settings, webhook=False))
    assert not bad(compare(side("1.11.3"), blind, *odd))


def test_a_dot_in_a_path_is_allowed_again_from_1_12_6_on() -> None:
    dotted = ingress("a", path="/.well-known/x", kind="Exact")
    assert bad(compare(side("1.11.3"), side("1.12.1"), dotted))[0][1] == "refused"
    assert not bad(compare(side("1.11.3"), side("1.15.1"), dotted))


def test_global_rate_limits_are_lost_where_they_are_in_force() -> None:
    limited = ingress("a", {"global-rate-limit": "5", "global-rate-limit-window": "1m"})
    on = side("1.11.3", {"global-rate-limit-memcached-host": "cache"})
    found = compare(on, side("1.12.1"), limited)
    assert bad(found) == [("1.12", "lost", "global-rate-limit", ("shop/a",))]
    assert set(found.forgotten) == {"global-rate-limit", "global-rate-limit-window"}
    assert not bad(compare(side("1.11.3"), side("1.12.1"), limited))


def test_patterns_that_values_must_match_are_named_once() -> None:
    named = [one for one in compare(side("1.11.3"), side("1.12.1")).changes if one.effect == "named"]
    assert len(named) == 1
    validating = side("1.11.3", {}, "--enable-annotation-validation=true")
    assert not compare(validating, side("1.12.1")).changes


def test_tracing_and_the_chroot_image_go_with_1_10() -> None:
    running = side(
        "1.9.4", {"enable-opentracing": "true", "zipkin-collector-host": "z", "use-geoip2": "true"}
    )
    chroot = side("1.10.0", image="registry.k8s.io/ingress-nginx/controller-chroot:v1.10.0")
    found = compare(running, chroot, ingress("a", {"enable-opentracing": "true"}))
    assert {one[1:] for one in bad(found)} == {
        ("broken", "there is no chroot image of 1.10.0 (its changelog)", (chroot.settings.image,)),
        ("dropped", "enable-opentracing", ("shop/a",)),
        (
            "dropped",
            "settings of OpenTracing and legacy GeoIP",
            ("enable-opentracing", "zipkin-collector-host"),
        ),
    }
    assert any("nginx 1.25" in one.what for one in found.changes)


def test_crossing_1_0_needs_an_ingress_class_and_a_class_in_each_ingress() -> None:
    bare, old = (
        ingress("bare", ingressClassName=None),
        ingress("old", {"kubernetes.io/ingress.class": "nginx"}),
    )
    named, other = (
        ingress("named"),
        ingress("other", {"kubernetes.io/ingress.class": ""}, ingressClassName=None),
    )
    running = side("0.50.0")
    assert (running.settings.classless, running.settings.class_by_name) == (True, True)
    found = compare(running, side("1.1.3"), bare, old, named, other, classes=())
    assert bad(found) == [
        ("1.0", "gone", "a class nginx that no IngressClass of the controller has", ("shop/named",)),
        ("1.0", "gone", "no class", ("shop/bare", "shop/other")),
    ]
    with_class = side("1.1.3", {}, "--watch-ingress-without-class=true", classes=("nginx",))
    assert not bad(compare(running, with_class, bare, old, named, other, classes=()))


def test_a_class_of_its_own_before_1_0_takes_no_ingress_without_one() -> None:
    assert not side("0.50.0", {}, "--ingress-class=internal").settings.classless


def test_plugins_are_lost_and_old_templates_break() -> None:
    running = side("1.11.3", {"plugins": "hello, world"})
    assert bad(compare(running, side("1.12.1"))) == [
        ("plugins", "lost", "no version from 1.12 on loads them", ("hello", "world"))
    ]
    mounted = controller("registry.k8s.io/ingress-nginx/controller:v1.12.1")
    mounted["volumeMounts"] = [{"name": "tmpl", "mountPath": "/etc/nginx/template"}]
    found = workload(mounted)
    found["spec"]["template"]["spec"]["volumes"] = [{"name": "tmpl", "configMap": {"name": "own"}}]
    settings = PROFILE.settings(found, {})
    assert settings.template == "ingress/own"
    uses = PROFILE.template_uses("{{ range $cfg.Plugins }}{{ buildOpentracing $cfg }}")
    target = Side(settings, "4.12.1", template_uses=uses)
    assert bad(compare(side("1.9.4"), target)) == [
        ("template", "broken", "OpenTracing, Lua plugins", ("ingress/own",))
    ]


def test_annotations_that_no_version_knows_are_told_apart() -> None:
    marked = ingress("a", {"our-own": "x", "proxy-body-size": "1m", "whitelist-source-range": "0.0.0.0/0"})
    found = compare(side("1.11.3"), side("1.12.1"), marked)
    assert (found.forgotten, found.foreign) == ({}, {"our-own": ("shop/a",)})


def test_the_table_begins_with_0_49() -> None:
    assert "known from 0.49.0 on" in compare(side("0.48.1"), side("0.48.1")).untabled
    assert compare(side("0.48.1"), side("0.50.0")).untabled == ""


@pytest.mark.parametrize(
    ("now", "then", "name"),
    [
        ("1.6.4", "1.7.1", "enable-influxdb"),
        ("0.50.0", "1.12.1", "influxdb-host"),
        ("1.6.4", "1.1.3", "denylist-source-range"),
        ("1.9.4", "1.7.1", "allowlist-source-range"),
        ("1.6.4", "1.1.3", "mirror-host"),
        ("1.7.1", "1.10.0", "enable-opentracing"),
    ],
)
def test_what_a_version_before_1_9_knew_and_the_target_does_not_is_forgotten(
    now: str, then: str, name: str
) -> None:
    found = compare(side(now), side(then), ingress("a", {name: "x"}))
    assert (found.forgotten, found.foreign) == ({name: ("shop/a",)}, {})
    back = compare(side(then), side(now), ingress("a", {name: "x"}))
    assert back.forgotten == {}


def test_every_name_of_the_table_is_known_to_a_version() -> None:
    names = {*table._table()["since"], *table._table()["until"]}
    versions = ("0.49.0", "1.7.0", "1.9.0", "1.11.0", "1.12.1")
    assert [name for name in names if not any(table.knows(one, name) for one in versions)] == []
    assert table.knows("0.49.0", "canary-weight")


def test_a_version_that_cannot_be_told_is_no_pass() -> None:
    unknown = Side(PROFILE.settings(workload(controller("own/image:latest")), {}))
    assert "the target" in compare(side("1.11.3"), unknown).unversioned
    assert "the primary" in compare(unknown, side("1.12.1")).unversioned


def test_risks_of_the_table() -> None:
    assert table.risk("configuration-snippet") == "Critical"
    assert table.risk("our-own") == ""
    assert table.knows("1.11.3", "custom-headers")
    assert not table.knows("1.9.4", "custom-headers")
    assert not table.riskier("High", "High")
    assert table.riskier("Medium", "nonsense")


def test_500_ingresses_are_compared_at_once() -> None:
    many = [ingress(f"web-{number}", {**SNIPPET, "ssl-redirect": "true"}) for number in range(500)]
    found = compare(side("1.11.3", OPEN), side("1.12.1"), *many)
    assert len(bad(found)[0][3]) == 500
    assert len(msgspec.json.encode(found)) < 20_000
