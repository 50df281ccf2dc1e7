"""Versions of the controller and of its chart, in the order in which they came out."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"v?(\d+(?:\.\d+){1,3})")

SHUTDOWN_GRACE = (0, 44, 0)
"""`--shutdown-grace-period` came with controller 0.44.0 (Changelog, pull request 5855)."""

WAIT_SHUTDOWN = (0, 26, 0)
"""`/wait-shutdown` is in the image since controller 0.26.0 (pull request 4487)."""

METRICS_OFF = (1, 12, 0)
"""`--enable-metrics` is false unless set from controller 1.12.0 on (its changelog)."""

CONTROLLER_CLASS = (1, 0, 0)
"""Classes are told by `spec.controller` from controller 1.0.0 on; before, by their name alone."""

SNIPPETS_OFF = (1, 9, 0)
"""`allow-snippet-annotations` is false unless set from controller 1.9.0 on (its changelog)."""

NO_OPENTRACING = (1, 10, 0)
"""OpenTracing, Zipkin, Jaeger, Datadog, legacy GeoIP are gone from controller 1.10.0 on (its changelog)."""

SECURE_DEFAULTS = (1, 12, 0)
"""Critical annotations, odd paths and resources of other namespaces are refused unless allowed, and
global-rate-limit and Lua plugins are gone, from controller 1.12.0 on (its changelog; pull requests 11819,
11821, 11851)."""

CHART_SNIPPETS_OFF = (4, 8, 0)
"""The chart sets `allow-snippet-annotations` to false from 4.8.0 on."""

VERSION_LABELS_ON_PODS = (4, 6, 0)
"""Pods carry chart and version labels from chart 4.6.0 on (issue 10475)."""


def numbers(text: str) -> tuple[int, ...]:
    """(1, 11, 3) of `v1.11.3`, `1.11.3-chainguard` or `2026.5.3`; empty where no version is in it.

    The calendar versions of forks sort above 4.x, as they should.
    """
    found = _NUMBERS.search(text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def at_least(text: str, least: tuple[int, ...]) -> bool:
    """Whether a version is that one or later; one that cannot be told counts as the latest."""
    found = numbers(text)
    return not found or found >= least
