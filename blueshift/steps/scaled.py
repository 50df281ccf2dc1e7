"""What decides how many pods a side has: the field that a floor raises, and that is put back."""

from __future__ import annotations

from typing import Literal

import msgspec

from blueshift.cluster import paths
from blueshift.cluster.errors import Forbidden
from blueshift.discovery.workload import KEDA, scaled_object, scaler_of
from blueshift.engine.state import SideName
from blueshift.errors import BlueshiftError
from blueshift.steps.context import Tools

_RIGHTS = (
    "a run that an older version began has not asked for it: `blueshift rbac --role runner` prints roles "
    "that have it; then `blueshift resume`"
)
_HPAS = ("autoscaling/v2", "horizontalpodautoscalers")


class Scaled(msgspec.Struct, frozen=True):
    """One count, and where it stands."""

    path: str
    """Of the object."""
    field: str
    """Of its spec."""
    count: int
    replicas: int
    """The workload's own."""
    autoscaler: Literal["", "HPA", "ScaledObject"] = ""
    fixed: bool = False
    """A DaemonSet has a pod on every node."""

    @property
    def least(self) -> int | None:
        """The autoscaler's minimum; none without one."""
        return self.count if self.autoscaler else None


async def scaled(tools: Tools, side: SideName) -> Scaled:
    """The minimum of a side's autoscaler, else its workload's replicas. Raises BlueshiftError without either.

    KEDA makes an HPA for each ScaledObject and puts back what is changed in it, so the ScaledObject counts
    (its `minReplicaCount` is 0 unless set: keda.sh, ScaledObject specification).
    """
    workload = await tools.witness.workload(side)
    if workload is None:
        raise BlueshiftError(f"the {side} has no workload")
    kind, name = workload["kind"], workload["metadata"]["name"]
    namespace = workload["metadata"].get("namespace") or tools.witness.namespace(side)
    replicas = int(workload["spec"].get("replicas", 1))
    if hpa := scaler_of(workload, await tools.kube.list(paths.apis(*_HPAS, namespace))):
        if owner := scaled_object(hpa):
            path = paths.apis(KEDA, "scaledobjects", namespace, owner)
            try:
                least = (await tools.kube.get(path))["spec"].get("minReplicaCount", 0)
            except Forbidden as error:
                raise Forbidden(
                    error.message, place=error.place, hint=_RIGHTS, status=error.status
                ) from error
            return Scaled(path, "minReplicaCount", int(least), replicas, "ScaledObject")
        path = paths.apis(*_HPAS, namespace, hpa["metadata"]["name"])
        return Scaled(path, "minReplicas", int(hpa["spec"].get("minReplicas", 1)), replicas, "HPA")
    path = paths.apis("apps/v1", f"{kind.lower()}s", namespace, name)
    return Scaled(path, "replicas", replicas, replicas, fixed=kind == "DaemonSet")
