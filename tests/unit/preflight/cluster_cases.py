"""Worlds that are spoilt around the primary: room, policies, webhooks."""

from __future__ import annotations

from typing import Any

from blueshift.discovery.pods import Container, RenderedService
from blueshift.discovery.seen import Ports
from blueshift.discovery.seen_neighbours import (
    Budget,
    Budgets,
    Closed,
    Identity,
    Mesh,
    Policies,
    Webhook,
    Webhooks,
)
from blueshift.discovery.seen_room import (
    Free,
    Ground,
    Image,
    Images,
    Limits,
    Node,
    Quota,
    Quotas,
    Room,
    Taken,
)
from blueshift.discovery.world import Rendered
from tests.unit.preflight.case import Case
from tests.unit.preflight.worlds import GIB, GROUND, HARDENED, PODS, TARGET, TEMPORARY, WORKLOAD, but, seen

OWN, TMP = "ingress", "web-blueshift"
HOST = "kubernetes.io/hostname"
ALONE = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": "web"}}}
SPREAD = {**ALONE, "maxSkew": 1}
TAINTED = Node("n2", {HOST: "n2"}, ({"key": "a", "effect": "NoSchedule"},))
ONE_NODE = GROUND.nodes[0]
REFUSED = {"not-looked": "nodes is forbidden", "hint": "ask an admin", "stops": False}


def of_all(**changes: Any) -> dict[str, Any]:
    """The same change in the pods of every revision."""
    return {
        which: but(rendered, pods=tuple(but(pods, **changes) for pods in rendered.pods))
        for which, rendered in (("temporary", TEMPORARY), ("harden", HARDENED), ("target", TARGET))
    }


def left(space: str = TMP, scopes: tuple[str, ...] = (), **amounts: int) -> dict[str, Any]:
    quota = Quota(f"{space}/q", space, {key.replace("_", "."): n for key, n in amounts.items()}, scopes)
    return {"findings": seen(cluster_quota=Quotas((quota,)))}


def limited(kind: str = "Container", space: str = TMP, **bounds: Any) -> dict[str, Any]:
    return {"findings": seen(cluster_quota=Quotas((), (Limits(f"{space}/l", space, kind, **bounds),)))}


def free(cpu: int = 2000, memory: int = 8 * GIB, pods: int = 100, autoscaler: str = "") -> dict[str, Any]:
    return {"findings": seen(cluster_headroom=Room({"n1": Free(cpu, memory, pods)}, autoscaler))}


def on(*nodes: Node, pods: dict[str, int] | None = None, autoscaler: str = "") -> dict[str, Any]:
    names = {node.name: Free(2000, 8 * GIB, 100) for node in nodes}
    return {
        "findings": seen(
            cluster_spread=Ground(nodes, pods if pods is not None else {"n1": 1, "n2": 1}),
            cluster_headroom=Room(names, autoscaler),
        )
    }


def image(**changes: Any) -> dict[str, Any]:
    one = but(Image("r/c:2", "target", 0, 3), **changes)
    return {"findings": seen(cluster_image_pull=Images((one,)))}


def closed(space: str) -> dict[str, Any]:
    policy = Closed(f"{space}/backend", space, "namespaceSelector {}")
    return {"findings": seen(cluster_network_policy=Policies(closed=(policy,)))}


def orphan(**changes: Any) -> dict[str, Any]:
    one = Webhook(
        "ValidatingWebhookConfiguration",
        "old",
        "gone/old",
        "does not exist",
        "Fail",
        ("ingresses",),
        True,
        "a/b",
    )
    return {"findings": seen(cluster_webhook_orphan=Webhooks(3, (but(one, **changes),)))}


def budgets(*found: Budget) -> dict[str, Any]:
    return {"findings": seen(cluster_pdb=Budgets(found))}


BROKEN = Rendered(error="boom")
MUTE = but(PODS, containers=(Container("a:1", "IfNotPresent"),))

