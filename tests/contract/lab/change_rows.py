"""The table: each kind of change, with what the controller does."""

from __future__ import annotations

from typing import Any

from tests.contract.lab.changes import (
    MARKS,
    Row,
    annotated,
    config_map,
    edited,
    new,
    of_class,
    path,
    rule,
    service,
    setting,
    slice_of,
)
from tests.contract.lab.edge import ingress, secret

RELOAD, DYNAMIC, NOTHING = "reload", "dynamic", "nothing"
PLAIN: dict[str, Any] = ingress("more", "more.test", service="web")
CANARY = ingress("canary", "shared.test", MARKS, service="fourth")


def _class(name: str) -> dict[str, Any]:
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass"}
    return {**kind, "metadata": {"name": name}, "spec": {"controller": "k8s.io/ingress-nginx"}}


ANNOTATIONS = (
    Row("body size", RELOAD, annotated("web", proxy_body_size="2m")),
    Row("body size as by default", NOTHING, annotated("web", proxy_body_size="1m")),
    Row("redirect as by default", NOTHING, annotated("web", ssl_redirect="true")),
    Row("no redirect", RELOAD, annotated("web", ssl_redirect="false")),
    Row("cors that is off", NOTHING, annotated("web", enable_cors="false")),
    Row("cors", RELOAD, annotated("web", enable_cors="true")),
    Row("external auth", RELOAD, annotated("web", auth_url="http://198.18.200.9/check")),
    Row("realm without auth", NOTHING, annotated("web", auth_realm="staff")),
    Row("rewrite", RELOAD, annotated("web", rewrite_target="/")),
    Row("rate limit", RELOAD, annotated("web", limit_rps="5")),
    Row("error pages", RELOAD, annotated("web", custom_http_errors="503")),
    Row("alias", RELOAD, annotated("web", server_alias="b.test")),
    Row("www", RELOAD, annotated("web", from_to_www_redirect="true")),
    Row("passthrough", RELOAD, annotated("web", ssl_passthrough="true")),
    Row("ciphers", RELOAD, annotated("web", ssl_ciphers="HIGH")),
    Row("backend protocol", RELOAD, annotated("web", backend_protocol="HTTPS")),
    Row("balancing", DYNAMIC, annotated("shared", load_balance="ewma")),
    Row("affinity", DYNAMIC, annotated("shared", affinity="cookie")),
    Row("balancing said by a later Ingress", NOTHING, annotated("allowed", load_balance="ewma")),
    Row("hash", DYNAMIC, annotated("shared", upstream_hash_by="$request_uri")),
    Row("trailing slash", NOTHING, annotated("web", preserve_trailing_slash="true")),
    Row("custom headers", NOTHING, annotated("web", custom_headers="shop/extra")),
    Row("headers for external auth", NOTHING, annotated("outer", auth_proxy_set_headers="shop/extra")),
    Row("name for upstream TLS", NOTHING, annotated("inner", proxy_ssl_name="web.test")),
    Row("depth for upstream TLS", RELOAD, annotated("inner", proxy_ssl_verify_depth="3")),
    Row("name without upstream TLS", NOTHING, annotated("web", proxy_ssl_name="web.test")),
    Row("default backend with endpoints", NOTHING, annotated("web", default_backend="reserve")),
    Row(
        "order of a list",
        NOTHING,
        annotated("allowed", whitelist_source_range="198.51.100.0/24,192.0.2.0/24"),
    ),
    Row("another list", RELOAD, annotated("allowed", whitelist_source_range="192.0.2.0/24")),
    Row("nobody's annotation", NOTHING, annotated("web", no_such_thing="x")),
    Row("too risky", NOTHING, annotated("web", server_snippet="# nothing"), back=False),
    Row(
        "another program's annotation",
        NOTHING,
        edited("web", lambda one: one["metadata"]["annotations"].update({"example.com/a": "b"})),
    ),
    Row("a label", NOTHING, edited("web", lambda one: one["metadata"].update({"labels": {"a": "b"}}))),
)
INGRESSES = (
    Row("new host", RELOAD, new(PLAIN)),
    Row(
        "same host and path",
        NOTHING,
        new(ingress("more", "a.test", paths=[("/api", "Prefix")], service="web")),
    ),
    Row(
        "same host, another path",
        RELOAD,
        new(ingress("more", "a.test", paths=[("/b", "Prefix")], service="web")),
    ),
    Row("another class", NOTHING, new(of_class(PLAIN, "other"))),
    Row("no class", NOTHING, new(of_class(PLAIN, None))),
    Row("leaves the class", RELOAD, edited("web", lambda one: one["spec"].update(ingressClassName="other"))),
    Row("deleted", RELOAD, edited("web", lambda _: None), delete=True),
    Row("a host more", RELOAD, edited("web", lambda one: rule(one, "b.test"))),
    Row("another path", RELOAD, edited("web", lambda one: path(one).update(path="/v2"))),
    Row("prefix to exact", RELOAD, edited("web", lambda one: path(one).update(pathType="Exact"))),
    Row(
        "exact to what the controller likes",
        RELOAD,
        edited("exact", lambda one: path(one).update(pathType="ImplementationSpecific")),
    ),
    Row(
        "prefix to what the controller likes",
        NOTHING,
        edited("web", lambda one: path(one).update(pathType="ImplementationSpecific")),
    ),
    Row(
        "prefix to exact of a regular expression",
        NOTHING,
        edited("regex", lambda one: path(one).update(pathType="Exact")),
    ),
    Row(
        "another Service",
        RELOAD,
        edited("web", lambda one: path(one)["backend"]["service"].update(name="second")),
    ),
    Row(
        "port by name",
        RELOAD,
        edited("web", lambda one: path(one)["backend"]["service"].update(port={"name": "http"})),
    ),
    Row(
        "catch all",
        RELOAD,
        new(
            {
                **PLAIN,
                "spec": {
                    "ingressClassName": "nginx",
                    "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
                },
            }
        ),
    ),
    Row(
        "TLS begins",
        DYNAMIC,
        edited("web", lambda one: one["spec"].update(tls=[{"hosts": ["a.test"], "secretName": "plain"}])),
    ),
    Row(
        "another TLS Secret",
        DYNAMIC,
        edited("tls", lambda one: one["spec"]["tls"][0].update(secretName="renewed")),
    ),
    Row("canary", DYNAMIC, new(CANARY)),
    Row(
        "canary of a Service that others name",
        DYNAMIC,
        new(ingress("canary", "shared.test", MARKS, service="web")),
    ),
    Row(
        "canary of nothing",
        NOTHING,
        new(ingress("canary", "shared.test", MARKS, paths=[("/x", "Exact")], service="fourth")),
    ),
    Row("a new class", NOTHING, new(_class("second"))),
)
SECRETS = (
    Row("certificate renewed", DYNAMIC, lambda there: {**there["cert"], "data": there["renewed"]["data"]}),
    Row(
        "default certificate renewed",
        RELOAD,
        lambda there: {**there["fallback"], "data": there["plain"]["data"]},
    ),
    Row("users", RELOAD, new(secret("users", {"auth": b"bob:$apr1$12345678$Q1qQ1qQ1qQ1qQ1qQ1qQ1q."}))),
    Row(
        "authority of clients",
        RELOAD,
        lambda there: {**there["ca"], "data": {"ca.crt": there["plain"]["data"]["tls.crt"]}},
    ),
    Row("nobody's Secret", NOTHING, new(secret("loose", {"key": b"two"}))),
    Row("certificate deleted", DYNAMIC, edited("cert", lambda _: None), delete=True),
)
SERVICES = (
    Row("an endpoint more", DYNAMIC, new(slice_of("web", "198.18.200.1", "198.18.200.21"))),
    Row("no endpoint", DYNAMIC, new(slice_of("web"))),
    Row("no endpoint, with a default backend", RELOAD, new(slice_of("second"))),
    Row(
        "an endpoint more behind a TCP port",
        DYNAMIC,
        new(slice_of("stream", "198.18.200.5", "198.18.200.25")),
        unseen=True,
    ),
    Row("no endpoint behind a TCP port", RELOAD, new(slice_of("stream"))),
    Row("another port", DYNAMIC, edited("service web", lambda one: one["spec"]["ports"][0].update(port=81))),
    Row(
        "a label of a Service",
        NOTHING,
        edited("service web", lambda one: one["metadata"].update(labels={"a": "b"})),
    ),
    Row("Service deleted", RELOAD, edited("service web", lambda _: None), delete=True),
    Row("nobody's Service", NOTHING, new(service("loose"))),
)
SETTINGS = (
    Row("keep-alive", RELOAD, setting(keep_alive="60")),
    Row("keep-alive as by default", NOTHING, setting(keep_alive="75")),
    Row("worker-shutdown-timeout", RELOAD, setting(worker_shutdown_timeout="120s")),
    Row("nobody's key", NOTHING, setting(no_such_key="1")),
    Row("added headers", NOTHING, edited("headers", lambda one: one["data"].update({"X-More": "yes"}))),
    Row("settings deleted", NOTHING, edited("config", lambda _: None), delete=True, back=False),
    Row("a TCP port", RELOAD, edited("tcp", lambda one: one["data"].update({"9001": "shop/web:80"}))),
    Row(
        "a TCP port to nobody",
        NOTHING,
        edited("tcp", lambda one: one["data"].update({"9001": "shop/absent:80"})),
    ),
    Row("nobody's ConfigMap", NOTHING, new(config_map("loose", {"key": "two"}))),
    Row(
        "eviction",
        NOTHING,
        new(
            {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": {"name": "edge", "namespace": "edge"},
                "spec": {
                    "minAvailable": 1,
                    "selector": {"matchLabels": {"app.kubernetes.io/component": "controller"}},
                },
            }
        ),
    ),
)
CANARIES = (
    Row("canary weight", DYNAMIC, annotated("canary", canary_weight="50")),
    Row("canary header", DYNAMIC, annotated("canary", canary_by_header="X-Canary")),
    Row("canary weight total", NOTHING, annotated("canary", canary_weight_total="200"), waits=True),
)
ROWS = (*ANNOTATIONS, *INGRESSES, *SECRETS, *SERVICES, *SETTINGS)
FIRST = {
    "body size",
    "body size as by default",
    "balancing",
    "custom headers",
    "nobody's annotation",
    "new host",
    "same host and path",
    "another class",
    "exact to what the controller likes",
    "TLS begins",
    "canary",
    "certificate renewed",
    "default certificate renewed",
    "users",
    "an endpoint more",
    "no endpoint, with a default backend",
    "no endpoint behind a TCP port",
    "Service deleted",
    "keep-alive",
    "keep-alive as by default",
    "added headers",
}
"""Rows that every test run makes; all of them take a quarter of an hour."""
assert {row.name for row in ROWS} >= FIRST
