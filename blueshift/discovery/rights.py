"""What the run's user must be allowed to do, as one table, and what of it is missing."""

from __future__ import annotations

from typing import Literal

import msgspec

from blueshift.cluster.api import KubeApi
from blueshift.discovery.found import each
from blueshift.discovery.seen import Denied, Permissions

Place = Literal["primary", "temporary", "state", "control", "cluster"]


class Rule(msgspec.Struct, frozen=True):
    """One thing to be allowed, where, and what for."""

    place: Place
    """`cluster`: in all namespaces, or cluster-scoped."""
    group: str
    resource: str
    """`pods/log` for a subresource."""
    verbs: tuple[str, ...]
    why: str


_READ = ("get", "list")
_WRITE = ("create", "patch", "update", "delete")
_HELM = "Helm makes and removes the objects of a release"
_HOOKS = "the chart's hooks for its admission webhook are Jobs"
_RECORDS = "Helm keeps its revisions in Secrets"

# Not here by intent: kinds that only some values render (NetworkPolicy, ServiceMonitor) are Helm's to
# refuse before anything is applied.
RULES: tuple[Rule, ...] = (
    Rule("primary", "", "secrets", (*_READ, "create", "update", "delete"), _RECORDS),
    Rule("primary", "", "configmaps", (*_READ, "create", "patch"), _HELM),
    Rule("primary", "", "services", (*_READ, "patch"), _HELM),
    Rule("primary", "", "serviceaccounts", (*_READ, "create", "patch", "delete"), _HELM),
    Rule("primary", "", "pods", (*_READ, "watch"), "the rollout is watched"),
    Rule("primary", "", "pods/log", ("get",), "access logs show who is still served"),
    Rule("primary", "", "pods/proxy", ("get",), "metrics are read through the API server"),
    Rule("primary", "apps", "deployments", (*_READ, "watch", "create", "patch", "delete"), _HELM),
    Rule("primary", "apps", "daemonsets", (*_READ, "patch"), "the controller may be one"),
    Rule("primary", "batch", "jobs", (*_READ, "watch", "create", "delete"), _HOOKS),
    Rule("primary", "policy", "poddisruptionbudgets", (*_READ, "create", "patch", "delete"), _HELM),
    Rule(
        "primary",
        "autoscaling",
        "horizontalpodautoscalers",
        (*_READ, "patch"),
        "the floor of replicas is raised",
    ),
    Rule("primary", "rbac.authorization.k8s.io", "roles", (*_READ, "create", "patch", "delete"), _HELM),
    Rule(
        "primary", "rbac.authorization.k8s.io", "rolebindings", (*_READ, "create", "patch", "delete"), _HELM
    ),
    Rule(
        "primary",
        "coordination.k8s.io",
        "leases",
        ("get", "create", "update", "delete"),
        "one run per release",
    ),
    Rule("temporary", "", "secrets", (*_READ, *_WRITE), _RECORDS),
    Rule("temporary", "", "configmaps", (*_READ, *_WRITE), _HELM),
    Rule("temporary", "", "services", (*_READ, *_WRITE), _HELM),
    Rule("temporary", "", "serviceaccounts", (*_READ, *_WRITE), _HELM),
    Rule("temporary", "", "pods", (*_READ, "watch"), "the rollout is watched"),
    Rule("temporary", "", "pods/log", ("get",), "access logs show who is served"),
    Rule("temporary", "", "pods/proxy", ("get",), "metrics are read through the API server"),
    Rule("temporary", "apps", "deployments", (*_READ, "watch", *_WRITE), _HELM),
    Rule("temporary", "policy", "poddisruptionbudgets", (*_READ, *_WRITE), _HELM),
    Rule("temporary", "autoscaling", "horizontalpodautoscalers", (*_READ, *_WRITE), _HELM),
    Rule("temporary", "rbac.authorization.k8s.io", "roles", (*_READ, *_WRITE), _HELM),
    Rule("temporary", "rbac.authorization.k8s.io", "rolebindings", (*_READ, *_WRITE), _HELM),
    Rule(
        "temporary", "coordination.k8s.io", "leases", (*_READ, "delete"), "what the temporary's leader leaves"
    ),
    Rule("state", "", "configmaps", (*_READ, "create", "update", "delete"), "the journal"),
    Rule("state", "", "secrets", (*_READ, "create", "delete"), "the run's inputs"),
    Rule("control", "", "configmaps", _READ, "approvals and other words are read"),
    Rule(
        "cluster",
        "admissionregistration.k8s.io",
        "validatingadmissionpolicies",
        ("get",),
        "a name under a word is a claim unless a policy held it to that",
    ),
    Rule(
        "cluster",
        "admissionregistration.k8s.io",
        "validatingadmissionpolicybindings",
        ("get",),
        "the same",
    ),
    Rule("cluster", "", "namespaces", ("get", "create", "delete"), "the temporary gets one of its own"),
    Rule(
        "cluster",
        "networking.k8s.io",
        "ingresses",
        ("list", "create"),
        "hosts are found by their Ingresses; a hold tries, as a dry run, whether one can be written",
    ),
    Rule(
        "cluster",
        "networking.k8s.io",
        "ingressclasses",
        (*_READ, "patch"),
        "classes tell whose an Ingress is",
    ),
    Rule("cluster", "rbac.authorization.k8s.io", "clusterroles", (*_READ, *_WRITE), _HELM),
    Rule("cluster", "rbac.authorization.k8s.io", "clusterrolebindings", (*_READ, *_WRITE), _HELM),
    Rule(
        "cluster",
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        (*_READ, "create", "patch", "delete"),
        _HELM,
    ),
)

_IN_PODS = ("get", "create")
EXEC: tuple[Rule, ...] = (
    Rule("primary", "", "pods/exec", _IN_PODS, "configuration and connections are read in pods"),
    Rule("temporary", "", "pods/exec", _IN_PODS, "the same, to compare"),
)
"""Apart, as many clusters forbid it. WebSockets ask for `get`, from Kubernetes 1.35 on for `create` too."""


async def permissions(
    kube: KubeApi, namespaces: dict[Place, str], rules: tuple[Rule, ...] = RULES
) -> Permissions:
    """Ask the API server about every rule (SelfSubjectAccessReview); `namespaces` by place."""
    asked = [(rule, verb) for rule in rules for verb in rule.verbs]
    if await kube.can("*", "*", "*"):
        return Permissions(asked=len(asked))  # a cluster-admin has them all: one question instead of many

    async def allowed(question: tuple[Rule, str]) -> bool:
        rule, verb = question
        resource, _, sub = rule.resource.partition("/")
        namespace = namespaces.get(rule.place)
        return await kube.can(verb, rule.group, resource, namespace=namespace, subresource=sub or None)

    answers = await each(allowed, asked)
    return Permissions(
        asked=len(asked),
        denied=tuple(
            Denied(
                verb,
                ".".join(part for part in (rule.resource, rule.group) if part),
                namespaces.get(rule.place, ""),
                rule.why,
            )
            for (rule, verb), ok in zip(asked, answers, strict=True)
            if not ok
        ),
    )
