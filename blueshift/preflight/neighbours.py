"""Checks of what acts on pods and writes from outside: budgets, network policies, a mesh, webhooks."""

from __future__ import annotations

from collections.abc import Iterator

from blueshift.discovery.found import found
from blueshift.discovery.pods import share
from blueshift.discovery.seen_neighbours import Budget, Budgets, Identity, Mesh, Policies, Webhook, Webhooks
from blueshift.discovery.world import World
from blueshift.preflight.protocol import Seen, brief, fails, passed, tells, warns


def identity(world: World) -> Iterator[Seen]:
    """One and the same cluster answered, from the first read of the look to the last.

    A plan of another cluster is stale by its contract (`world.standing`); this is about an address that
    leads to two of them.
    """
    cluster, last = world.cluster, found(world, "cluster-identity", Identity)
    if cluster.uid != last.uid:
        yield fails(
            f"{cluster.server} is two clusters: it answered as {cluster.uid} first and as {last.uid} later "
            "(UIDs of kube-system)",
            "name an API server of one cluster by --kubeconfig or --context",
        )
        return
    context = f"context {cluster.context}, " if cluster.context else ""
    yield passed(f"this is {cluster.server} ({context}{cluster.version}, UID of kube-system {cluster.uid})")


def pdb(world: World) -> Iterator[Seen]:
    """One PodDisruptionBudget keeps some of the primary's pods when a node is drained, and lets some go."""
    budgets = found(world, "cluster-pdb", Budgets).budgets
    workload = world.workload
    what = f"{workload.kind} {workload.namespace}/{workload.name}"
    names = [one.name for one in budgets]
    if len(budgets) > 1:
        yield warns(
            f"{len(budgets)} PodDisruptionBudgets select the pods of {what}: {brief(names)}. Kubernetes then "
            "refuses every eviction of them, and a drain of their node never ends",
            "keep one of them",
            names,
        )
    for one in budgets:
        if _never(one, workload.replicas):
            yield warns(
                f"PodDisruptionBudget {one.name} never lets one of {workload.replicas} pods of {what} go: a "
                "drain of their node never ends",
                "allow one pod to be away: `maxUnavailable: 1`",
                (one.name,),
            )
        elif len(budgets) == 1:
            yield passed(f"PodDisruptionBudget {one.name} is the one for {what}")
    if not budgets and workload.replicas > 1:
        yield tells(
            f"no PodDisruptionBudget is about {what}: drains of nodes may end all of its pods at once",
            (what,),
        )
    elif not budgets:
        yield passed(f"{what} has one pod and no PodDisruptionBudget")


def _never(budget: Budget, replicas: int) -> bool:
    # Kubernetes rounds both up (disruption controller, getExpectedPodCount).
    if budget.most:
        return share(budget.most, replicas, up=True) == 0
    return bool(budget.least) and share(budget.least, replicas, up=True) >= replicas


def network_policy(world: World) -> Iterator[Seen]:
    """Backends that admit the primary would admit the temporary too.

    An error where the policy is in a namespace with an Ingress whose host moves: its backends are there, and
    the temporary would answer for them with 502 and 504. Elsewhere it is not known whether the temporary has
    to reach these pods at all (authentication, mirrors), so it is a warning.
    """
    seen = found(world, "cluster-network-policy", Policies)
    moving = {host for name in world.moving() for host in name.hosts}
    served = [host for host in world.hosts if host.host in moving]
    spaces = {one.partition("/")[0] for host in served for one in host.ingresses}
    admit = (
        f"admit the temporary's pods too: namespace {world.temporary_namespace}, labels of the release "
        f"{world.temporary_release}"
    )
    for one in seen.closed:
        said = f"NetworkPolicy {one.policy} admits the primary by {one.by}, and not the temporary"
        if one.namespace in spaces:
            yield fails(
                f"{said}: where the cluster's network enforces it, no backend there would be reached",
                admit,
                (one.policy,),
            )
        else:
            yield warns(f"{said}; no host that moves has an Ingress in its namespace", admit, (one.policy,))
    if seen.barred:
        yield fails(
            f"NetworkPolicies select the temporary's pods and admit nobody: {brief(seen.barred)}",
            f"admit clients to the pods in namespace {world.temporary_namespace}",
            seen.barred,
        )
    if seen.own:
        yield tells(
            f"NetworkPolicies of the primary's pods are not about the temporary's: {brief(seen.own)}",
            seen.own,
        )
    if not (seen.closed or seen.barred):
        yield passed("no NetworkPolicy admits the primary and not the temporary")


def mesh(world: World) -> Iterator[Seen]:
    """No service mesh knows the primary by an identity that the temporary has not."""
    seen = found(world, "cluster-mesh", Mesh)
    if not seen.name:
        yield passed("no sign of a service mesh at the primary (Istio, Linkerd)")
        return
    yield warns(
        f"the primary is in a mesh of {seen.name} ({', '.join(seen.signs)}): the temporary has an identity "
        f"of its own there, service account of {world.temporary_release} in {world.temporary_namespace}, and "
        "what admits the primary by its identity refuses it",
        "let authorization policies admit that identity too while the run lasts",
        seen.signs,
    )


def webhook_orphan(world: World) -> Iterator[Seen]:
    """No admission webhook without an answer refuses what a run, or users of Ingresses, write."""
    seen = found(world, "cluster-webhook-orphan", Webhooks)
    for one in seen.orphans:
        yield _orphan(one)
    if not seen.orphans:
        yield passed(f"something answers for each of {seen.asked} admission webhooks with a Service")


def _orphan(one: Webhook) -> Seen:
    of = f" of Helm release {one.release}" if one.release else ""
    said = (
        f"{one.kind} {one.configuration}{of} asks Service {one.service}, which {one.why}, about "
        f"{brief(one.resources)}"
    )
    remedy = (
        f"`kubectl delete {one.kind.lower()} {one.configuration}` if it is left over from something that is "
        "gone; else bring its Service back"
    )
    if one.policy != "Fail":
        return warns(f"{said}; with failurePolicy {one.policy} each write waits for it in vain", remedy)
    if not one.certain:
        return warns(f"{said}: writes that its selectors or conditions mean are refused", remedy)
    return fails(f"{said}: with failurePolicy Fail every such write is refused", remedy, (one.configuration,))
