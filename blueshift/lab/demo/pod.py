"""A pod of a client's own, and its network: whoever asks from there is a client in the cluster."""

from __future__ import annotations

from pathlib import Path

from blueshift.errors import BlueshiftError
from blueshift.lab import cgroups
from blueshift.lab.containerd import PAUSE
from blueshift.lab.demo.inside import apply, kubectl, listed
from blueshift.lab.paths import Lab

NAMESPACE, NAME = "in-cluster", "client"


async def network(lab: Lab) -> Path:
    """Start a pod that does nothing; the handle of its network namespace.

    Raises BlueshiftError when the pod does not run.
    """
    metadata = {"name": NAME, "namespace": NAMESPACE}
    container = {"name": NAME, "image": PAUSE, "imagePullPolicy": "Never"}
    await apply(
        lab,
        [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}},
        ],
    )
    await kubectl(lab, "wait", "-n", NAMESPACE, "--for=condition=Ready", f"pod/{NAME}", "--timeout=60s")
    (pod,) = await listed(lab, "pods", "-n", NAMESPACE)
    identity = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    processes = cgroups.processes(identity)
    if not processes:
        raise BlueshiftError(f"the pod {NAMESPACE}/{NAME} has no process")
    return Path(f"/proc/{processes[0]}/ns/net")


async def service_address(lab: Lab, namespace: str, version: int) -> str:
    """The cluster's own address of the controller's public Service; "" where it has none of that family."""
    for service in await listed(lab, "services", "-n", namespace):
        if service["spec"]["type"] == "LoadBalancer":
            found = service["spec"]["clusterIPs"]
            return next((address for address in found if (":" in address) == (version == 6)), "")
    return ""
