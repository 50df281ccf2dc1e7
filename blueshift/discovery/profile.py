"""What a look needs to know of a controller. The profiles, which know much more, are above this layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from blueshift.discovery.raw import Raw
from blueshift.discovery.seen_sides import Comparison
from blueshift.discovery.settings import Settings, Side
from blueshift.traffic.metrics import MetricNames


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

    def settings(self, workload: Mapping[str, Any], config: Mapping[str, str], version: str = "") -> Settings:
        """What is in force; `version` is the controller's where its program said it."""

    def aliases(self, ingress: Mapping[str, Any]) -> Sequence[str]:
        """Hosts that an Ingress serves beside its rules."""

    def unlogged(self, ingress: Mapping[str, Any], prefix: str) -> bool:
        """Whether an Ingress keeps its requests out of the access log; `prefix` is that of annotations."""

    def default_image(self, defaults: Mapping[str, Any], app_version: str) -> str:
        """The image that a chart installs by its own values; empty where it names none."""

    @property
    def release_command(self) -> tuple[str, ...]:
        """Argument vector by which its program says what it is, for `release`."""

    def release(self, said: str) -> str:
        """The version that the program says; empty where it says none."""

    def template_uses(self, text: str) -> tuple[str, ...]:
        """What a custom template uses that not every version has."""

    def compare(
        self, running: Side, target: Side, ingresses: Sequence[Raw], classes: Sequence[Raw]
    ) -> Comparison:
        """How the target serves the Ingresses that the primary serves."""


Recognise = Callable[[Raw], Knowledge | None]
"""The profile that knows a workload, or None."""
