"""The profile of ingress-nginx: its parts, put together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blueshift.controllers.changes import Change, Explanation, Surroundings
from blueshift.controllers.ingress_nginx import (
    crossings,
    harden,
    quiesce,
    routes,
    settings,
    template,
    temporary,
    workload,
)
from blueshift.controllers.ingress_nginx.annotations import below
from blueshift.controllers.ingress_nginx.reloads.explain import explain
from blueshift.controllers.ingress_nginx.reloads.ingress import backends
from blueshift.controllers.overrides import Absent, Override, Values
from blueshift.controllers.profile import (
    HardenFacts,
    Match,
    QuiesceFacts,
    Readiness,
    StatusEndpoint,
    TemporaryFacts,
    Workload,
)
from blueshift.discovery.raw import Raw, listed, mapped
from blueshift.discovery.seen_sides import Comparison
from blueshift.discovery.settings import Settings, Side
from blueshift.traffic.logformat import Escape
from blueshift.traffic.logs import LogFormat, compile_format
from blueshift.traffic.metrics import MetricNames
from blueshift.traffic.routes import ANY_HOST, Routes

# Not every image has curl: upstream's by way of another package, some forks' not at all. Busybox has wget.
_FETCH = 'command -v curl >/dev/null && exec curl -sS --max-time 5 "$0"; exec wget -q -T 5 -O - "$0"'
_ANNOTATION = "nginx.ingress.kubernetes.io/"


class IngressNginx:
    """See Profile."""

    name = "ingress-nginx"
    metrics = MetricNames()
    status = StatusEndpoint(port=10246, path="/nginx_status", how="exec")
    config_dump_command = ("nginx", "-T", "-c", "/etc/nginx/nginx.conf")

    def status_command(self, settings: Settings) -> tuple[str, ...]:
        """See Profile. The port is open inside the pod alone."""
        return ("sh", "-c", _FETCH, f"http://127.0.0.1:{settings.status_port}{self.status.path}")

    def matches(self, found: Workload) -> Match | None:
        """See Profile."""
        return workload.matches(found)

    def container_name(self, found: Workload) -> str:
        """See Profile."""
        return str((workload.container(found) or {}).get("name", ""))

    def args(self, found: Workload) -> Mapping[str, str]:
        """See Profile."""
        return workload.flags(found)

    def prestop(self, found: Workload) -> tuple[str, ...]:
        """See Profile."""
        return workload.prestop(found)

    def readiness(self, found: Workload) -> Readiness | None:
        """See Profile."""
        return workload.readiness(found)

    def config_map(self, found: Workload) -> tuple[str, str] | None:
        """See Profile."""
        return workload.config_map(found)

    def settings(self, found: Workload, config: Mapping[str, str], version: str = "") -> Settings:
        """See Profile."""
        return settings.settings(found, config, version)

    def log_format(self, config: Mapping[str, str]) -> LogFormat:
        """See Profile."""
        escape: Escape = "none" if config.get("log-format-escape-none") == "true" else "default"
        if config.get("log-format-escape-json") == "true":
            escape = "json"
        upstream, stream = (config.get(f"log-format-{kind}", "") for kind in ("upstream", "stream"))
        return compile_format(upstream, escape=escape, stream=stream)

    def aliases(self, ingress: Mapping[str, Any]) -> tuple[str, ...]:
        """See Profile: server-alias as it is, and the www name (or the bare one) of from-to-www-redirect."""
        marks = mapped(ingress, "metadata", "annotations")
        aliases = _server_aliases(ingress)
        if marks.get(_ANNOTATION + "from-to-www-redirect") == "true":
            hosts = [str(rule["host"]) for rule in listed(ingress, "spec", "rules") if rule.get("host")]
            aliases += [host[4:] if host.startswith("www.") else "www." + host for host in hosts]
        return tuple(dict.fromkeys(aliases))

    def upstreams(self, ingress: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
        """See Profile. A canary's own is logged beside the one that it is an alternative of, and the redirect
        of from-to-www without any."""
        if below(ingress, prefix).get("canary") == "true":
            return
        rules, default = backends(ingress)
        for rule in rules:
            for path in rule.paths or ():
                yield path.backend.upstream, rule.host.lower()
        if default:
            for host in [rule.host.lower() for rule in rules] or [ANY_HOST]:
                yield default.upstream, host
        for alias in _server_aliases(ingress):
            for path in (rules[0].paths or ()) if rules else ():
                yield path.backend.upstream, alias.lower()

    def unlogged(self, ingress: Mapping[str, Any], prefix: str) -> bool:
        """See Profile."""
        return below(ingress, prefix).get("enable-access-log", "true").lower() in {"false", "f", "0"}

    def default_image(self, defaults: Values, app_version: str) -> str:
        """See Profile."""
        return workload.default_image(defaults, app_version)

    @property
    def release_command(self) -> tuple[str, ...]:
        """See Profile."""
        return (f"/{workload.PROGRAM}", "--version")

    def release(self, said: str) -> str:
        """See Profile: the line `Release:` of its banner."""
        found = re.search(r"^\s*Release:\s*(\S+)", said, re.MULTILINE)
        return found[1] if found else ""

    def template_uses(self, text: str) -> tuple[str, ...]:
        """See Profile."""
        return template.uses(text)

    def compare(
        self, running: Side, target: Side, ingresses: Sequence[Raw], classes: Sequence[Raw]
    ) -> Comparison:
        """See Profile."""
        return crossings.compare(running, target, ingresses, classes)

    def temporary_values(self, values: Values, facts: TemporaryFacts) -> tuple[Override, ...]:
        """See Profile."""
        return temporary.temporary_values(values, facts)

    def absent(self, facts: TemporaryFacts) -> tuple[Absent, ...]:
        """See Profile."""
        return temporary.absent(facts)

    def harden(self, values: Values, facts: HardenFacts) -> tuple[Override, ...]:
        """See Profile."""
        return harden.harden(values, facts)

    def quiesce(self, values: Values, facts: QuiesceFacts) -> tuple[Override, ...]:
        """See Profile."""
        return quiesce.quiesce(values, facts)

    def keepalive_requests(self, dump: str) -> int | None:
        """See Profile."""
        return quiesce.keepalive_requests(dump)

    def explain(
        self, around: Surroundings, changes: Sequence[Change], assumed: Sequence[str] = ()
    ) -> Explanation:
        """See Profile."""
        return explain(around, changes, assumed)

    def routes(self, dump: str) -> Routes:
        """See Profile."""
        return routes.parse(dump)


def _server_aliases(ingress: Raw) -> list[str]:
    """Names of the annotation server-alias, without expressions."""
    written = mapped(ingress, "metadata", "annotations").get(_ANNOTATION + "server-alias", "")
    return [alias for alias in re.split(r"[,\s]+", written) if alias and not alias.startswith("~")]
