"""What is deployed and what is asked are the same sites."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from blueshift.lab.application import manifests
from blueshift.lab.certificates import Authority
from blueshift.lab.load import load
from blueshift.lab.sites import SERVICES, Site, sites
from blueshift.lab.zone import ALIASES, HOSTS
from blueshift.traffic.prober.plan import KINDS, Plan, Route, check_plan

SITES = sites()
ASKED = [(site, route) for site in SITES for route in (*site.asked, *site.polled, *site.joined)]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return manifests(SITES, Authority(tmp_path_factory.mktemp("ca") / "ca.pem"), image="echo:1")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load(SITES, rate=300.0, duration=60.0, ca="ca.pem")


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in objects if each["kind"] == kind]


def test_every_name_of_the_zone_has_one_site() -> None:
    assert sorted(site.host for site in SITES) == sorted([*HOSTS, *ALIASES])


def test_about_forty_ingresses_of_every_sort() -> None:
    assert 38 <= len(SITES) <= 45
    kinds = {kind for site in SITES for _, kind, _ in site.rules}
    assert kinds == {"Exact", "Prefix", "ImplementationSpecific"}
    assert {site.tls for site in SITES} == {True, False}
    annotations = {name for site in SITES for name in site.annotations}
    assert {
        f"nginx.ingress.kubernetes.io/{name}" for name in ("rewrite-target", "use-regex", "auth-type")
    } <= (annotations)
    assert any(route.upload >= 1_000_000 for _, route in ASKED)
    assert any(route.lines for _, route in ASKED)
    assert any(route.wait == 20 for _, route in ASKED)
    assert any(site.joined for site in SITES)


@pytest.mark.parametrize(("site", "route"), ASKED, ids=lambda value: getattr(value, "path", None))
def test_a_question_is_for_its_own_site_and_the_rules_lead_where_it_expects(site: Site, route: Route) -> None:
    assert re.fullmatch(re.escape(site.host).replace(r"\*", r"[a-z]+"), route.host)
    assert route.tls == site.tls
    assert route.service in SERVICES
    path = route.path.partition("?")[0]
    assert served_by(site, path) == route.service


def served_by(site: Site, path: str) -> str:
    """Kubernetes' own rule: Exact first, then the longest match; regexes in order of length."""
    matching = []
    for rule, kind, service in site.rules:
        if kind == "Exact" and path == rule:
            return service
        if kind == "Prefix" and (rule == "/" or path == rule or path.startswith(rule + "/")):
            matching.append((len(rule), service))
        if kind == "ImplementationSpecific" and re.match(rule, path):
            matching.append((len(rule), service))
    return max(matching)[1]


def test_an_ingress_for_each_site_with_its_class_and_certificate(objects: list[dict[str, Any]]) -> None:
    ingresses = {each["spec"]["rules"][0]["host"]: each for each in of_kind(objects, "Ingress")}
    secrets = {each["metadata"]["name"]: each for each in of_kind(objects, "Secret")}
    assert len(ingresses) == len(SITES)
    for site in SITES:
        spec = ingresses[site.host]["spec"]
        assert spec["ingressClassName"] == "nginx"
        assert len(spec["rules"][0]["http"]["paths"]) == len(site.rules)
        assert ("tls" in spec) == site.tls
        if site.tls:
            pem = base64.b64decode(secrets[spec["tls"][0]["secretName"]]["data"]["tls.crt"])
            names = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            )
            assert names.value.get_values_for_type(x509.DNSName) == [site.host]


def test_each_service_leads_to_the_port_that_answers_with_its_name(objects: list[dict[str, Any]]) -> None:
    container = of_kind(objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]
    for service in of_kind(objects, "Service"):
        port = service["spec"]["ports"][0]["targetPort"]
        assert f"--service={service['metadata']['name']}={port}" in container["args"]


def test_names_are_unique(objects: list[dict[str, Any]]) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    assert len(names) == len(set(names))


def test_the_load_has_the_rate_and_every_kind(plan: Plan) -> None:
    check_plan(plan, "plan")
    assert plan.rate == pytest.approx(300.0)
    assert {stream.kind for stream in plan.streams} == {*KINDS, "websocket_long"}
    assert all(stream.rate > 0 or stream.at for stream in plan.streams)


def test_every_question_is_asked_and_the_wildcard_by_two_names(plan: Plan) -> None:
    asked = {(stream.route.host, stream.route.path) for stream in plan.streams}
    assert asked == {(route.host, route.path) for _, route in ASKED}


@pytest.mark.parametrize("protocol", ["http1", "http2"])
def test_half_of_the_pools_have_no_maximum_age_and_both_families_are_used(plan: Plan, protocol: str) -> None:
    personas = {each.name: each for each in plan.personas}
    pools = {
        (stream.persona, stream.route.host)
        for stream in plan.streams
        if personas[stream.persona].protocol == protocol
    }
    kept = [pool for pool in pools if personas[pool[0]].max_age is None]
    assert len(kept) * 2 >= len(pools)
    assert {personas[name].family for name, _ in pools} == {4, 6}


def test_sessions_are_of_seconds_and_a_few_of_minutes(plan: Plan) -> None:
    holds = {stream.kind: stream.hold for stream in plan.streams if stream.kind.startswith("websocket")}
    assert holds == {"websocket": (5.0, 30.0), "websocket_long": (300.0, 300.0)}
    assert 2 <= sum(len(stream.at) for stream in plan.streams) <= 5


def test_without_ipv6_everything_goes_over_ipv4_from_its_own_addresses() -> None:
    plan = load(
        SITES, rate=300.0, duration=60.0, ca="", families=(4,), sources=(("198.18.0.100", "198.18.0.101"),)
    )
    check_plan(plan, "plan")
    assert {persona.family for persona in plan.personas} == {4}
    assert {persona.source for persona in plan.personas} == {"198.18.0.100", "198.18.0.101"}
    assert plan.rate == pytest.approx(300.0)


def test_the_authority_file_is_a_certificate_that_may_sign(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca.pem")
    certificate = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    site = x509.load_pem_x509_certificate(authority.issue("*.wild.lab.test")[0])
    site.verify_directly_issued_by(certificate)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
