"""Whether the primary's pods are in a service mesh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from blueshift.discovery.raw import Raw, annotated, labels, listed, mapped, name
from blueshift.discovery.seen_neighbours import Mesh

# Container of the mesh → its name; both run as a container or as a restartable init container.
_PROXIES = {"istio-proxy": "Istio", "linkerd-proxy": "Linkerd"}
# Label or annotation → the mesh, and the values that switch it on (None: any).
_MARKS: Mapping[str, tuple[str, tuple[str, ...] | None]] = {
    "istio-injection": ("Istio", ("enabled",)),
    "istio.io/rev": ("Istio", None),
    "istio.io/dataplane-mode": ("Istio", ("ambient",)),
    "sidecar.istio.io/inject": ("Istio", ("true",)),
    "linkerd.io/inject": ("Linkerd", ("enabled", "ingress")),
}
_OFF = {
    "sidecar.istio.io/inject": ("Istio", ("false",)),
    "istio.io/dataplane-mode": ("Istio", ("none",)),
    "linkerd.io/inject": ("Linkerd", ("disabled",)),
}


def mesh(workload: Raw, pods: Iterable[Raw], space: Raw) -> Mesh:
    """What shows one: proxies in the running pods, else marks of the pods and of their namespace.

    What pods say of themselves goes before what their namespace says.
    """
    proxies = {
        str(one["name"]): name(pod)
        for pod in pods
        for key in ("containers", "initContainers")
        for one in listed(pod, "spec", key)
        if one.get("name") in _PROXIES
    }
    if proxies:
        (proxy, pod), *_ = proxies.items()
        return Mesh(_PROXIES[proxy], (f"container {proxy} of pod {pod}",))
    template = mapped(workload, "spec", "template")
    own = {**annotated(template), **labels(template)}
    off = {mesh for key, (mesh, values) in _OFF.items() if own.get(key) in values}
    for marks, whose in (
        (own, "the pods"),
        ({**annotated(space), **labels(space)}, f"namespace {name(space)}"),
    ):
        for key, (called, values) in _MARKS.items():
            value = marks.get(key)
            if value is not None and called not in off and (values is None or value in values):
                return Mesh(called, (f"{key}={value} of {whose}",))
    return Mesh()