APART = but(TARGET, pods=(but(PODS, apart=(ALONE,)),))

CASES = [
    Case("cluster-identity", "is two clusters", {"findings": seen(cluster_identity=Identity("other"))}),
    Case(
        "cluster-quota",
        "ResourceQuota web-blueshift/q leaves 1 of pods, and a run needs 2 more",
        left(pods=1),
    ),
    Case("cluster-quota", "leaves 199m of requests.cpu, and a run needs 200m", left(requests_cpu=199)),
    Case("cluster-quota", "leaves 1024Mi of requests.memory", left(requests_memory=GIB)),
    Case("cluster-quota", "leaves 0 of services.loadbalancers", left(services_loadbalancers=0)),
    Case("cluster-quota", "leaves 0 of pods, and a run needs 1 more", left(OWN, pods=0)),
    Case(
        "cluster-quota",
        "a run needs 3 more",
        {
            **left(OWN, pods=2),
            "temporary": but(TEMPORARY, pods=(but(PODS, name="tmp"),)),
            "temporary_namespace": OWN,
        },
    ),
    Case(
        "cluster-quota",
        "counts limits.memory, so it refuses pods with a container that has no limits of memory",
        left(limits_memory=9 * GIB),
    ),
    Case(
        "cluster-quota",
        "no requests of cpu: Deployment ingress/web-controller, Job ingress/hook",
        {
            **left(OWN, requests_cpu=9000),
            "harden": but(HARDENED, pods=(MUTE, but(MUTE, kind="Job", name="hook"))),
        },
    ),
    Case(
        "cluster-quota",
        "goes by PriorityClass: it was not judged",
        left(scopes=("PriorityClass",), pods=0),
        "info",
        stops=False,
    ),
    Case("cluster-quota", "a container may have a limit of 50m cpu, and has none", limited(most={"cpu": 50})),
    Case(
        "cluster-quota",
        "may have a limit of 50m cpu, and has 60m",
        limited(most={"cpu": 50}, limits={"cpu": 60}),
    ),
    Case(
        "cluster-quota",
        "a pod must request 200m cpu at least, and requests 100m",
        limited("Pod", OWN, least={"cpu": 200}),
    ),
    Case(
        "cluster-quota", "nodes is forbidden", {"findings": seen(cluster_quota=REFUSED)}, "not-looked", False
    ),
    Case(
        "cluster-quota", "does not render", {"temporary": Rendered(error="boom")} | left(pods=9), "not-looked"
    ),
    Case(
        "cluster-headroom",
        "1 of 2 pods of Deployment web-blueshift/web-blueshift-controller find no node: each asks for 100m",
        free(cpu=199),
    ),
    Case("cluster-headroom", "2 of 2 pods of", free(memory=GIB - 1)),
    Case("cluster-headroom", "2 of 2 pods of", free(pods=0)),
    Case("cluster-headroom", "1 of 1 pods of Deployment ingress/web-controller find no node", free(pods=2)),
    Case("cluster-headroom", "of 1 nodes none may run them", on(but(TAINTED, name="n1"))),
    Case(
        "cluster-headroom",
        "an autoscaler is at work (pod a/b) and may add nodes",
        free(pods=0, autoscaler="pod a/b"),
        "warn",
        stops=False,
    ),
    Case("cluster-headroom", "forbidden", {"findings": seen(cluster_headroom=REFUSED)}, "not-looked", False),
    Case("cluster-headroom", "forbidden", {"findings": seen(cluster_spread=REFUSED)}, "not-looked", False),
    Case(
        "cluster-spread",
        "no node may run Deployment ingress/web-controller",
        {"target": but(TARGET, pods=(but(PODS, node_selector={"edge": "yes"}),))},
    ),
    Case(
        "cluster-spread",
        "ingress/web-controller allows one pod per kubernetes.io/hostname: 3 pods must be there at once, and "
        "there are 2 places",
        {**on(ONE_NODE, Node("n2", {HOST: "n2"})), **of_all(apart=(ALONE,))},
    ),
    Case(
        "cluster-spread",
        "5 pods must be there at once",
        {
            **on(ONE_NODE, Node("n2", {HOST: "n2"})),
            "temporary": but(TEMPORARY, pods=(but(PODS, name="tmp"),)),
            "harden": but(HARDENED, pods=(but(PODS, apart=(ALONE,)),)),
        },
    ),
    Case(
        "cluster-spread",
        "an autoscaler is at work",
        {
            **on(ONE_NODE, pods={}, autoscaler="pod a/b"),
            "target": but(TARGET, pods=(but(PODS, apart=(ALONE,)),)),
        },
        "warn",
        stops=False,
    ),
    Case(
        "cluster-spread",
        "3 pods must be there at once, and 1 may be (n2 takes none)",
        {**on(ONE_NODE, TAINTED, pods={"n1": 2}), "target": but(TARGET, pods=(but(PODS, spread=(SPREAD,)),))},
    ),
    Case(
        "cluster-spread",
        "and 1 may be (there are fewer than minDomains)",
        {"target": but(TARGET, pods=(but(PODS, spread=({**SPREAD, "minDomains": 3},)),))},
    ),
    Case(
        "cluster-spread",
        "is spread by zone, and no node that may run it has that label",
        {"target": but(TARGET, pods=(but(PODS, spread=({**SPREAD, "topologyKey": "zone"},)),))},
    ),
    Case(
        "cluster-spread",
        "all 2 ready pods of Deployment ingress/web-controller are on node n1",
        on(ONE_NODE, Node("n2", {HOST: "n2"}), pods={"n1": 2}),
        "warn",
        stops=False,
    ),
    Case("cluster-spread", "and no other node may run them", {}, "info", stops=False),
    Case(
        "cluster-host-ports",
        "takes host ports 80, as the primary does",
        {
            "temporary": but(TEMPORARY, pods=(but(PODS, host_ports=(80, 81)),)),
            "findings": seen(cluster_lb_address=Ports(host_ports=(80, 443))),
        },
    ),
    Case(
        "cluster-host-ports",
        "takes the host's network",
        {"temporary": but(TEMPORARY, pods=(but(PODS, host_network=True),))},
    ),
    Case(
        "cluster-host-ports",
        "one pod fits on each node",
        {"temporary": but(TEMPORARY, pods=(but(PODS, host_ports=(81,)),))},
        "info",
        stops=False,
    ),
    Case(
        "cluster-host-ports",
        "is fixed for Service web-blueshift/web of the temporary, and it is that of Service n/s",
        {
            "temporary": but(TEMPORARY, services=(RenderedService("web", TMP, "NodePort", (30080, 30081)),)),
            "findings": seen(cluster_host_ports=Taken({"30080": "n/s"})),
        },
    ),
    Case("cluster-image-pull", "0 of 3 nodes that may run it have r/c:2", image(), "not-looked", stops=False),
    Case(
        "cluster-image-pull",
        "with pull secret a, which is there",
        image(secrets=("a",)),
        "not-looked",
        stops=False,
    ),
    Case(
        "cluster-image-pull",
        "its registry is asked at each start",
        image(held=3, always=True),
        "not-looked",
        stops=False,
    ),
    Case(
        "cluster-image-pull",
        "there is no pull secret ingress/a",
        image(secrets=("a",), missing=("ingress/a",)),
        "warn",
        stops=False,
    ),
    Case("cluster-pdb", "no PodDisruptionBudget is about", {}, "info", stops=False),
    Case("cluster-pdb", "never lets one of 2 pods", budgets(Budget("ingress/b", "2")), "warn", stops=False),
    Case("cluster-pdb", "never lets one", budgets(Budget("ingress/b", "51%")), "warn", stops=False),
    Case("cluster-pdb", "never lets one", budgets(Budget("ingress/b", most="0%")), "warn", stops=False),
    Case(
        "cluster-pdb",
        "2 PodDisruptionBudgets select the pods of",
        budgets(Budget("ingress/a", "1"), Budget("ingress/b", "1")),
        "warn",
        stops=False,
    ),
    Case("cluster-network-policy", "NetworkPolicy shop/backend admits the primary by", closed("shop")),
    Case("cluster-network-policy", "no host that moves has", closed("auth"), "warn", stops=False),
    Case(
        "cluster-network-policy",
        "select the temporary's pods and admit nobody: web-blueshift/deny",
        {"findings": seen(cluster_network_policy=Policies(barred=("web-blueshift/deny",)))},
    ),
    Case(
        "cluster-network-policy",
        "are not about the temporary's: ingress/own",
        {"findings": seen(cluster_network_policy=Policies(own=("ingress/own",)))},
        "info",
        stops=False,
    ),
    Case(
        "cluster-mesh",
        "the primary is in a mesh of Istio (istio.io/rev=x of the pods)",
        {"findings": seen(cluster_mesh=Mesh("Istio", ("istio.io/rev=x of the pods",)))},
        "warn",
        stops=False,
    ),
    Case(
        "cluster-webhook-orphan",
        "ValidatingWebhookConfiguration old of Helm release a/b asks Service gone/old, which does not exist, "
        "about ingresses: with failurePolicy Fail every such write is refused",
        orphan(),
    ),
    Case("cluster-webhook-orphan", "waits for it in vain", orphan(policy="Ignore"), "warn", stops=False),
    Case("cluster-webhook-orphan", "selectors or conditions", orphan(certain=False), "warn", stops=False),
]

