"""Pods before they are made: what a rendered workload asks of nodes, quotas and registries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from blueshift.discovery.quantity import amounts
from blueshift.discovery.raw import Raw, dig, listed, mapped, name, namespace, pod_labels

_WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet", "Job")
_LEAST = {"HorizontalPodAutoscaler": "minReplicas", "ScaledObject": "minReplicaCount"}
_QUARTER = "25%"
"""maxSurge and maxUnavailable of a Deployment that says nothing (apps/v1 defaults)."""


class Container(msgspec.Struct, frozen=True, omit_defaults=True):
    """One container, with amounts as `quantity.whole` has them."""

    image: str
    pull: str
    """imagePullPolicy, the API's default included."""
    requests: dict[str, int] = {}
    limits: dict[str, int] = {}
    once: bool = False
    """An init container that ends before the others begin."""


class Pods(msgspec.Struct, frozen=True, omit_defaults=True):
    """The pods of one rendered workload."""

    kind: str
    name: str
    namespace: str
    replicas: int = 1
    """As rendered, or the least that its autoscaler allows; a Job's and DaemonSet's are 1."""
    labels: dict[str, str] = {}
    containers: tuple[Container, ...] = ()
    surge: str = "0"
    unavailable: str = "0"
    host_network: bool = False
    host_ports: tuple[int, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    tolerations: tuple[dict[str, Any], ...] = ()
    node_selector: dict[str, str] = {}
    node_terms: tuple[dict[str, Any], ...] = ()
    """Required node affinity: one of these terms must hold; empty for none."""
    apart: tuple[dict[str, Any], ...] = ()
    """Terms of required pod anti-affinity."""
    spread: tuple[dict[str, Any], ...] = ()
    """Topology spread constraints with DoNotSchedule."""

    @property
    def title(self) -> str:
        """As a person names the workload."""
        return f"{self.kind} {self.namespace}/{self.name}"

    def needs(self, kind: str) -> dict[str, int]:
        """What one pod asks for; see `needs`."""
        return needs(self.containers, kind)

    def surging(self, replicas: int) -> int:
        """Pods beyond `replicas` while a new revision rolls out."""
        return share(self.surge, replicas, up=True)

    def away(self, replicas: int) -> int:
        """Pods that may be away meanwhile; Kubernetes lets one go where neither this nor a surge is set."""
        most = share(self.unavailable, replicas, up=False)
        return most if most or self.surging(replicas) else 1


class RenderedService(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Service of a rendered release."""

    name: str
    namespace: str
    type: str = "ClusterIP"
    node_ports: tuple[int, ...] = ()
    """Those that are fixed in it."""


def needs(containers: Sequence[Container], kind: str) -> dict[str, int]:
    """CPU and memory of a pod, `requests` or `limits`: all its containers, or an init one that wants more.

    Kubernetes counts so for scheduling and quotas (documentation: "Init Containers", resource sharing).
    """

    def of(resource: str, *, once: bool) -> list[int]:
        return [getattr(one, kind).get(resource, 0) for one in containers if one.once is once]

    return {
        resource: max([sum(of(resource, once=False)), *of(resource, once=True)])
        for resource in ("cpu", "memory")
    }


def share(setting: str, replicas: int, *, up: bool) -> int:
    """A number or percentage of replicas; Kubernetes rounds a surge up and what may be away down."""
    if setting.endswith("%"):
        exact = int(setting[:-1]) * replicas / 100
        return math.ceil(exact) if up else math.floor(exact)
    return int(setting)


def rendered_pods(objects: Iterable[Raw], release_namespace: str) -> tuple[Pods, ...]:
    """The pods of all workloads among rendered objects, Jobs of hooks included."""
    items = list(objects)
    floors = dict(_floor(item) for item in items if item.get("kind") in _LEAST)
    return tuple(
        _pods(item, floors.get((item["kind"], name(item)), 0), namespace(item) or release_namespace)
        for item in items
        if item.get("kind") in _WORKLOADS
    )


def rendered_services(objects: Iterable[Raw], release_namespace: str) -> tuple[RenderedService, ...]:
    """The Services among rendered objects."""
    return tuple(
        RenderedService(
            name(item),
            namespace(item) or release_namespace,
            str(dig(item, "spec", "type") or "ClusterIP"),
            node_ports(item),
        )
        for item in objects
        if item.get("kind") == "Service"
    )


def node_ports(service: Raw) -> tuple[int, ...]:
    """The node ports of a Service, that of its health check included."""
    ports = [port.get("nodePort") for port in listed(service, "spec", "ports")]
    return tuple(int(port) for port in (*ports, dig(service, "spec", "healthCheckNodePort")) if port)


def _floor(scaler: Raw) -> tuple[tuple[str, str], int]:
    target = mapped(scaler, "spec", "scaleTargetRef")
    least = dig(scaler, "spec", _LEAST[str(scaler["kind"])])
    return (str(target.get("kind") or "Deployment"), str(target.get("name"))), int(least or 1)


def _pods(workload: Raw, floor: int, where: str) -> Pods:
    spec = mapped(workload, "spec", "template", "spec")
    kind = str(workload["kind"])
    wanted = dig(workload, "spec", "replicas")
    replicas = 1 if wanted is None or kind in ("DaemonSet", "Job") else int(wanted)
    surge, unavailable = _rollout(workload, kind)
    everything = (*listed(spec, "initContainers"), *listed(spec, "containers"))
    ports = [port.get("hostPort") for one in everything for port in listed(one, "ports")]
    affinity = mapped(spec, "affinity")
    terms = mapped(affinity, "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    return Pods(
        kind=kind,
        name=name(workload),
        namespace=where,
        replicas=max(replicas, floor),
        labels=dict(pod_labels(workload)),
        containers=containers_of(spec),
        surge=surge,
        unavailable=unavailable,
        host_network=bool(spec.get("hostNetwork")),
        host_ports=tuple(int(port) for port in ports if port),
        pull_secrets=tuple(str(one["name"]) for one in listed(spec, "imagePullSecrets") if one.get("name")),
        tolerations=tuple(listed(spec, "tolerations")),
        node_selector=dict(mapped(spec, "nodeSelector")),
        node_terms=tuple(listed(terms, "nodeSelectorTerms")),
        apart=tuple(listed(affinity, "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")),
        spread=tuple(
            one
            for one in listed(spec, "topologySpreadConstraints")
            if one.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule"
        ),
    )


def _rollout(workload: Raw, kind: str) -> tuple[str, str]:
    """maxSurge and maxUnavailable with the API's defaults."""
    if kind == "Deployment":
        if dig(workload, "spec", "strategy", "type") == "Recreate":
            return "0", "100%"
        rolling = mapped(workload, "spec", "strategy", "rollingUpdate")
        return _set(rolling, "maxSurge", _QUARTER), _set(rolling, "maxUnavailable", _QUARTER)
    rolling = mapped(workload, "spec", "updateStrategy", "rollingUpdate")
    return (_set(rolling, "maxSurge", "0"), _set(rolling, "maxUnavailable", "1"))


def _set(rolling: Mapping[str, Any], key: str, default: str) -> str:
    value = rolling.get(key)
    return default if value is None else str(value)


def containers_of(spec: Raw) -> tuple[Container, ...]:
    """The containers of a pod spec; init containers that restart are sidecars."""
    return (
        *(
            _container(one, once=one.get("restartPolicy") != "Always")
            for one in listed(spec, "initContainers")
        ),
        *(_container(one, once=False) for one in listed(spec, "containers")),
    )


def _container(container: Raw, *, once: bool) -> Container:
    image = str(container.get("image") or "")
    limits = amounts(mapped(container, "resources", "limits"))
    return Container(
        image=image,
        pull=str(container.get("imagePullPolicy") or _policy(image)),
        requests={**limits, **amounts(mapped(container, "resources", "requests"))},  # the API's default
        limits=limits,
        once=once,
    )


def _policy(image: str) -> str:
    """The API's default: only the tag latest, or none, is always pulled."""
    last = image.rpartition("/")[2]
    moving = "@" not in last and last.partition(":")[2] in ("", "latest")
    return "Always" if moving else "IfNotPresent"
