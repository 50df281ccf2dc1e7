"""Which nodes a pod may run on, as the scheduler's filters have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from blueshift.discovery.pods import Pods
from blueshift.discovery.raw import Raw, labels, listed, matches, name, satisfies
from blueshift.discovery.seen_room import Node

HOSTNAME = "kubernetes.io/hostname"
_KEEPS_AWAY = ("NoSchedule", "NoExecute")


def nodes_of(found: Iterable[Raw], asked: Iterable[Pods]) -> tuple[Node, ...]:
    """The nodes, with those of their labels that pods ask for."""
    wanted = {HOSTNAME, *(key for pods in asked for key in _keys(pods))}
    return tuple(
        Node(
            name(node),
            {key: value for key, value in labels(node).items() if key in wanted},
            tuple(dict(one) for one in listed(node, "spec", "taints") if one.get("effect") in _KEEPS_AWAY),
        )
        for node in found
    )


def _keys(pods: Pods) -> Iterator[str]:
    yield from pods.node_selector
    for term in pods.node_terms:
        yield from (str(one["key"]) for one in listed(term, "matchExpressions"))
    yield from (str(one["topologyKey"]) for one in (*pods.apart, *pods.spread))


def meant(pods: Pods, node: Node) -> bool:
    """Whether nodeSelector and required node affinity name the node."""
    if any(node.labels.get(key) != value for key, value in pods.node_selector.items()):
        return False
    return not pods.node_terms or any(_holds(term, node) for term in pods.node_terms)


def _holds(term: Mapping[str, Any], node: Node) -> bool:
    by_label, by_field = listed(term, "matchExpressions"), listed(term, "matchFields")
    if not (by_label or by_field):
        return False  # an empty term matches no node (core/v1 NodeSelectorTerm)
    named = {"metadata.name": node.name}
    return all(satisfies(one, node.labels) for one in by_label) and all(
        satisfies(one, named) for one in by_field
    )


def tolerated(pods: Pods, node: Node) -> bool:
    """Whether none of the node's taints keeps the pods away. A node that is cordoned or not ready has one."""
    return all(any(_tolerates(one, taint) for one in pods.tolerations) for taint in node.taints)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    exists = toleration.get("operator") == "Exists"
    key = toleration.get("key") or ""
    if not key:
        return exists
    return key == taint["key"] and (exists or (toleration.get("value") or "") == (taint.get("value") or ""))


def eligible(pods: Pods, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes where a pod may run if there is room."""
    return tuple(node for node in nodes if meant(pods, node) and tolerated(pods, node))


def domains(nodes: Iterable[Node], key: str) -> set[str]:
    """The values of a topology key."""
    return {node.labels[key] for node in nodes if key in node.labels}


def about(term: Mapping[str, Any], owner: Pods, other: Pods, spaces: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a term of `owner`'s anti-affinity speaks of pods of `other`; `spaces` are labels of namespaces.

    Without namespaces and namespaceSelector it is about the owner's own namespace.
    """
    named, selected = listed(term, "namespaces"), term.get("namespaceSelector")
    if not named and selected is None:
        here = other.namespace == owner.namespace
    else:
        here = other.namespace in named or matches(selected, spaces.get(other.namespace, {}))
    return here and matches(term.get("labelSelector"), other.labels)
