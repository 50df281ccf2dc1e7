from pathlib import Path
from typing import Any

import pytest
import yaml

from blueshift.controllers.ingress_nginx.profile import IngressNginx
from blueshift.controllers.ingress_nginx.settings import seconds
from blueshift.controllers.ingress_nginx.version import at_least, numbers
from blueshift.controllers.ingress_nginx.workload import parse_flags, split_image
from blueshift.controllers.profile import Readiness
from tests.unit.controllers.conftest import APPS, CHARTS, Values

PROFILE = IngressNginx()

ENV = [
    {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    {"name": "REALM", "value": "edge"},
]


def workload(*containers: Values, **labels: str) -> Values:
    return {
        "kind": "Deployment",
        "metadata": {"name": "demo", "namespace": "ingress", "labels": labels},
        "spec": {"template": {"spec": {"containers": list(containers)}}},
    }


def controller(
    image: str = "registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:00", **more: Any
) -> Values:
    args = [
        "/nginx-ingress-controller",
        "--configmap=$(POD_NAMESPACE)/demo",
        "--controller-class=k8s.io/ingress-nginx",
    ]
    return {"name": "controller", "image": image, "args": args, "env": ENV, **more}


def test_official_charts_are_recognised(rendered: tuple[str, Values]) -> None:
    version, found = rendered
    match = PROFILE.matches(found)
    assert match is not None
    assert (match.version, match.confidence) == (dict(zip(CHARTS, APPS, strict=True))[version], 1.0)
    assert PROFILE.container_name(found) == "controller"
    assert PROFILE.prestop(found) == ("/wait-shutdown",)
    assert PROFILE.readiness(found) == Readiness(path="/healthz", port="10254", period=10, failures=3)
    assert PROFILE.config_map(found) == ("ingress", "demo-ingress-nginx-controller")
    settings = PROFILE.settings(found, {})
    # The chart of 4.11 says it by a flag; controllers from 1.12 on need none to be silent.
    assert settings.metrics is (version not in {"4.11.3", "4.12.1", "4.15.1"})
    assert (settings.controller, settings.ingress_class) == ("k8s.io/ingress-nginx", "nginx")
    assert settings.blanks_status


def test_a_charts_own_image_is_known_by_its_values(samples: Path, chart: tuple[str, Values]) -> None:
    version, defaults = chart
    documents = yaml.safe_load_all((samples / "rendered" / f"{version}.yaml").read_text())
    found = next(one for one in documents if one and one["kind"] == "Deployment")
    app_version = dict(zip(CHARTS, APPS, strict=True))[version]
    assert PROFILE.default_image(defaults, app_version) == PROFILE.settings(found, {}).image
    chroot = {"controller": {"image": {**defaults["controller"]["image"], "chroot": True}}}
    assert "controller-chroot:v" in PROFILE.default_image({**defaults, **chroot}, app_version)
    assert not PROFILE.default_image({}, app_version)


DEFAULTS = {
    # snippets, highest risk, strict paths, other namespaces, patterns: as each version's code has them.
    "0.50.0": (True, "Critical", False, True, False),
    "1.9.4": (False, "Critical", False, True, False),
    "1.11.3": (False, "Critical", False, True, False),
    "1.12.1": (False, "High", True, False, True),
    "2026.5.3": (False, "High", True, False, True),
}


@pytest.mark.parametrize("version", DEFAULTS)
def test_what_a_version_allows_unless_told_otherwise(version: str) -> None:
    found = workload(controller(f"registry.k8s.io/ingress-nginx/controller:v{version}"))
    one = PROFILE.settings(found, {})
    assert (one.snippets, one.risk, one.strict_paths, one.cross_namespace, one.validates) == DEFAULTS[version]
    untagged = PROFILE.settings(workload(controller("own/image:prod")), {}, f"v{version}")
    assert (untagged.version, untagged.risk) == (version, one.risk)
    told = {
        "allow-snippet-annotations": "false" if one.snippets else "true",
        "annotations-risk-level": "Low",
        "strict-validate-path-type": "false" if one.strict_paths else "true",
        "allow-cross-namespace-resources": "false" if one.cross_namespace else "true",
    }
    other = PROFILE.settings(found, told)
    assert other.risk == "Low"
    assert (other.snippets, other.strict_paths, other.cross_namespace) == (
        not one.snippets,
        not one.strict_paths,
        not one.cross_namespace,
    )


@pytest.mark.parametrize(
    ("hook", "seconds"),
    [
        ({"exec": {"command": ["/bin/sh", "-c", "sleep 15; /wait-shutdown"]}}, 15),
        ({"exec": {"command": ["/wait-shutdown"]}}, 0),
        ({"sleep": {"seconds": 20}}, 20),
    ],
)
def test_what_a_hook_sleeps_counts_against_the_grace_period(hook: Values, seconds: int) -> None:
    found = workload(controller(lifecycle={"preStop": hook}))
    assert (PROFILE.settings(found, {}).slept, PROFILE.settings(found, {}).grace) == (seconds, 30)
    found["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 300
    assert PROFILE.settings(found, {}).grace == 300


def test_its_program_says_its_version() -> None:
    said = "----\nNGINX Ingress controller\n  Release:       v1.11.3\n  Build:         git-f6456ea86\n----\n"
    assert PROFILE.release(said) == "v1.11.3"
    assert PROFILE.release("sh: not found") == ""
    assert PROFILE.release_command == ("/nginx-ingress-controller", "--version")


@pytest.mark.parametrize(("value", "quiet"), [("false", True), ("true", False), (None, False)])
def test_an_ingress_may_keep_its_requests_out_of_the_log(value: str | None, quiet: bool) -> None:
    marks = {} if value is None else {"nginx.ingress.kubernetes.io/enable-access-log": value}
    ingress = {"metadata": {"annotations": marks}}
    assert PROFILE.unlogged(ingress, "nginx.ingress.kubernetes.io") is quiet
    assert not PROFILE.unlogged(ingress, "example.test")


@pytest.mark.parametrize(
    "image",
    [
        "registry.k8s.io/ingress-nginx/controller-chroot:v1.9.4",
        "quay.io/kubernetes-ingress-controller/nginx-ingress-controller:0.33.0",
        "rancher/nginx-ingress-controller:v1.12.1-hardened1",
        "cgr.dev/chainguard/ingress-nginx-controller",
        "registry.example.org:5000/mirror/ingress-nginx/controller:v1.11.3",
    ],
)
def test_images_of_upstream_and_forks(image: str) -> None:
    found = PROFILE.matches(workload({"name": "x", "image": image, "args": ["/run.sh"]}))
    assert found is not None
    assert found.confidence >= 0.9


def test_a_private_image_is_known_by_its_flags() -> None:
    args = ["/our-ingress", "--configmap=$(POD_NAMESPACE)/demo", "--controller-class=example.com/edge"]
    match = PROFILE.matches(
        workload(
            {"image": "corp/edge:7", "args": args, "env": ENV}, **{"app.kubernetes.io/version": "1.11.3"}
        )
    )
    assert match is not None
    assert (match.version, match.confidence) == ("1.11.3", 0.7)
    assert "--configmap" in match.why


@pytest.mark.parametrize(
    "container",
    [
        {
            "image": "nginx/nginx-ingress:5.1",
            "args": ["-nginx-plus=false", "-ingress-class=nginx"],
            "env": ENV,
        },
        {"image": "traefik:v3", "args": ["--providers.kubernetesingress"]},
        {"image": "registry.k8s.io/defaultbackend-amd64:1.5"},
        {"image": "corp/edge:7", "args": ["--configmap=a/b"], "env": ENV},
        {},
    ],
)
def test_others_are_not_recognised(container: Values) -> None:
    found = workload(container)
    assert PROFILE.matches(found) is None
    assert PROFILE.container_name(found) == ""
    assert (PROFILE.args(found), PROFILE.prestop(found), PROFILE.config_map(found)) == ({}, (), None)
    assert PROFILE.readiness(found) is None


def test_sidecars_do_not_hide_it() -> None:
    assert (
        PROFILE.container_name(workload({"name": "istio-proxy", "image": "istio/proxyv2:1.20"}, controller()))
        == "controller"
    )


def test_flags_as_pflag_reads_them() -> None:
    assert parse_flags(("/x", "--a=b=c", "--b", "value", "--c", "--d", "--a=later", "-v=2", "--e")) == {
        "a": "later",
        "b": "value",
        "c": "true",
        "d": "true",
        "e": "true",
    }


def test_what_kubernetes_puts_into_flags_is_resolved_where_it_is_known() -> None:
    found = workload(
        controller(args=["/nginx-ingress-controller", "--configmap=$(POD_NAMESPACE)/$(REALM)-$(POD_NAME)"])
    )
    assert PROFILE.args(found)["configmap"] == "ingress/edge-$(POD_NAME)"


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("a/b:v1@sha256:00", ("a/b", "v1")),
        ("host:5000/a/b", ("host:5000/a/b", "")),
        ("host:5000/a/b:1", ("host:5000/a/b", "1")),
        ("b@sha256:00", ("b", "")),
    ],
)
def test_images(image: str, parts: tuple[str, str]) -> None:
    assert split_image(image) == parts


