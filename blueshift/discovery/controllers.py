"""One look at every ingress controller of a cluster: for `init`, for `groups`, and for checks of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Forbidden
from blueshift.discovery import ingresses as serving
from blueshift.discovery.apply import RELEASE_NAME, RELEASE_NAMESPACE
from blueshift.discovery.profile import Knowledge, Recognise
from blueshift.discovery.raw import Raw, annotated, dig, mapped, namespace, pod_labels, ref, selects, uid
from blueshift.discovery.settings import Settings
from blueshift.together import together


@dataclass(frozen=True)
class Controller:
    """One workload that a profile knows, raw objects included."""

    kind: str
    raw: Raw
    known: Knowledge
    settings: Settings
    """By its flags alone: which Ingresses it takes is in no ConfigMap."""
    own_classes: tuple[str, ...]
    """Names of the IngressClasses of its controller."""
    served: tuple[Raw, ...]
    """The Ingresses that it takes."""
    services: tuple[Raw, ...]
    """Those that select its pods."""

    @property
    def workload(self) -> str:
        """`Deployment namespace/name`."""
        return f"{self.kind} {ref(self.raw)}"

    @property
    def uid(self) -> str:
        """The workload's."""
        return uid(self.raw)

    @property
    def release(self) -> tuple[str, str]:
        """(name, namespace) of its Helm release; empty where none made it."""
        marks = annotated(self.raw)
        return marks.get(RELEASE_NAME, ""), marks.get(RELEASE_NAMESPACE, "")

    @property
    def classes(self) -> frozenset[str]:
        """Values of `spec.ingressClassName` that it takes."""
        by_name = {self.settings.ingress_class} if self.settings.class_by_name else set()
        return frozenset({*self.own_classes, *by_name} - {""})

    @property
    def idle(self) -> bool:
        """Whether it is scaled to no pods."""
        path = ("status", "desiredNumberScheduled") if self.kind == "DaemonSet" else ("spec", "replicas")
        return bool(dig(self.raw, *path) == 0)


@dataclass(frozen=True)
class Controllers:
    """All of them, and what was listed to find them."""

    found: tuple[Controller, ...]
    ingress_classes: tuple[Raw, ...]
    unseen: str = ""
    """Why the Services of other namespaces could not be listed."""


async def controllers(kube: KubeApi, recognise: Recognise) -> Controllers:
    """Every Deployment and DaemonSet that is one.

    Raises ApiError where workloads, Ingresses or classes of all namespaces may not be listed. Services are
    a right that no run needs (`rights.LOOKS`): without it there are none, and it is said why.
    """
    deployments, daemons, (services, unseen), classes, routes = await together(
        kube.list(paths.apis("apps/v1", "deployments")),
        kube.list(paths.apis("apps/v1", "daemonsets")),
        _services(kube),
        kube.list(paths.apis("networking.k8s.io/v1", "ingressclasses")),
        kube.list(paths.apis("networking.k8s.io/v1", "ingresses")),
    )
    found = []
    for kind, items in (("Deployment", deployments), ("DaemonSet", daemons)):
        for workload in items:
            known = recognise(workload)
            if known is None:
                continue
            settings = known.settings(workload, {})
            own = serving.classes_of(classes, settings.controller)
            front = [one for one in services if _selects(one, workload)]
            taken = serving.served(routes, own, settings)
            found.append(Controller(kind, workload, known, settings, own, taken, tuple(front)))
    return Controllers(tuple(found), tuple(classes), unseen)


def _selects(service: Raw, workload: Raw) -> bool:
    selector = mapped(service, "spec", "selector")
    return namespace(service) == namespace(workload) and selects(selector, pod_labels(workload))


async def _services(kube: KubeApi) -> tuple[Sequence[Raw], str]:
    try:
        return await kube.list(paths.core("services")), ""
    except Forbidden as error:
        return (), error.message
