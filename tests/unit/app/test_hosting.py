"""Hosts that are asked for by patterns, in logs that have none."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.app.hosting import Hosting, hosting_of, meets
from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.traffic.logs import compile_format

PLAIN = compile_format()
HOSTS = compile_format('$remote_addr $host "$request" $status')
PREFIX = "nginx.ingress.kubernetes.io"


def service(name: str, port: int | str = 80) -> dict[str, Any]:
    return {"service": {"name": name, "port": {"number" if isinstance(port, int) else "name": port}}}


def ingress(*rules: tuple[str, dict[str, Any]], default: Any = None, **marks: str) -> dict[str, Any]:
    """Of the namespace `shop`; each rule is a host (empty for any) and where it leads."""
    spec: dict[str, Any] = {
        "rules": [
            ({"host": host} if host else {}) | {"http": {"paths": [{"path": "/", "backend": backend}]}}
            for host, backend in rules
        ]
    }
    annotations = {f"{PREFIX}/{name.replace('_', '-')}": value for name, value in marks.items()}
    return {
        "metadata": {"name": "one", "namespace": "shop", "annotations": annotations},
        "spec": spec | ({"defaultBackend": default} if default else {}),
    }


def hosting(*ingresses: dict[str, Any]) -> Hosting:
    return hosting_of(ingresses, IngressNginx(), PREFIX)


@pytest.mark.parametrize(
    ("made", "upstreams"),
    [
        (ingress(("Shop.example.com", service("web"))), {"shop-web-80": {"shop.example.com"}}),
        (ingress(("a.org", service("web", "http"))), {"shop-web-http": {"a.org"}}),
        (ingress(("", service("web"))), {"shop-web-80": {"_"}}),
        (
            ingress(("a.org", service("web")), default=service("rest")),
            {"shop-web-80": {"a.org"}, "shop-rest-80": {"a.org"}},
        ),
        (ingress(default=service("rest")), {"shop-rest-80": {"_"}}),
        (
            ingress(("a.org", service("web")), server_alias="b.org, ~^c.*"),
            {"shop-web-80": {"a.org", "b.org"}},
        ),
        (ingress(("a.org", service("web")), from_to_www_redirect="true"), {"shop-web-80": {"a.org"}}),
        (ingress(("a.org", service("next")), canary="true"), {}),
        (ingress(("a.org", {"resource": {"kind": "Bucket", "name": "b"}})), {}),
    ],
)
def test_an_ingress_says_which_upstreams_serve_which_hosts(
    made: dict[str, Any], upstreams: dict[str, set[str]]
) -> None:
    assert hosting(made).upstreams == upstreams


@pytest.mark.parametrize(
    ("host", "pattern", "found"),
    [
        ("shop.example.com", "shop.*", True),
        ("shop.example.com", "*.example.com", True),
        ("shop.example.com", "shop", False),
        ("*.example.com", "*.example.com", True),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "shop.*", True),
        ("*.example.com", "[a-s]hop.example.*", True),
        ("*.example.com", "shop.example.org", False),
        ("*.example.com", "example.com", False),
        ("*." + "a" * 250 + ".com", "*a*a*a*a*b", False),
    ],
)
def test_a_host_and_a_pattern_may_mean_the_same_name(host: str, pattern: str, found: bool) -> None:
    assert meets(host, pattern) is found


def test_upstreams_that_serve_a_host_that_is_asked_for() -> None:
    found = hosting(
        ingress(("shop.example.com", service("web")), ("blog.example.com", service("blog"))),
        ingress(("*.wild.org", service("wild")), ("", service("any"))),
    )
    assert found.serving(["shop.*"]) == {"shop-web-80", "shop-wild-80"}, "it may be shop.wild.org"
    assert found.serving(["shop.example.*"]) == {"shop-web-80"}
    assert found.serving(["*.example.com"]) == {"shop-web-80", "shop-blog-80"}
    assert found.serving(["a.wild.org", "blog.*"]) == {"shop-wild-80", "shop-blog-80"}
    assert found.serving(["_"]) == frozenset()


def test_an_upstream_of_several_hosts_cannot_be_told_apart_where_the_log_has_none() -> None:
    mixed = hosting(ingress(("shop.example.com", service("web")), ("blog.example.com", service("web"))))
    (sentence,) = mixed.doubts(["shop.*"], PLAIN)
    assert "all of the upstream shop-web-80 is shown, which serves blog.example.com too" in sentence
    assert "$host" in sentence
    assert list(mixed.doubts(["shop.*"], HOSTS)) == []
    assert list(mixed.doubts(["*.example.com"], PLAIN)) == [], "all of its hosts are asked for"
    assert list(mixed.doubts(["shop-web-*"], PLAIN)) == [], "it was asked for by its own name"
    assert list(mixed.doubts([], PLAIN)) == []
    (sentence,) = hosting(ingress(("*.wild.org", service("wild")))).doubts(["a.wild.org"], PLAIN)
    assert "serves *.wild.org too" in sentence


def test_a_pattern_that_nothing_can_match_is_said() -> None:
    found = hosting(ingress(("shop.example.com", service("web"))))
    (sentence,) = found.doubts(["shp.*"], PLAIN)
    assert sentence == "no Ingress that the primary serves has a host or a Service like --host shp.*"
    (sentence,) = found.doubts(["shop-web-80"], HOSTS)
    assert sentence == "no Ingress that the primary serves has a host like --host shop-web-80"
    any_host = hosting(ingress(("shop.example.com", service("web")), ("", service("any"))))
    (sentence,) = any_host.doubts(["other.org"], PLAIN)
    assert sentence.endswith("; hosts that none names are served by shop-any-80")
    assert list(any_host.doubts(["other.org"], HOSTS)) == [], "its log has whatever host is asked for"


def test_a_host_that_is_only_redirected_has_no_upstream() -> None:
    found = hosting(ingress(("shop.example.com", service("web")), from_to_www_redirect="true"))
    (sentence,) = found.doubts(["www.*"], PLAIN)
    assert "www.shop.example.com no upstream of its own: --host www.* shows nothing" in sentence
    assert list(found.doubts(["www.*"], HOSTS)) == []


def test_what_is_not_known_of_ingresses_is_said_and_nothing_is_made_of_it() -> None:
    (sentence,) = Hosting(unknown="ingresses is forbidden").doubts(["shop.*"], PLAIN)
    assert sentence.endswith("not known: ingresses is forbidden; --host goes by the names of upstreams alone")
    assert list(Hosting(unknown="ingresses is forbidden").doubts(["shop.*"], HOSTS)) == []
    assert list(Hosting(unknown="ingresses is forbidden").doubts([], PLAIN)) == []
