"""Checks of Ingress classes: who else serves what the primary serves."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery.found import found
from blueshift.discovery.seen_classes import Other, Sharing
from blueshift.discovery.world import World
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns

_REMEDY = (
    "give one of the two a class and a `--controller-class` of its own, or other namespaces "
    "(`--watch-namespace`); `kubectl get ingressclass` shows which controller each class names"
)


def shared(world: World) -> Iterator[Seen]:
    """No other controller serves the primary's Ingresses: both would route and write status."""
    seen = found(world, "class-shared", Sharing)
    for other in seen.others:
        yield _one(world, other)
    if not seen.others:
        yield passed(
            f"none of the {seen.looked} other controllers that Blueshift knows in this cluster takes "
            f"Ingresses by the marks of {world.release.name}"
        )


def _one(world: World, other: Other) -> Seen:
    who = f"{other.workload} (release {other.release or 'unknown: no Helm release'})"
    by = " and by ".join(other.marks)
    objects = (other.workload, *other.ingresses)
    if other.temporary:
        return tells(
            f"{who} serves the same Ingresses as {world.release.name}: it is the temporary of a run, "
            "which is not over (`blueshift status`)",
            objects,
        )
    if other.idle:
        return warns(
            f"{who} has no pods now, and with some it would serve the same by {by}", _REMEDY, objects
        )
    if other.ingresses:
        return fails(
            f"{who} serves {len(other.ingresses)} of the primary's Ingresses too, by {by}, and both write "
            f"their status: {brief(other.ingresses)}",
            _REMEDY,
            objects,
        )
    return warns(f"{who} takes Ingresses by the same {by}; none is served by both now", _REMEDY, objects)
