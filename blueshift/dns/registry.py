"""The backends by name, loaded when asked for."""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

import msgspec

from blueshift.clock import Clock
from blueshift.dns.backend import DnsBackend
from blueshift.dns.key import ReadSecret
from blueshift.errors import BlueshiftError

BACKENDS = {"rfc2136": "blueshift.dns.rfc2136:Rfc2136"}

ENTRY_POINTS = "blueshift.dns"
"""The entry point group in which third parties name their backends."""


class BackendType(Protocol):
    """A backend's class: what it may be told, and how it is made from that."""

    Settings: type[msgspec.Struct]

    def create(self, settings: Any, secrets: ReadSecret, clock: Clock) -> DnsBackend:
        """Make the backend; `secrets` reads a Kubernetes Secret."""


def backend(name: str) -> BackendType:
    """Return the class of a backend. Raises BlueshiftError for a name that nobody offers."""
    if name in BACKENDS:
        module, _, attribute = BACKENDS[name].partition(":")
        return cast(BackendType, getattr(import_module(module), attribute))
    offered = entry_points(group=ENTRY_POINTS)
    if name in offered.names:
        return cast(BackendType, offered[name].load())
    known = sorted({*BACKENDS, *offered.names})
    near = difflib.get_close_matches(name, known, n=1)
    raise BlueshiftError(
        f"there is no DNS backend {name!r}",
        hint=f"did you mean {near[0]!r}?" if near else f"known backends: {', '.join(known)}",
    )
