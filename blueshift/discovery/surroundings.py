"""What surrounds the primary and the temporary in the cluster: room, policies, webhooks, a mesh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery.found import attempt
from blueshift.discovery.mesh import mesh
from blueshift.discovery.policies import Side, policies
from blueshift.discovery.prepared import admission
from blueshift.discovery.primary import Primary
from blueshift.discovery.raw import Raw, dig, labels, mapped, matches, pod_labels, ref, uid
from blueshift.discovery.room import ground, images, quotas, room, taken
from blueshift.discovery.seen_neighbours import Budget, Budgets, Identity, Mesh, Policies, Webhooks
from blueshift.discovery.seen_room import Ground, Quotas
from blueshift.discovery.webhooks import webhooks
from blueshift.discovery.world import Rendered
from blueshift.errors import BlueshiftError

NAME = "kubernetes.io/metadata.name"
"""Label of every namespace (Kubernetes 1.22)."""


async def surroundings(
    kube: KubeApi, found: Primary, space: str, *, temporary: Rendered, harden: Rendered, target: Rendered
) -> dict[str, Any]:
    """Findings by check id; `space` is the temporary's namespace. A look that is refused stops no other.

    Several of them list the same kinds: `kube` should be one that asks once (`OneLook`). Read by name are the
    namespaces of the run, kube-system, and the ConfigMap of an autoscaler.
    """
    own = found.workload.namespace

    async def on() -> Ground:
        asked = (*temporary.pods, *harden.pods, *target.pods)
        return await ground(kube, found.pods, asked, await _marks(kube, own, space))

    async def rationed() -> Quotas:
        live = await kube.find(_space(space))
        return await quotas(kube, dict.fromkeys((own, space) if live else (own,)))

    async def admitted() -> Policies:
        marks = await _marks(kube, own, space)
        second = Side(space, marks[space], _controllers(temporary, found.workload.image))
        primary = Side(own, marks[own], [pod_labels(found.raw)])
        return await policies(kube, primary, second, found.release.name)

    async def meshed() -> Mesh:
        return mesh(found.raw, found.pods, await kube.find(_space(own)) or {})

    async def hooked() -> Webhooks:
        return await webhooks(kube, await _marks(kube, own, space))

    return await attempt(
        {
            "cluster-identity": _identity(kube),
            "cluster-quota": rationed(),
            "cluster-headroom": room(kube),
            "cluster-spread": on(),
            "cluster-image-pull": images(kube, temporary, target, own),
            "cluster-host-ports": taken(kube, temporary),
            "cluster-pdb": _budgets(kube, found.raw, own),
            "cluster-network-policy": admitted(),
            "cluster-mesh": meshed(),
            "cluster-webhook-orphan": hooked(),
        },
        needed=False,
    )


def _controllers(rendered: Rendered, image: str) -> list[Mapping[str, str]]:
    """Labels of the rendered pods that run the controller; of all that last where none runs that image.

    Raises BlueshiftError where none is known: nobody could say whom a policy admits.
    """
    lasting = [pods for pods in rendered.pods if pods.kind != "Job"]
    if not lasting:
        raise BlueshiftError("the labels of the temporary's pods are not known: it renders none")
    own = [pods for pods in lasting if any(one.image == image for one in pods.containers)]
    return [pods.labels for pods in own or lasting]


def _space(name: str) -> str:
    return paths.core("namespaces", None, name)


async def _marks(kube: KubeApi, own: str, space: str) -> Mapping[str, Mapping[str, str]]:
    """Labels of the primary's namespace and of the temporary's, as it is or as a run would make it."""
    primary, temporary = labels(await kube.find(_space(own)) or {}), await kube.find(_space(space))
    made = {**admission(primary), NAME: space, "app.kubernetes.io/managed-by": "blueshift"}
    return {space: labels(temporary) if temporary else made, own: primary}


async def _identity(kube: KubeApi) -> Identity:
    return Identity(uid(await kube.get(_space("kube-system"))))


async def _budgets(kube: KubeApi, workload: Raw, own: str) -> Budgets:
    """Those that select the workload's pods. Raises Forbidden."""
    found = await kube.list(paths.apis("policy/v1", "poddisruptionbudgets", own))
    return Budgets(
        tuple(
            Budget(ref(one), *(_said(one, key) for key in ("minAvailable", "maxUnavailable")))
            for one in found
            if matches(mapped(one, "spec").get("selector"), pod_labels(workload))
        )
    )


def _said(budget: Raw, key: str) -> str:
    value = dig(budget, "spec", key)
    return "" if value is None else str(value)
