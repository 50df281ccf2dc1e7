"""The contract of a profile: what Blueshift must know of one ingress controller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from blueshift.controllers.changes import Change, Explanation, Surroundings
from blueshift.controllers.overrides import Absent, Override, Values
from blueshift.discovery.profile import Knowledge
from blueshift.discovery.settings import Settings
from blueshift.traffic.logs import LogFormat
from blueshift.traffic.metrics import MetricNames
from blueshift.traffic.routes import Routes

Workload = Mapping[str, Any]
"""A Deployment or DaemonSet as the API returns it."""


class Match(msgspec.Struct, frozen=True):
    """That a workload is this controller, and how sure that is."""

    version: str
    """Of the controller, `1.11.3`; empty where neither image nor labels tell."""
    confidence: float
    """0 to 1: from 0.9 on its program was seen in the command line."""
    why: str


class StatusEndpoint(msgspec.Struct, frozen=True):
    """Where the controller's data plane counts its connections."""

    port: int
    path: str
    how: Literal["exec", "pod"]
    """`exec`: only from inside the pod; `pod`: at the pod's address."""


class Readiness(msgspec.Struct, frozen=True):
    """The probe that makes a pod ready."""

    path: str
    port: str
    period: int
    """Seconds."""
    failures: int
    """Misses until it is unready."""


class TemporaryFacts(msgspec.Struct, frozen=True):
    """What a profile needs beside a user's values to make those of the temporary release."""

    run: str
    """Id of the run; becomes the label `blueshift.dev/run`."""
    release: str
    """Name of the temporary release."""
    namespace: str
    primary_release: str
    primary_namespace: str
    chart_version: str
    defaults: Values
    """The chart's own values.yaml, out of the release record."""
    ready: int
    """The primary's ready replicas now."""
    chart_name: str = "ingress-nginx"
    """What objects are called after where no override says otherwise."""
    watches: str = ""
    """The one namespace that the primary watches; empty for all."""
    families: tuple[str, ...] = ()
    """`IPv4`, `IPv6`: families in which the primary's Service has addresses, its first one first."""
    internal: bool = False
    """Whether that is the internal Service of the release."""

    @property
    def shared(self) -> bool:
        """Whether both releases live in one namespace."""
        return self.namespace == self.primary_namespace


class HardenFacts(msgspec.Struct, frozen=True):
    """What a profile needs beside a user's values to make pods end without loss."""

    chart_version: str
    app_version: str
    """Of the controller that the chart installs."""
    defaults: Values
    shutdown_grace: int = 15
    """Seconds a pod should still serve after it was told to end, for load balancers to take it out."""
    worker_shutdown_timeout: int = 240
    min_ready: int = 10
    """Seconds that a new pod must be ready before an old one may go."""


class QuiesceFacts(msgspec.Struct, frozen=True):
    """What a profile needs beside a user's values to make connections end early."""

    defaults: Values
    requests: int = 1
    """Answers that a connection gets."""
    idle: int = 10
    """Seconds that one without a request stays."""


class Profile(Knowledge, Protocol):
    """One ingress controller."""

    @property
    def name(self) -> str:
        """As `controller:` in blueshift.yaml."""

    @property
    def metrics(self) -> MetricNames:
        """What its counters are called."""

    @property
    def status(self) -> StatusEndpoint:
        """Where its data plane counts connections."""

    @property
    def config_dump_command(self) -> tuple[str, ...]:
        """Argument vector that prints the generated configuration, for `routes`."""

    def status_command(self, settings: Settings) -> tuple[str, ...]:
        """Argument vector that prints the text of `status`."""

    def matches(self, workload: Workload) -> Match | None:
        """Whether a workload is this controller."""

    def container_name(self, workload: Workload) -> str:
        """The controller's container beside its sidecars."""

    def args(self, workload: Workload) -> Mapping[str, str]:
        """Its flags without dashes; `$(POD_NAMESPACE)` is resolved."""

    def prestop(self, workload: Workload) -> tuple[str, ...]:
        """Command of its preStop hook; empty without one."""

    def readiness(self, workload: Workload) -> Readiness | None:
        """Its readiness probe, if that asks by HTTP."""

    def config_map(self, workload: Workload) -> tuple[str, str] | None:
        """(namespace, name) of the ConfigMap with its settings."""

    def settings(self, workload: Workload, config: Mapping[str, str], version: str = "") -> Settings:
        """What is in force, `config` being the data of `config_map`.

        `version` is the controller's where its program said it; else image and labels tell.
        """

    def log_format(self, config: Mapping[str, str]) -> LogFormat:
        """A parser for its access log."""

    def aliases(self, ingress: Mapping[str, Any]) -> tuple[str, ...]:
        """Host names that an Ingress serves beside its rules, by annotations."""

    def upstreams(self, ingress: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, str]]:
        """Each upstream, by its name in the access log, to which an Ingress leads, with a host that it serves
        so (`traffic.routes.ANY_HOST` for those that no Ingress names); `prefix` is that of annotations."""

    def temporary_values(self, values: Values, facts: TemporaryFacts) -> tuple[Override, ...]:
        """What to change in a user's values so that the same chart serves the same beside the primary."""

    def absent(self, facts: TemporaryFacts) -> tuple[Absent, ...]:
        """What `temporary_values` would change too if this chart version had it."""

    def harden(self, values: Values, facts: HardenFacts) -> tuple[Override, ...]:
        """What to change in a user's values so that a pod that ends loses no request."""

    def quiesce(self, values: Values, facts: QuiesceFacts) -> tuple[Override, ...]:
        """What to change in a user's values so that connections end soon, without new pods."""

    def keepalive_requests(self, dump: str) -> int | None:
        """Answers after which the generated configuration ends a client's connection; None if it does not
        say. Raises BlueshiftError for text that is none."""

    def explain(
        self, around: Surroundings, changes: Sequence[Change], assumed: Sequence[str] = ()
    ) -> Explanation:
        """What the running controller does with changes; `assumed` is what the caller could not see."""

    def routes(self, dump: str) -> Routes:
        """What the generated configuration serves. Raises BlueshiftError for text that is none."""