def test_versions_sort_with_calendar_versions_of_forks_above() -> None:
    assert numbers("2026.5.3") > numbers("4.15.1") > numbers("4.5.2") > numbers("v3.40.0")
    assert at_least("v1.12.0-rc.1", (1, 12, 0))
    assert at_least("latest", (1, 12, 0))
    assert not at_least("1.9.4", (1, 12, 0))


def test_settings_follow_flags_and_the_config_map() -> None:
    flags = [
        "/nginx-ingress-controller",
        "--watch-namespace=$(POD_NAMESPACE)",
        "--watch-ingress-without-class=true",
        "--enable-metrics=true",
        "--metrics-per-host=false",
        "--update-status-on-shutdown=false",
        "--shutdown-grace-period=20",
        "--publish-service=$(POD_NAMESPACE)/demo",
        "--status-port=11246",
    ]
    config = {
        "use-proxy-protocol": "true",
        "worker-shutdown-timeout": "10m",
        "keep-alive": "5",
        "keep-alive-requests": "100",
        "log-format-upstream": "$status",
    }
    found = PROFILE.settings(workload(controller(args=flags)), config)
    assert (found.watches, found.classless, found.metrics, found.metrics_per_host) == (
        "ingress",
        True,
        True,
        False,
    )
    assert (found.blanks_status, found.update_status, found.shutdown_grace) == (False, True, 20)
    assert (found.proxy_protocol, found.worker_shutdown_timeout) == (True, 600)
    assert (found.keepalive_seconds, found.keepalive_requests) == (5, 100)
    assert (found.publish_service, found.status_port, found.log_format) == ("ingress/demo", 11246, "$status")
    assert PROFILE.status_command(found)[-1] == "http://127.0.0.1:11246/nginx_status"


