"""Checks of what the revisions of the primary do to its objects."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery.found import NotLooked, found
from blueshift.discovery.seen_apply import Drift
from blueshift.discovery.world import ObjectChange, Rendered, World
from blueshift.preflight.helm import says_why
from blueshift.preflight.protocol import Seen, brief, fails, passed, warns

_AT_STAKE = ("Deployment", "DaemonSet", "StatefulSet", "Service")


def changing(world: World) -> tuple[tuple[str, Rendered], ...]:
    """The revisions that change what is there, the hardened first; the temporary makes everything anew.

    Raises NotLooked where one does not render.
    """
    both = ("hardened", world.harden), ("target", world.target)
    for which, one in both:
        if one.error:
            raise NotLooked(f"the {which} revision does not render (see {says_why(one)})")
    return both


def service_recreated(world: World) -> Iterator[Seen]:
    """The Services by which clients come keep their addresses."""
    used = {f"Service {one.namespace}/{one.name}" for one in world.services}
    bad = False
    for which, one in changing(world):
        gone = [name for name in one.deletes("Service") if name in used]
        bare = [name for name in one.readdressed if name in used]
        for names, what in ((gone, "deletes"), (bare, "takes the load balancer from")):
            if names:
                bad = True
                yield fails(
                    f"the {which} revision {what} {brief(names)}, by which clients come: its address is lost",
                    "set the values that name the Service and give its type as they were; `blueshift plan` "
                    "shows the difference",
                    tuple(names),
                )
    yield from () if bad else (passed(f"{len(used)} Services keep their names and types"),)


def ingressclass_deleted(world: World) -> Iterator[Seen]:
    """Classes stay: without its class an Ingress is served by nobody."""
    bad = False
    for which, one in changing(world):
        if names := one.deletes("IngressClass"):
            bad = True
            yield fails(
                f"the {which} revision deletes {brief(names)}: its Ingresses are served by nobody then",
                "set the values that name the class as they were",
                names,
            )
    yield from () if bad else (passed("no IngressClass is deleted"),)


def immutable_field(world: World) -> Iterator[Seen]:
    """The API server takes every change."""
    bad = False
    for which, one in changing(world):
        if one.immutable:
            bad = True
            yield fails(
                f"the {which} revision changes what the API server lets nobody change: "
                f"{brief(one.immutable)}",
                "set the values behind it as they were, or delete that object at a time when it may be gone; "
                "`blueshift plan` shows the difference",
                one.immutable,
            )
    yield from () if bad else (passed("no field changes that must stay as it is"),)


def quiesces_alone(world: World) -> Iterator[Seen]:
    """Where a playbook ends connections early, no pod is made anew for it: their connections would be cut."""
    bad = False
    for side, one in world.quiesced.items():
        more = [f"{what.action} {what.object}" for what in one.objects if _disturbs(what)]
        if one.error:
            bad = True
            yield fails(
                f"the quiesced revision of the {side} does not render: {one.error}",
                "take the step `quiesce` out of the playbook, or see helm-render",
            )
        elif more:
            bad = True
            yield fails(
                f"the quiesced revision of the {side} changes more than settings: {brief(more)}",
                "take the step `quiesce` out of the playbook: this chart makes new pods for new settings, "
                "and connections end with the old ones",
                more,
            )
        elif not any(what.object.startswith("ConfigMap ") for what in one.objects):
            bad = True
            yield warns(
                f"the {side} ends connections as early already: its quiesced revision changes nothing",
                "take the step `quiesce` out of the playbook",
            )
    if "primary" in world.quiesced:
        kind = f"{world.workload.kind} "
        if fields := [one for one in found(world, "helm-values-drift", Drift).fields if one.startswith(kind)]:
            bad = True
            yield fails(
                f"the quiesced revision takes back what was changed beside Helm: {brief(fields)}",
                "put into the values what is to stay: pods would end while they have connections",
                fields,
            )
    if not bad:
        sides = " and ".join(world.quiesced)
        yield passed(
            f"connections to the {sides} are ended by settings alone" if sides else "no step ends connections"
        )


def _disturbs(change: ObjectChange) -> bool:
    """Whether pods or addresses are at stake. Charts that make certificates as they render change those."""
    return change.action != "change" or change.object.partition(" ")[0] in _AT_STAKE
