"""The room that a run's pods find: nodes, what is free on them, quotas, images, node ports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery.placement import eligible, nodes_of
from blueshift.discovery.pods import Pods, containers_of, needs, node_ports
from blueshift.discovery.quantity import amounts, whole
from blueshift.discovery.raw import Raw, annotated, dig, labels, listed, mapped, name, namespace, ref
from blueshift.discovery.seen_room import (
    Free,
    Ground,
    Image,
    Images,
    Limits,
    Quota,
    Quotas,
    Room,
    Taken,
)
from blueshift.discovery.world import Rendered
from blueshift.together import together

NODES = paths.core("nodes")
PODS = paths.core("pods")
SERVICES = paths.core("services")
_ALIVE = "status.phase!=Succeeded,status.phase!=Failed"
_AUTOSCALER = re.compile(r"(?:^|/)(cluster-autoscaler|karpenter(?:/controller)?)(?:-[a-z0-9]+)?(?:$|[:@])")
_SCALED = ("karpenter.sh/", "cluster-autoscaler.kubernetes.io/", "eks.amazonaws.com/compute-type")
STATUS = ("kube-system", "cluster-autoscaler-status")
"""The ConfigMap in which cluster-autoscaler tells what it does, also where the provider runs it unseen."""
# Other names of the same limit (documentation: "Resource Quotas").
_SAME = {
    "cpu": "requests.cpu",
    "memory": "requests.memory",
    "count/pods": "pods",
    "count/services": "services",
}
_JUDGED = frozenset(
    {
        "pods",
        "requests.cpu",
        "requests.memory",
        "limits.cpu",
        "limits.memory",
        "services",
        "services.loadbalancers",
        "services.nodeports",
    }
)


async def ground(
    kube: KubeApi, pods: Iterable[Raw], asked: Iterable[Pods], spaces: Mapping[str, Mapping[str, str]]
) -> Ground:
    """The nodes, and where `pods` of the primary are. Raises Forbidden."""
    nodes = nodes_of(await kube.list(NODES), asked)
    on = Counter(str(dig(pod, "spec", "nodeName") or "") for pod in pods)
    return Ground(nodes, {node: count for node, count in on.items() if node}, _plain(spaces))


def _plain(spaces: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {space: dict(marks) for space, marks in spaces.items()}


async def room(kube: KubeApi) -> Room:
    """What is free on each node. Raises Forbidden."""
    nodes, pods, status = await together(
        kube.list(NODES),
        kube.list(PODS, fieldSelector=_ALIVE),
        kube.find(paths.core("configmaps", *STATUS)),
    )
    used: dict[str, Counter[str]] = {name(node): Counter() for node in nodes}
    for pod in pods:
        here = used.get(str(dig(pod, "spec", "nodeName") or ""))
        if here is not None:
            here.update(needs(containers_of(mapped(pod, "spec")), "requests"))
            here.update(amounts(mapped(pod, "spec", "overhead")))
            here["pods"] += 1
    free = {name(node): _free(node, used[name(node)]) for node in nodes}
    return Room(free, "ConfigMap " + "/".join(STATUS) if status else _autoscaler(nodes, pods))


def _free(node: Raw, used: Mapping[str, int]) -> Free:
    has = mapped(node, "status", "allocatable")
    left = {kind: whole(kind, has.get(kind, 0)) - used.get(kind, 0) for kind in ("cpu", "memory", "pods")}
    return Free(**left)


def _autoscaler(nodes: Iterable[Raw], pods: Iterable[Raw]) -> str:
    for pod in pods:
        if any(_AUTOSCALER.search(str(one.get("image") or "")) for one in listed(pod, "spec", "containers")):
            return f"pod {ref(pod)}"
    for node in nodes:
        for mark in (*labels(node), *annotated(node)):
            if mark.startswith(_SCALED):
                return f"mark {mark} of node {name(node)}"
    return ""


async def quotas(kube: KubeApi, spaces: Iterable[str]) -> Quotas:
    """Quotas and limits of these namespaces. Raises Forbidden."""
    found: list[Quota] = []
    limits: list[Limits] = []
    for space in spaces:
        of_space, ranges = await together(
            kube.list(paths.core("resourcequotas", space)), kube.list(paths.core("limitranges", space))
        )
        found += [_quota(one) for one in of_space]
        limits += [limit for one in ranges for limit in _limits(one)]
    return Quotas(tuple(found), tuple(limits))


def _quota(quota: Raw) -> Quota:
    hard = mapped(quota, "status", "hard") or mapped(quota, "spec", "hard")
    used = mapped(quota, "status", "used")
    left: dict[str, int] = {}
    for called, amount in hard.items():
        resource = _SAME.get(called, called)
        if resource in _JUDGED:
            rest = whole(resource, amount) - whole(resource, used.get(called, 0))
            left[resource] = min(rest, left.get(resource, rest))
    expressions = listed(quota, "spec", "scopeSelector", "matchExpressions")
    scopes = (*listed(quota, "spec", "scopes"), *(str(one["scopeName"]) for one in expressions))
    return Quota(ref(quota), namespace(quota), left, tuple(scopes))


def _limits(found: Raw) -> list[Limits]:
    return [
        Limits(
            ref(found),
            namespace(found),
            str(one["type"]),
            *(amounts(mapped(one, key)) for key in ("min", "max", "default", "defaultRequest")),
        )
        for one in listed(found, "spec", "limits")
        if one.get("type") in ("Container", "Pod")
    ]


async def images(kube: KubeApi, temporary: Rendered, target: Rendered, own: str) -> Images:
    """Where the images are, and the pull secrets, in `own`, the primary's namespace.

    The temporary's are looked for there too: a run copies them from there. Raises Forbidden where nodes may
    not be listed, or Secrets of pods that need some.
    """
    nodes = await kube.list(NODES)
    held = {name(node): frozenset(_held(node)) for node in nodes}
    found: dict[tuple[str, str], Image] = {}
    for revision, rendered in (("temporary", temporary), ("target", target)):
        for pods in rendered.pods:
            where = eligible(pods, nodes_of(nodes, [pods]))
            for one in pods.containers:
                called = spelling(one.image)
                count = sum(called in held[node.name] for node in where)
                always = one.pull == "Always"
                secrets = pods.pull_secrets if always or count < len(where) else ()
                missing = await _missing(kube, own, secrets)
                image = Image(one.image, revision, count, len(where), always, secrets, missing)
                found[revision, one.image] = image
    return Images(tuple(found.values()))


def _held(node: Raw) -> Iterable[str]:
    return (str(called) for image in listed(node, "status", "images") for called in listed(image, "names"))


def spelling(image: str) -> str:
    """The name by which a node lists an image: `repository@digest` where it has one, else with its tag.

    Names without a registry are Docker Hub's (distribution/reference, ParseNormalizedNamed).
    """
    body, _, digest = image.partition("@")
    first, slash, _ = body.partition("/")
    if not slash:
        body = f"docker.io/library/{body}"
    elif "." not in first and ":" not in first and first != "localhost":
        body = f"docker.io/{body}"
    repository, colon, tag = body.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = body, "latest"
    return f"{repository}@{digest}" if digest else f"{repository}:{tag}"


async def _missing(kube: KubeApi, space: str, wanted: Sequence[str]) -> tuple[str, ...]:
    if not wanted:
        return ()
    there = {name(one) for one in await kube.list(paths.core("secrets", space), metadata_only=True)}
    return tuple(f"{space}/{one}" for one in wanted if one not in there)


async def taken(kube: KubeApi, temporary: Rendered) -> Taken:
    """Who has node ports; nobody is asked where the temporary's Services fix none. Raises Forbidden."""
    if not any(service.node_ports for service in temporary.services):
        return Taken()
    return Taken(
        {str(port): ref(service) for service in await kube.list(SERVICES) for port in node_ports(service)}
    )