QUIET: list[tuple[str, dict[str, Any]]] = [
    ("cluster-quota", left(pods=2, requests_cpu=200, requests_memory=2 * GIB, services_loadbalancers=1)),
    ("cluster-quota", left(OWN, pods=1)),
    ("cluster-quota", left(scopes=("BestEffort",), pods=0)),
    ("cluster-quota", left(scopes=("Terminating",), pods=0)),
    ("cluster-quota", left("elsewhere", pods=0)),
    ("cluster-quota", limited(most={"cpu": 100}, least={"cpu": 100}, limits={"cpu": 100})),
    ("cluster-headroom", free(cpu=300, memory=3 * GIB, pods=3)),
    # What may go before its successor is ready needs no room beside it.
    ("cluster-headroom", {**free(pods=2), **of_all(unavailable="1")}),
    ("cluster-spread", {**on(ONE_NODE, Node("n2", {HOST: "n2"})), **of_all(apart=(ALONE,), unavailable="1")}),
    ("cluster-spread", of_all(apart=({**ALONE, "topologyKey": "zone"},))),  # no node has that key
    (
        "cluster-spread",
        {
            **on(ONE_NODE, Node("n2", {HOST: "n2"})),
            **of_all(apart=({**ALONE, "matchLabelKeys": ["pod-template-hash"]},)),
        },
    ),
    # A node that takes none and has a pod already keeps the skew of no other one.
    ("cluster-spread", {**on(ONE_NODE, TAINTED), "target": but(TARGET, pods=(but(PODS, spread=(SPREAD,)),))}),
    (
        "cluster-spread",
        {**on(ONE_NODE, TAINTED, pods={}), **of_all(spread=({**SPREAD, "nodeTaintsPolicy": "Honor"},))},
    ),
    ("cluster-pdb", budgets(Budget("ingress/b", "1"))),
    ("cluster-pdb", budgets(Budget("ingress/b", most="1"))),
    ("cluster-pdb", {"workload": but(WORKLOAD, replicas=1, ready=1)}),
    (
        "cluster-host-ports",
        {"temporary": but(TEMPORARY, services=(RenderedService("web", TMP, "NodePort", (30081,)),))},
    ),
]
"""Checks that pass, close to where they would not."""
