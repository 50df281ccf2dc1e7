"""The three revisions that a run makes, each a chart and one merged mapping of values: pure.

Hardening is merged into the target too, and into the way back: what was set to lose no request is not
taken away by the bump that it was set for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from blueshift.controllers.overrides import DELETE, Override, apply, dig
from blueshift.controllers.profile import HardenFacts, Profile, QuiesceFacts, TemporaryFacts
from blueshift.discovery.world import ServiceFact, ValueChange
from blueshift.helm.charts import Chart


class Revision(msgspec.Struct, frozen=True):
    """A revision of a release before it is made."""

    chart: Chart
    values: dict[str, Any]
    changes: tuple[ValueChange, ...]
    """What Blueshift sets over the user's values."""


class Grace(msgspec.Struct, frozen=True):
    """How pods are to end and begin; seconds."""

    shutdown: int = 15
    min_ready: int = 10


class Quiet(msgspec.Struct, frozen=True):
    """How early connections are to end."""

    requests: int = 1
    idle: int = 10
    """Seconds."""


class Revisions:
    """The revisions of one run."""

    def __init__(
        self,
        profile: Profile,
        *,
        running: Chart,
        running_values: dict[str, Any],
        target: Chart,
        target_values: dict[str, Any],
    ) -> None:
        self._profile = profile
        self.running = running
        self.running_values = running_values
        self.target_chart = target
        self.target_values = target_values

    def temporary(self, facts: TemporaryFacts) -> Revision:
        """The running chart and values, changed as little as living beside the primary asks for."""
        overrides = self._profile.temporary_values(self.running_values, facts)
        return _revision(self.running, self.running_values, overrides)

    def before(self) -> Revision:
        """The release as it was before the run."""
        return Revision(self.running, self.running_values, ())

    def hardened(self, grace: Grace) -> Revision:
        """The same version, ending gracefully."""
        overrides = self._profile.harden(self.running_values, _harden(self.running, grace))
        return _revision(self.running, self.running_values, overrides)

    def quiesced(self, of: Revision, quiet: Quiet) -> Revision:
        """A revision whose connections end early; the next one of that release is made without this."""
        facts = QuiesceFacts(of.chart.defaults, requests=quiet.requests, idle=quiet.idle)
        return _revision(of.chart, of.values, self._profile.quiesce(of.values, facts))

    def target(self, grace: Grace) -> Revision:
        """The target version, ending gracefully."""
        overrides = self._profile.harden(self.target_values, _harden(self.target_chart, grace))
        return _revision(self.target_chart, self.target_values, overrides)


def temporary_facts(
    run: str,
    temporary: tuple[str, str],
    primary: tuple[str, str],
    running: Chart,
    service: ServiceFact | None,
    *,
    ready: int,
    watches: str,
) -> TemporaryFacts:
    """What a profile needs to know; `temporary` and `primary` are (release, namespace).

    Without a `service` in front of the primary nothing moves (`cluster-lb-address`): the rest can be seen.
    """
    families = [("IPv4", service.ipv4), ("IPv6", service.ipv6)] if service else []
    return TemporaryFacts(
        run=run,
        release=temporary[0],
        namespace=temporary[1],
        primary_release=primary[0],
        primary_namespace=primary[1],
        chart_name=running.name,
        chart_version=running.version,
        defaults=running.defaults,
        ready=ready,
        watches=watches,
        families=tuple(family for family, addresses in families if addresses),
        internal=service is not None and service.role == "internal",
    )


def _harden(chart: Chart, grace: Grace) -> HardenFacts:
    return HardenFacts(
        chart.version,
        chart.app_version,
        chart.defaults,
        shutdown_grace=grace.shutdown,
        min_ready=grace.min_ready,
    )


def _revision(chart: Chart, values: dict[str, Any], overrides: tuple[Override, ...]) -> Revision:
    return Revision(chart, apply(values, overrides), tuple(change(values, one) for one in overrides))


def change(values: Mapping[str, Any], override: Override) -> ValueChange:
    """What an override makes of these values, in words."""
    old = dig(values, override.path)
    return ValueChange(override.name, _shown(old), _shown(override.value), override.reason)


def _shown(value: object) -> str:
    if value is None:
        return "unset"
    if value is DELETE:
        return "the chart's default"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
