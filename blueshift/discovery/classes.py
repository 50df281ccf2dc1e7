"""Which other controllers of the cluster serve what the primary serves: both write status, and both route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery import ingresses as serving
from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE
from blueshift.discovery.primary import Primary
from blueshift.discovery.profile import Recognise
from blueshift.discovery.raw import Raw, annotated, dig, ref, uid
from blueshift.discovery.seen_classes import Other, Sharing
from blueshift.discovery.settings import Settings
from blueshift.together import together


async def sharing(kube: KubeApi, found: Primary, recognise: Recognise, temporary: tuple[str, str]) -> Sharing:
    """Look at every Deployment and DaemonSet. `temporary`: (release, namespace) of the run's own.

    What belongs to the primary's release counts as the primary: its chart can make both kinds at once.
    Raises ApiError where they may not be listed in all namespaces.
    """
    deployments, daemons = await together(
        kube.list(paths.apis("apps/v1", "deployments")), kube.list(paths.apis("apps/v1", "daemonsets"))
    )
    own = (found.release.name, found.release.namespace)
    mine = {ref(item) for item in found.served}
    looked, others = 0, []
    for kind, items in (("Deployment", deployments), ("DaemonSet", daemons)):
        for workload in items:
            known = recognise(workload)
            if known is None or uid(workload) == found.workload.uid or _release(workload) == own:
                continue
            looked += 1
            # Classes and namespaces are flags: its ConfigMap says nothing of them.
            other = known.settings(workload, {})
            marks = tuple(_marks(found, other))
            if marks:
                theirs = serving.served(found.ingresses, _classes(found, other), other)
                others.append(
                    Other(
                        workload=f"{kind} {ref(workload)}",
                        release="/".join(part for part in reversed(_release(workload)) if part),
                        marks=marks,
                        ingresses=tuple(sorted(mine & {ref(item) for item in theirs})),
                        idle=_idle(kind, workload),
                        temporary=_release(workload) == temporary,
                    )
                )
    return Sharing(looked, tuple(others))


def _classes(found: Primary, settings: Settings) -> Sequence[str]:
    return serving.classes_of(found.ingress_classes, settings.controller)


def _marks(found: Primary, other: Settings) -> Iterator[str]:
    """What the two would both take an Ingress by; nothing where they watch different namespaces."""
    mine = found.settings
    if mine.watches and other.watches and mine.watches != other.watches:
        return
    named = _named(found, mine) & _named(found, other)
    if named:
        yield f"class {' and '.join(sorted(named))}"
    if mine.ingress_class and mine.ingress_class == other.ingress_class:
        yield f"annotation {serving.LEGACY_CLASS}: {mine.ingress_class}"
    if mine.classless and other.classless:
        yield "no class at all (--watch-ingress-without-class)"


def _named(found: Primary, settings: Settings) -> set[str]:
    """Values of `spec.ingressClassName` that it takes."""
    by_name = {settings.ingress_class} if settings.class_by_name else set()
    return {*_classes(found, settings), *by_name} - {""}


def _release(workload: Raw) -> tuple[str, str]:
    marks = annotated(workload)
    return marks.get(RELEASE_NAME, ""), marks.get(RELEASE_NAMESPACE, "")


def _idle(kind: str, workload: Raw) -> bool:
    path = ("status", "desiredNumberScheduled") if kind == "DaemonSet" else ("spec", "replicas")
    return bool(dig(workload, *path) == 0)
