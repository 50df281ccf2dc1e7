"""The profiles by name, loaded when asked for."""

from __future__ import annotations

import difflib
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from blueshift.discovery.raw import containers, ref
from blueshift.errors import BlueshiftError

if TYPE_CHECKING:  # the protocol pulls in parsers that naming a profile does not need
    from blueshift.controllers.profile import Match, Profile, Workload

PROFILES = {"ingress-nginx": "blueshift.controllers.ingress_nginx.profile:IngressNginx"}

REFUSED = {
    "apisix-ingress-controller": (
        "APISIX is refused: a second release of its ingress controller would write its routes into the "
        "primary's own data plane (chart apisix-ingress-controller 1.1.2: one GatewayProxy, one lease), so "
        "there is no side to move traffic to"
    ),
}
"""Words in an image's name → why no temporary release of that controller can be safe."""

ENTRY_POINTS = "blueshift.controllers"
"""The entry point group in which third parties name their profiles."""


def load(name: str) -> Profile:
    """Make the profile of that name. Raises BlueshiftError for a name that nobody offers."""
    if name in PROFILES:
        module, _, attribute = PROFILES[name].partition(":")
        return cast("Profile", getattr(import_module(module), attribute)())
    offered = entry_points(group=ENTRY_POINTS)
    if name in offered.names:
        return cast("Profile", offered[name].load()())
    known = sorted({*PROFILES, *offered.names})
    near = difflib.get_close_matches(name, known, n=1)
    raise BlueshiftError(
        f"there is no controller profile {name!r}",
        hint=f"did you mean {near[0]!r}?" if near else f"known profiles: {', '.join(known)}",
    )


def refuse(workload: Workload) -> None:
    """Raises BlueshiftError for a controller of which no second release can live beside the primary."""
    for container in containers(workload):
        image = str(container.get("image", ""))
        for word, why in REFUSED.items():
            if word in image:
                raise BlueshiftError(
                    why,
                    place=f"{ref(workload)}: image {image}",
                    hint="upgrade it in place in a window, or by a second cluster; "
                    "`blueshift init` lists the controllers that can be upgraded here",
                )


def known(workload: Workload, named: str | None = None) -> Profile | None:
    """Whichever profile knows a workload that is only looked at; one that is `named` is asked first."""
    if named is not None and (profile := load(named)).matches(workload) is not None:
        return profile
    found = recognise(workload)
    return found[0] if found else None


def recognise(workload: Workload) -> tuple[Profile, Match] | None:
    """The built-in profile that is surest of a workload, or None. A third party's is named by the user."""
    found = [
        (profile, match)
        for profile in map(load, PROFILES)
        if (match := profile.matches(workload)) is not None
    ]
    return max(found, key=lambda pair: pair[1].confidence, default=None)
