"""What the lab's chart brings onto a cluster, and that its own setting fails no check of it."""

from __future__ import annotations

from typing import Any

import pytest

from blueshift.discovery.placement import HOSTNAME
from blueshift.discovery.pods import Pods, rendered_pods, rendered_services
from blueshift.discovery.seen_room import Free, Ground, Node, Room
from blueshift.discovery.world import Rendered
from blueshift.preflight.run import run_all
from tests.render.conftest import Render
from tests.unit.preflight.worlds import GIB, WORKLOAD, but, seen, world

ROLLS: dict[str, Any] = {
    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
}
CHECKS = (
    "cluster-quota",
    "cluster-headroom",
    "cluster-spread",
    "cluster-host-ports",
    "cluster-pdb",
    "cluster-network-policy",
    "cluster-mesh",
    "cluster-webhook-orphan",
)


def rendered(render: Render, version: str = "4.11.3", **controller: Any) -> Rendered:
    values = {"controller": {"replicaCount": 2, **controller}}
    objects = list(render(values, version=version).values())
    return Rendered(pods=rendered_pods(objects, "ingress"), services=rendered_services(objects, "ingress"))


def controller(found: Rendered) -> Pods:
    (pods,) = (one for one in found.pods if one.kind != "Job")
    return pods


@pytest.mark.parametrize("version", ["4.11.3", "4.12.1"])
def test_the_controllers_pods(render: Render, version: str) -> None:
    pods = controller(rendered(render, version))
    assert (pods.replicas, pods.host_network, pods.host_ports) == (2, False, ())
    assert pods.needs("requests") == {"cpu": 100, "memory": 90 * 2**20}
    assert {one.pull for one in pods.containers} == {"IfNotPresent"}


def test_host_ports_replicas_and_surge_of_values(render: Render) -> None:
    scaled = {"enabled": True, "minReplicas": 3, "maxReplicas": 5}
    assert controller(rendered(render, autoscaling=scaled)).replicas == 3
    assert controller(rendered(render, hostPort={"enabled": True})).host_ports == (80, 443)
    hardened = controller(rendered(render, **ROLLS))
    assert (hardened.surging(2), hardened.away(2)) == (1, 0)


def test_the_labs_own_setting_fails_none(render: Render) -> None:
    """Two replicas on one node without a PodDisruptionBudget."""
    hardened = rendered(render, **ROLLS)
    lab = world(
        temporary=rendered(render),
        harden=hardened,
        target=rendered(render, "4.12.1", **ROLLS),
        workload=but(WORKLOAD, name=controller(hardened).name),
        findings=seen(
            cluster_headroom=Room({"n1": Free(1000, GIB, 90)}),
            cluster_spread=Ground((Node("n1", {HOSTNAME: "n1", "kubernetes.io/os": "linux"}),), {"n1": 2}),
        ),
    )
    findings = run_all(lab, only=CHECKS)
    assert not [one for one in findings if one.outcome not in ("pass", "info")]