@pytest.mark.parametrize(
    ("config", "seen", "why"),
    [
        ({}, True, ""),
        ({"disable-access-log": "true"}, False, "disable-access-log"),
        ({"disable-http-access-log": "true"}, False, "disable-http-access-log"),
        ({"enable-syslog": "true"}, False, "enable-syslog"),
        ({"access-log-path": "/var/log/nginx/access.log"}, True, ""),
        ({"http-access-log-path": "/data/a.log"}, False, "a file"),
        ({"skip-access-log-urls": "/health"}, True, "skip-access-log-urls"),
    ],
)
def test_whether_the_log_sees(config: dict[str, str], seen: bool, why: str) -> None:
    found = PROFILE.settings(workload(controller()), config)
    assert (found.access_log, found.access_log_why) == (seen, why)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("240s", 240), ("4m", 240), ("1h30m", 5400), ("500ms", 1), ("75", 75), ("", 9), ("off", 9)],
)
def test_nginx_times(text: str, expected: int) -> None:
    assert seconds(text, 9) == expected


def test_hosts_by_annotation() -> None:
    def ingress(host: str, **marks: str) -> Values:
        named = {
            f"nginx.ingress.kubernetes.io/{key.replace('_', '-')}": value for key, value in marks.items()
        }
        return {"metadata": {"annotations": named}, "spec": {"rules": [{"host": host}, {}]}}

    assert PROFILE.aliases(ingress("a.org", server_alias="b.org, ~^c.*$ d.org")) == ("b.org", "d.org")
    assert PROFILE.aliases(ingress("a.org", from_to_www_redirect="true")) == ("www.a.org",)
    assert PROFILE.aliases(ingress("www.a.org", from_to_www_redirect="true")) == ("a.org",)
    assert PROFILE.aliases({"metadata": {}}) == ()


def test_log_formats_follow_the_config_map() -> None:
    assert PROFILE.log_format({}).lacks == ()
    assert PROFILE.log_format({"log-format-upstream": "$status"}).http.variables == {"status"}
    assert PROFILE.log_format({"log-format-escape-json": "true"}).http.escape == "json"
    assert PROFILE.log_format({"log-format-escape-none": "true"}).http.escape == "none"
