"""Where a rollout of a Deployment or DaemonSet stands, and why it cannot end well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi

Raw = Mapping[str, Any]

# Reasons of a waiting container that time alone does not mend (kubelet: pkg/kubelet/images/types.go and
# kuberuntime). A pod that cannot be scheduled is only slow: an autoscaler may bring a node.
HOPELESS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)


class Rollout(msgspec.Struct, frozen=True):
    """One look at a rollout."""

    done: bool
    """Every pod is of the newest revision and available, and no older one is left."""
    failed: str | None
    """Why the newest pods cannot start; None while waiting may still help."""
    sentence: str
    wanted: int
    """Pods that the workload asks for."""
    ready: int
    """Pods of any revision that are ready."""


def rollout(workload: Raw, pods: Sequence[Raw]) -> Rollout:
    """Judge the workload's own status; `pods` (all that its selector matches) tell why it does not move."""
    status = workload.get("status") or {}
    daemon = workload["kind"] == "DaemonSet"
    if daemon:
        wanted = int(status.get("desiredNumberScheduled", 0))
        updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
        old = 0
    else:
        wanted = int(workload["spec"].get("replicas", 1))
        updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
        old = max(0, status.get("replicas", 0) - updated)
    ready = len(ready_pods(pods))
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 1):
        return Rollout(False, None, "the rollout has not begun", wanted, ready)
    parts = [f"{updated} of {wanted} pods are of the newest revision, {available} available"]
    if old:
        parts.append(f"{old} older still there")
    troubles = [trouble for pod in newest(pods) for trouble in _troubles(pod)]
    hopeless = [text for reason, text in troubles if reason in HOPELESS]
    parts += [text for _, text in troubles[:3]]
    parts += [] if troubles else _conditions(status)
    done = wanted == updated and available >= wanted and not old
    return Rollout(done, hopeless[0] if hopeless and not done else None, "; ".join(parts), wanted, ready)


def is_ready(pod: Raw) -> bool:
    """Whether a Service sends it traffic: ready, and not told to end."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def ready_pods(pods: Iterable[Raw]) -> list[Raw]:
    """Those that a Service sends traffic."""
    return [pod for pod in pods if is_ready(pod)]


async def pods_of(kube: KubeApi, workload: Raw) -> list[dict[str, Any]]:
    """All pods that a workload's selector matches, ending ones too."""
    path = paths.core("pods", workload["metadata"]["namespace"])
    return await kube.list(path, labelSelector=selector(workload["spec"]["selector"]))


def selector(spec: Raw) -> str:
    """A LabelSelector (matchLabels and matchExpressions) as the query parameter `labelSelector`."""
    parts = [f"{key}={value}" for key, value in sorted((spec.get("matchLabels") or {}).items())]
    for one in spec.get("matchExpressions") or ():
        key, values = one["key"], ",".join(one.get("values") or ())
        operators = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        parts.append(operators[one["operator"]])
    return ",".join(parts)


def newest(pods: Sequence[Raw]) -> list[Raw]:
    """Pods of the revision that was started last. Ending pods are never of it."""
    alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    last = max((pod["metadata"].get("creationTimestamp") or "" for pod in alive), default="")
    revisions = {_revision(pod) for pod in alive if (pod["metadata"].get("creationTimestamp") or "") == last}
    return [pod for pod in alive if _revision(pod) in revisions]


def _revision(pod: Raw) -> str:
    labels = pod["metadata"].get("labels") or {}
    return str(labels.get("pod-template-hash") or labels.get("controller-revision-hash") or "")


def _troubles(pod: Raw) -> list[tuple[str, str]]:
    """(reason, sentence) of what keeps a pod from becoming ready."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    found = [
        (condition.get("reason", ""), f"{name} is not scheduled: {_short(condition)}")
        for condition in status.get("conditions") or ()
        if condition["type"] == "PodScheduled" and condition["status"] == "False"
    ]
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or ():
            waiting = (container.get("state") or {}).get("waiting") or {}
            reason = waiting.get("reason", "")
            if reason not in ("", "ContainerCreating", "PodInitializing"):
                found.append((reason, f"{name}: {container['name']} waits: {reason}: {_short(waiting)}"))
    return found


def _conditions(status: Raw) -> list[str]:
    """What the workload's controller itself says against it, such as a quota that forbids pods."""
    bad = {("ReplicaFailure", "True"), ("Progressing", "False")}
    return [
        f"{one.get('reason', one['type'])}: {_short(one)}"
        for one in status.get("conditions") or ()
        if (one["type"], one["status"]) in bad
    ]


def _short(said: Raw) -> str:
    text = " ".join(str(said.get("message") or "no reason given").split())
    return text if len(text) <= 200 else text[:199] + "…"
