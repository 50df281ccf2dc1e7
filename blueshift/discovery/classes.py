"""Which other controllers of the cluster serve what the primary serves: both write status, and both route."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery import ingresses as serving
from blueshift.discovery.controllers import Controller, Controllers
from blueshift.discovery.primary import Primary
from blueshift.discovery.raw import ref
from blueshift.discovery.seen_classes import Other, Sharing
from blueshift.discovery.settings import Settings


def sharing(found: Primary, seen: Controllers, temporary: tuple[str, str]) -> Sharing:
    """Hold all controllers against the primary. `temporary`: (release, namespace) of the run's own.

    What belongs to the primary's release counts as the primary: its chart can make both kinds at once.
    """
    own = (found.release.name, found.release.namespace)
    mine = {ref(item) for item in found.served}
    looked, others = 0, []
    for other in seen.found:
        if other.uid == found.workload.uid or other.release == own:
            continue
        looked += 1
        marks = tuple(_marks(found, other))
        if marks:
            others.append(
                Other(
                    workload=other.workload,
                    release="/".join(part for part in reversed(other.release) if part),
                    marks=marks,
                    ingresses=tuple(sorted(mine & {ref(item) for item in other.served})),
                    idle=other.idle,
                    temporary=other.release == temporary,
                )
            )
    return Sharing(looked, tuple(others))


def _marks(found: Primary, other: Controller) -> Iterator[str]:
    """What the two would both take an Ingress by; nothing where they watch different namespaces."""
    mine, theirs = found.settings, other.settings
    if mine.watches and theirs.watches and mine.watches != theirs.watches:
        return
    named = _named(found, mine) & other.classes
    if named:
        yield f"class {' and '.join(sorted(named))}"
    if mine.ingress_class and mine.ingress_class == theirs.ingress_class:
        yield f"annotation {serving.LEGACY_CLASS}: {mine.ingress_class}"
    if mine.classless and theirs.classless:
        yield "no class at all (--watch-ingress-without-class)"


def _named(found: Primary, settings: Settings) -> set[str]:
    """Values of `spec.ingressClassName` that the primary takes."""
    by_name = {settings.ingress_class} if settings.class_by_name else set()
    return {*serving.classes_of(found.ingress_classes, settings.controller), *by_name} - {""}
