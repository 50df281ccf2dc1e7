"""Which Deployment or DaemonSet of a release is the controller, and how it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from blueshift.discovery.raw import Raw, containers, dig, listed, mapped, name, namespace, uid
from blueshift.discovery.world import WorkloadFact

GRACE = 30
"""Kubernetes' default terminationGracePeriodSeconds."""

KEDA = "keda.sh/v1alpha1"
"""The API of its ScaledObjects."""


def choose(workloads: Iterable[Raw], recognise: Callable[[Raw], object]) -> Raw | None:
    """The workload that is an ingress controller; default backends and the like are none."""
    return next((found for found in workloads if recognise(found)), None)


def prestop(container: Raw) -> tuple[str, ...]:
    """The command of its preStop exec hook; empty without one."""
    return tuple(map(str, listed(container, "lifecycle", "preStop", "exec", "command")))


def arguments(container: Raw) -> tuple[str, ...]:
    """Command and arguments as the process gets them; forks put the flags into either."""
    return tuple(map(str, (*listed(container, "command"), *listed(container, "args"))))


def workload_fact(
    workload: Raw, autoscalers: Iterable[Raw], container_name: str, scaled: Raw | None = None
) -> WorkloadFact:
    """The facts of one Deployment or DaemonSet; `container_name` is the controller's, beside its sidecars.

    `scaled` is KEDA's object for it, where there is one to be seen.
    """
    kind = str(workload["kind"])
    container: Raw = next((one for one in containers(workload) if one.get("name") == container_name), {})
    scaler = scaler_of(workload, autoscalers)
    grace = dig(workload, "spec", "template", "spec", "terminationGracePeriodSeconds")
    if kind == "DaemonSet":
        replicas = int(dig(workload, "status", "desiredNumberScheduled") or 0)
        ready = int(dig(workload, "status", "numberReady") or 0)
    else:
        wanted = dig(workload, "spec", "replicas")
        replicas = 1 if wanted is None else int(wanted)
        ready = int(dig(workload, "status", "readyReplicas") or 0)
    return WorkloadFact(
        kind=kind,
        name=name(workload),
        namespace=namespace(workload),
        uid=uid(workload),
        replicas=replicas,
        ready=ready,
        image=str(container.get("image", "")),
        container=str(container.get("name", "")),
        args=arguments(container),
        selector=dict(mapped(workload, "spec", "selector", "matchLabels")),
        grace=GRACE if grace is None else int(grace),
        prestop=prestop(container),
        hpa=name(scaler),
        hpa_min=int(dig(scaler, "spec", "minReplicas") or 1) if scaler else 0,
        scaled_object=scaled_object(scaler),
        sleeps=scaled is not None and _sleeps(scaled),
        generation=int(dig(workload, "metadata", "generation") or 0),
    )


def scaler_of(workload: Raw, autoscalers: Iterable[Raw]) -> Raw:
    """The HorizontalPodAutoscaler that decides how many pods a workload has; empty without one."""
    wanted = (workload["kind"], name(workload))
    for one in autoscalers:
        target = mapped(one, "spec", "scaleTargetRef")
        if (target.get("kind"), target.get("name")) == wanted:
            return one
    return {}


def _sleeps(scaled: Raw) -> bool:
    """KEDA's minimum is 0 unless set; an idle count is below it (keda.sh, ScaledObject specification)."""
    spec = mapped(scaled, "spec")
    return int(spec.get("minReplicaCount") or 0) < 1 or spec.get("idleReplicaCount") is not None


def scaled_object(hpa: Raw) -> str:
    """The ScaledObject for which KEDA made a HorizontalPodAutoscaler; empty for one that people made."""
    for one in listed(hpa, "metadata", "ownerReferences"):
        if one.get("kind") == "ScaledObject" and str(one.get("apiVersion")).startswith("keda.sh/"):
            return str(one.get("name"))
    return ""
