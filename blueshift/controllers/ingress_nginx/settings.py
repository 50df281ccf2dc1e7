"""What is in force in a running controller: flags over its ConfigMap over the defaults of its version."""

from __future__ import annotations

import re
from collections.abc import Mapping

from blueshift.controllers.ingress_nginx import workload as pods
from blueshift.controllers.ingress_nginx.version import (
    CONTROLLER_CLASS,
    METRICS_OFF,
    SECURE_DEFAULTS,
    SNIPPETS_OFF,
    at_least,
    numbers,
)
from blueshift.controllers.profile import Workload
from blueshift.discovery.settings import Settings

CONTROLLER = "k8s.io/ingress-nginx"

LOG_PATHS = ("/dev/stdout", "/var/log/nginx/access.log")
"""Where the access log becomes the pod's log: the image links the file to standard output."""

TEMPLATES, PLUGINS = "/etc/nginx/template", "/etc/nginx/lua/plugins"
"""Where the image has its nginx.tmpl, and where it looks for Lua plugins."""

_DURATION = re.compile(r"(\d+)(ms|s|m|h|)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "": 1}


def settings(workload: Workload, config: Mapping[str, str], version: str = "") -> Settings:
    """Read them; `config` is the data of the controller's ConfigMap, `version` what its program said."""
    flags = pods.flags(workload)
    match = pods.matches(workload)
    version = ".".join(map(str, numbers(version))) or (match.version if match else "")
    why = _log_is_blind(config)
    ingress_class = flags.get("ingress-class") or "nginx"
    secure = since(version, SECURE_DEFAULTS)
    # Before 1.0 classes were told by name, and the default one took what has none (annotations/class, 0.49).
    by_name = bool(version) and not at_least(version, CONTROLLER_CLASS)
    return Settings(
        version=version,
        controller=flags.get("controller-class", CONTROLLER),
        ingress_class=ingress_class,
        watches=flags.get("watch-namespace", ""),
        classless=_on(flags.get("watch-ingress-without-class"), default=by_name and ingress_class == "nginx"),
        class_by_name=_on(flags.get("ingress-class-by-name"), default=by_name),
        metrics=_on(flags.get("enable-metrics"), default=not since(version, METRICS_OFF)),
        metrics_port=_number(flags.get("healthz-port"), 10254),
        metrics_per_host=_on(flags.get("metrics-per-host"), default=True),
        access_log=why not in {"disable-access-log", "disable-http-access-log", "enable-syslog", "a file"},
        access_log_why=why,
        log_format=config.get("log-format-upstream", ""),
        proxy_protocol=_on(config.get("use-proxy-protocol"), default=False),
        forwarded_headers=_on(config.get("use-forwarded-headers"), default=False)
        or _on(config.get("enable-real-ip"), default=False),
        worker_shutdown_timeout=seconds(config.get("worker-shutdown-timeout", ""), 240),
        shutdown_grace=_number(flags.get("shutdown-grace-period"), 0),
        post_shutdown=_number(flags.get("post-shutdown-grace-period"), 10),
        update_status=_on(flags.get("update-status"), default=True),
        blanks_status=_on(flags.get("update-status"), default=True)
        and _on(flags.get("update-status-on-shutdown"), default=True),
        publish_service=flags.get("publish-service", ""),
        keepalive_seconds=seconds(config.get("keep-alive", ""), 75),
        keepalive_requests=_number(config.get("keep-alive-requests"), 1000),
        status_port=_number(flags.get("status-port"), 10246),
        ports=(_number(flags.get("http-port"), 80), _number(flags.get("https-port"), 443)),
        own_ports=(
            _number(flags.get("healthz-port"), 10254),
            _number(flags.get("validating-webhook", "").rpartition(":")[2], 8443),
        ),
        image=pods.image(workload),
        grace=pods.grace(workload),
        slept=pods.slept(workload),
        keys=tuple(sorted(config)),
        snippets=_on(config.get("allow-snippet-annotations"), default=not since(version, SNIPPETS_OFF)),
        risk=config.get("annotations-risk-level", "High" if secure else "Critical"),
        strict_paths=_on(config.get("strict-validate-path-type"), default=secure),
        cross_namespace=_on(config.get("allow-cross-namespace-resources"), default=not secure),
        validates=_on(flags.get("enable-annotation-validation"), default=secure),
        webhook=bool(flags.get("validating-webhook")),
        prefix=flags.get("annotations-prefix", "nginx.ingress.kubernetes.io"),
        plugins=plugins(workload, config),
        template=pods.mounted(workload, TEMPLATES),
        streams={
            kind: place
            for kind in ("TCP", "UDP")
            if (place := flags.get(f"{kind.lower()}-services-configmap", ""))
        },
    )


def plugins(workload: Workload, config: Mapping[str, str]) -> tuple[str, ...]:
    """The Lua plugins that the ConfigMap names, or that are mounted where they are looked for."""
    named = [name.strip() for name in config.get("plugins", "").split(",") if name.strip()]
    return tuple(named) or tuple(filter(None, [pods.mounted(workload, PLUGINS)]))


def since(version: str, least: tuple[int, ...]) -> bool:
    """Whether a version is known to be that one or later."""
    return bool(version) and at_least(version, least)


def seconds(text: str, default: int) -> int:
    """Seconds of nginx's times, `240s`, `4m`, `1h30m`; bare numbers are seconds; rounded up."""
    parts = _DURATION.findall(text.replace(" ", ""))
    if not parts:
        return default
    return -int(-sum(int(number) * _SECONDS[unit] for number, unit in parts) // 1)


def _log_is_blind(config: Mapping[str, str]) -> str:
    """Why the pod's log does not show every request, or an empty string."""
    for key in ("disable-access-log", "disable-http-access-log", "enable-syslog"):
        if _on(config.get(key), default=False):
            return key
    path = config.get("http-access-log-path") or config.get("access-log-path") or LOG_PATHS[0]
    if path not in LOG_PATHS:
        return "a file"
    return "skip-access-log-urls" if config.get("skip-access-log-urls") else ""


def _on(text: str | None, *, default: bool) -> bool:
    # Go's strconv.ParseBool, which both flags and ConfigMap go through.
    if text is None:
        return default
    return text.strip().lower() in {"1", "t", "true"}


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.strip().lstrip("-").isdigit() else default
