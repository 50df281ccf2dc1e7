"""The backends by name, loaded when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec

from blueshift.clock import Clock
from blueshift.dns.backend import DnsBackend
from blueshift.dns.key import ReadSecret
from blueshift.errors import BlueshiftError
from blueshift.playbook.tree import suggestion

if TYPE_CHECKING:  # dnspython
    from blueshift.dns.authority import Directory

BACKENDS = {"rfc2136": "blueshift.dns.rfc2136:Rfc2136", "manual": "blueshift.dns.manual:Manual"}
SETTINGS = {
    "rfc2136": "blueshift.dns.settings:Rfc2136Settings",
    "manual": "blueshift.dns.settings:ManualSettings",
}
"""Apart from the backends: reading a configuration does not load dnspython."""

ENTRY_POINTS = "blueshift.dns"
"""The entry point group in which third parties name their backends."""


class BackendType(Protocol):
    """A backend's class: what it may be told, and how it is made from that."""

    Settings: type[msgspec.Struct]

    def create(
        self,
        settings: Any,
        secrets: ReadSecret,
        clock: Clock,
        directory: Directory,
        *,
        zones: Sequence[str] = (),
    ) -> DnsBackend:
        """Make the backend; `zones` are names where zones begin, `secrets` reads a Kubernetes Secret.

        `directory` finds the authoritative servers, for a backend that reads there.
        """


def settings_type(name: str) -> type[msgspec.Struct]:
    """Return the type of a backend's settings. Raises BlueshiftError for a name that nobody offers."""
    if name in SETTINGS:
        return cast(type[msgspec.Struct], _load(SETTINGS[name]))
    return backend(name).Settings


def backend(name: str) -> BackendType:
    """Return the class of a backend. Raises BlueshiftError for a name that nobody offers."""
    if name in BACKENDS:
        return cast(BackendType, _load(BACKENDS[name]))
    from importlib.metadata import entry_points  # a tenth of the time in which a plan is made

    offered = entry_points(group=ENTRY_POINTS)
    if name in offered.names:
        return cast(BackendType, offered[name].load())
    known = sorted({*BACKENDS, *offered.names})
    raise BlueshiftError(
        f"there is no DNS backend {name!r} {suggestion(name, known)}", hint="correct `dns.backend`"
    )


def _load(path: str) -> object:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
