"""What hardening would do to the primary, out of a World."""

from __future__ import annotations

import msgspec

from blueshift.discovery.world import ObjectChange, ValueChange, World
from blueshift.errors import BlueshiftError
from blueshift.preflight.protocol import Finding
from blueshift.preflight.run import run_all

ABOUT = (
    "nginx-prestop-binary",
    "nginx-grace-arithmetic",
    "nginx-status-race",
    "cluster-replicas",
    "cluster-pdb",
    "cluster-spread",
)
"""The checks that say how pods end, and how many may be away meanwhile."""


class Hardening(msgspec.Struct, frozen=True):
    """The revision of the running version that the harden step makes."""

    release: str
    """`namespace/name`."""
    chart: str
    version: str
    values: tuple[ValueChange, ...]
    objects: tuple[ObjectChange, ...]
    findings: tuple[Finding, ...]


def hardening(world: World) -> Hardening:
    """What it sets, changes, and what is seen of it. Pure. Raises BlueshiftError where it does not render."""
    if world.harden.error:
        raise BlueshiftError(
            f"the hardened revision does not render: {world.harden.error}",
            hint="`blueshift check --only helm-render` says more",
        )
    return Hardening(
        release=f"{world.release.namespace}/{world.release.name}",
        chart=f"{world.harden.chart} {world.harden.chart_version}",
        version=world.harden.app_version,
        values=world.harden.values,
        objects=world.harden.objects,
        findings=run_all(world, only=ABOUT),
    )
