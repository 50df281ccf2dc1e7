"""What a look needs to know of a controller. The profiles, which know much more, are above this layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from blueshift.discovery.raw import Raw
from blueshift.traffic.metrics import MetricNames


class Settings(Protocol):
    """What is in force in a running controller."""

    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def controller(self) -> str: ...  # noqa: D102
    @property
    def ingress_class(self) -> str: ...  # noqa: D102
    @property
    def watches(self) -> str: ...  # noqa: D102
    @property
    def classless(self) -> bool: ...  # noqa: D102
    @property
    def class_by_name(self) -> bool: ...  # noqa: D102
    @property
    def metrics(self) -> bool: ...  # noqa: D102
    @property
    def metrics_port(self) -> int: ...  # noqa: D102
    @property
    def metrics_per_host(self) -> bool: ...  # noqa: D102
    @property
    def access_log(self) -> bool: ...  # noqa: D102
    @property
    def proxy_protocol(self) -> bool: ...  # noqa: D102


class Knowledge(Protocol):
    """What a profile is asked while looking."""

    @property
    def name(self) -> str:
        """The profile's."""

    @property
    def metrics(self) -> MetricNames:
        """What its counters are called."""

    def container_name(self, workload: Mapping[str, Any]) -> str:
        """The controller's container beside its sidecars."""

    def prestop(self, workload: Mapping[str, Any]) -> tuple[str, ...]:
        """Command of its preStop hook."""

    def config_map(self, workload: Mapping[str, Any]) -> tuple[str, str] | None:
        """(namespace, name) of the ConfigMap with its settings."""

    def settings(self, workload: Mapping[str, Any], config: Mapping[str, str]) -> Settings:
        """What is in force."""

    def aliases(self, ingress: Mapping[str, Any]) -> Sequence[str]:
        """Hosts that an Ingress serves beside its rules."""


Recognise = Callable[[Raw], Knowledge | None]
"""The profile that knows a workload, or None."""
