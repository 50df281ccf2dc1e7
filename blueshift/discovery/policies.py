"""What NetworkPolicies mean for a second release beside the primary.

Policies add up: what one of those that select a pod admits is admitted (networking/v1, NetworkPolicySpec).
Whether the cluster's network enforces them at all is not to be seen from here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery.apply import RELEASE_NAME
from blueshift.discovery.raw import Raw, annotated, dig, listed, mapped, matches, namespace, ref
from blueshift.discovery.seen_neighbours import Closed, Policies

POLICIES = paths.apis("networking.k8s.io/v1", "networkpolicies")
_EVERYBODY = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class Side:
    """Pods as policies see them."""

    namespace: str
    space: Mapping[str, str]
    """Labels of the namespace."""
    pods: Sequence[Mapping[str, str]]
    """Labels of the pods, one for each kind of them."""


async def policies(kube: KubeApi, primary: Side, temporary: Side, release: str) -> Policies:
    """Look at the policies of all namespaces; the temporary's chart renders those of `release` anew.

    Raises Forbidden.
    """
    found = [one for one in await kube.list(POLICIES) if _about(one, "Ingress")]
    of_temporary = [one for one in found if _selects(one, temporary)]
    own = [
        one
        for one in found
        if _selects(one, primary) and one not in of_temporary and annotated(one).get(RELEASE_NAME) != release
    ]
    barred = [] if any(listed(one, "spec", "ingress") for one in of_temporary) else of_temporary
    return Policies(
        own=tuple(map(ref, own)),
        closed=tuple(_closed(found, primary, temporary)),
        barred=tuple(map(ref, barred)),
    )


def _about(policy: Raw, direction: str) -> bool:
    types = listed(policy, "spec", "policyTypes") or ("Ingress",)
    return direction in types


def _selects(policy: Raw, side: Side) -> bool:
    selector = mapped(policy, "spec", "podSelector")
    return namespace(policy) == side.namespace and any(matches(selector, pod) for pod in side.pods)


def _closed(found: Sequence[Raw], primary: Side, temporary: Side) -> Iterator[Closed]:
    by_space: dict[str, list[Raw]] = {}
    for policy in found:
        by_space.setdefault(namespace(policy), []).append(policy)
    for space, here in by_space.items():
        for policy in here:
            by = _admits(policy, primary)
            if by and not any(_admits(one, temporary) for one in here if _covers(one, policy)):
                yield Closed(ref(policy), space, by)


def _covers(one: Raw, other: Raw) -> bool:
    """Whether a policy surely selects all pods of the other: it selects every pod, or says the same."""
    selector = mapped(one, "spec", "podSelector")
    return not any(selector.values()) or selector == mapped(other, "spec", "podSelector")


def _admits(policy: Raw, side: Side) -> str:
    """By which peer a policy admits the side's pods; empty where it does not.

    Its ports are not compared. Address blocks are not counted, apart from those of everybody: whether a pod
    is seen by its address depends on the network.
    """
    for rule in listed(policy, "spec", "ingress"):
        if not rule.get("from"):
            return "everybody"
        for peer in rule["from"]:
            if _is(peer, policy, side):
                return _told(peer)
    return ""


def _is(peer: Raw, policy: Raw, side: Side) -> bool:
    if "ipBlock" in peer:
        return dig(peer, "ipBlock", "cidr") in _EVERYBODY and not dig(peer, "ipBlock", "except")
    if "namespaceSelector" in peer:
        here = matches(peer["namespaceSelector"] or {}, side.space)
    else:
        here = namespace(policy) == side.namespace
    pods = peer.get("podSelector")
    return here and ("podSelector" not in peer or any(matches(pods or {}, one) for one in side.pods))


def _told(peer: Raw) -> str:
    return ", ".join(f"{key} {json.dumps(value, sort_keys=True)}" for key, value in sorted(peer.items()))
