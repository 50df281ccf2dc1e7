"""What must be allowed to whoever runs, approves or looks: one table, for the check and for `blueshift rbac`.

What the steps do themselves is in `RULES`, what only checks read in `LOOKS`. What Helm needs follows from the
objects that the releases render (`rendered`), and so do the rights that these objects pass on: who makes a
ClusterRole must hold its rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from blueshift.cluster.api import KubeApi
from blueshift.cluster.rules import NOWHERE
from blueshift.discovery.found import each
from blueshift.discovery.seen import Denied, Permissions
from blueshift.discovery.world import Right

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
    names: tuple[str, ...] = ()
    """Of these objects alone; with {primary}, {temporary}, {state}, {control} and {release} in them."""
    made: bool = False
    """Only where the run makes a namespace."""


_READ = ("get", "list")
_RBAC, _ADMISSION, _LEASES = (
    "rbac.authorization.k8s.io",
    "admissionregistration.k8s.io",
    "coordination.k8s.io",
)
_RECORDS = "Helm keeps its revisions in Secrets"
_LEFT = "nothing of the temporary may stay behind"
_SCALE = "the floor of replicas is raised"
_ROOM = "whether the pods of a run are admitted"
_CLAIM = "a name under a word is a claim unless a policy holds it to that"

RULES: tuple[Rule, ...] = (
    Rule("primary", "", "secrets", (*_READ, "create", "update", "delete"), _RECORDS),
    Rule("primary", "", "configmaps", ("get",), "the controller's settings; what its pods refer to"),
    Rule("primary", "", "services", _READ, "the addresses of the primary"),
    Rule("primary", "", "pods", _READ, "the rollout is watched"),
    Rule("primary", "", "pods/log", ("get",), "access logs show who is still served"),
    Rule("primary", "", "pods/proxy", ("get",), "metrics are read through the API server"),
    Rule("primary", "apps", "deployments", ("get", "patch"), _SCALE),
    Rule("primary", "apps", "daemonsets", ("get",), "the controller may be one"),
    Rule("primary", "autoscaling", "horizontalpodautoscalers", (*_READ, "patch"), _SCALE),
    Rule("primary", _LEASES, "leases", ("create",), "one run per release"),
    Rule("primary", _LEASES, "leases", ("get", "update", "delete"), "the same", ("blueshift-{release}",)),
    Rule("temporary", "", "secrets", (*_READ, "create", "update", "delete"), _RECORDS),
    Rule("temporary", "", "configmaps", (*_READ, "create", "delete"), "copies of what the pods refer to"),
    Rule("temporary", "", "services", _READ, "the addresses of the temporary"),
    Rule("temporary", "", "pods", _READ, "the rollout is watched"),
    Rule("temporary", "", "pods/log", ("get",), "access logs show who is served"),
    Rule("temporary", "", "pods/proxy", ("get",), "metrics are read through the API server"),
    Rule("temporary", "apps", "deployments", (*_READ, "patch"), _SCALE),
    Rule("temporary", "apps", "daemonsets", _READ, "the controller may be one"),
    Rule("temporary", "autoscaling", "horizontalpodautoscalers", (*_READ, "patch"), _SCALE),
    Rule("temporary", _LEASES, "leases", ("list", "delete"), _LEFT),
    Rule("state", "", "configmaps", (*_READ, "create", "update"), "the journal"),
    Rule("state", "", "secrets", ("get", "create"), "the run's inputs"),
    Rule("control", "", "configmaps", _READ, "approvals and other words are read"),
    Rule(
        "cluster",
        "",
        "namespaces",
        ("get",),
        "which cluster this is; labels that the temporary's namespace must have too",
        ("kube-system", "{primary}", "{temporary}", "{state}", "{control}"),
    ),
    Rule("cluster", "", "namespaces", ("create",), "the temporary gets one of its own", made=True),
    Rule("cluster", "", "namespaces", ("delete",), _LEFT, ("{temporary}",), made=True),
    Rule(
        "cluster",
        "networking.k8s.io",
        "ingresses",
        ("list", "create"),
        "hosts are found by their Ingresses; a hold tries, as a dry run, whether one can be written",
    ),
    Rule("cluster", "networking.k8s.io", "ingressclasses", ("list",), "classes tell whose an Ingress is"),
    Rule(
        "cluster",
        "apps",
        "deployments",
        ("list",),
        "an external-dns would take names back; another controller may serve the same class",
    ),
    Rule("cluster", "apps", "daemonsets", ("list",), "another controller may be one"),
    Rule("cluster", "apps", "statefulsets", ("list",), "an external-dns may be one"),
    Rule("cluster", _RBAC, "clusterroles", ("list",), _LEFT),
    Rule("cluster", _RBAC, "clusterrolebindings", ("list",), _LEFT),
    Rule("cluster", _ADMISSION, "validatingwebhookconfigurations", ("list",), _LEFT),
    Rule("cluster", _ADMISSION, "validatingadmissionpolicies", ("get",), _CLAIM, ("{control}-words",)),
    Rule("cluster", _ADMISSION, "validatingadmissionpolicybindings", ("get",), _CLAIM, ("{control}-words",)),
)

_IN_PODS = ("get", "create")
EXEC: tuple[Rule, ...] = (
    Rule("primary", "", "pods/exec", _IN_PODS, "configuration and connections are read in pods"),
    Rule("temporary", "", "pods/exec", _IN_PODS, "the same, to compare"),
)
"""Apart, as many clusters forbid it. WebSockets ask for `get`, from Kubernetes 1.35 on for `create` too."""


LOOKS: tuple[Rule, ...] = (
    Rule("primary", "", "resourcequotas", ("list",), _ROOM),
    Rule("primary", "", "limitranges", ("list",), _ROOM),
    Rule("primary", "policy", "poddisruptionbudgets", ("list",), "what a drained node takes along"),
    Rule("temporary", "", "resourcequotas", ("list",), _ROOM),
    Rule("temporary", "", "limitranges", ("list",), _ROOM),
    Rule(
        "cluster",
        "",
        "nodes",
        ("list",),
        "where pods may run, which images are there, which clients are nodes",
    ),
    Rule("cluster", "", "pods", ("list",), "what is free on the nodes; which clients are pods"),
    Rule(
        "cluster",
        "",
        "services",
        ("list",),
        "whether a webhook has one; who has a node port; where other groups are reached",
    ),
    Rule("cluster", "", "configmaps", ("get",), "whether nodes are added", ("cluster-autoscaler-status",)),
    Rule("cluster", "discovery.k8s.io", "endpointslices", ("list",), "whether a webhook is answered"),
    Rule("cluster", "networking.k8s.io", "networkpolicies", ("list",), "whom backends let in"),
    Rule("cluster", _ADMISSION, "mutatingwebhookconfigurations", ("list",), "one without an answer"),
)
"""What checks alone read. `cluster-rbac` does not ask for it: a check that lacks it was not looked, and that
stops no upgrade."""


def scaling(namespace: str, scaled_object: str) -> tuple[Right, ...]:
    """To raise the minimum of the primary's ScaledObject, where KEDA scales it."""
    if not scaled_object:
        return ()
    return (Right(namespace, "keda.sh", "scaledobjects", ("get", "patch"), _SCALE, (scaled_object,)),)


def spaces_of(primary: str, temporary: str, state: str) -> dict[Place, str]:
    """The namespaces of a run by place."""
    return {"primary": primary, "temporary": temporary, "state": state, "control": f"{state}-control"}


def at(
    rules: Iterable[Rule], spaces: Mapping[Place, str], release: str, *, prepared: bool
) -> tuple[Right, ...]:
    """The rules at their places; `prepared`: the temporary's namespace is there and stays (`PREPARED`)."""
    known = {"release": release} | {str(place): space for place, space in spaces.items()}
    return tuple(
        Right(
            "" if rule.place == "cluster" else spaces[rule.place],
            rule.group,
            rule.resource,
            rule.verbs,
            rule.why,
            tuple(dict.fromkeys(name.format(**known) for name in rule.names)),
        )
        for rule in rules
        if not (rule.made and prepared)
    )


async def permissions(kube: KubeApi, rights: Sequence[Right]) -> Permissions:
    """Ask the API server about every right.

    What no rule that it tells at once allows, it is asked for by itself (SelfSubjectAccessReview).
    """
    asked = list(dict.fromkeys(question for right in rights for question in _questions(right)))
    if await kube.can("*", "*", "*"):
        return Permissions(asked=len(asked))  # a cluster-admin has them all: one question instead of many
    spaces = list(dict.fromkeys(question.namespace or NOWHERE for question in asked))
    told = dict(zip(spaces, await each(kube.rules, spaces), strict=True))

    async def allowed(question: _Question) -> bool:
        rules = told[question.namespace or NOWHERE]
        if rules.allow(question.verb, question.group, question.resource, question.name):
            return True
        resource, _, sub = question.resource.partition("/")
        return await kube.can(
            question.verb,
            question.group,
            resource,
            namespace=question.namespace or None,
            name=question.name or None,
            subresource=sub or None,
        )

    why = {question: right.why for right in reversed(rights) for question in _questions(right)}
    answers = await each(allowed, asked)
    return Permissions(
        asked=len(asked),
        denied=tuple(
            Denied(
                one.verb,
                ".".join(part for part in (one.resource, one.group) if part)
                + (f"/{one.name}" if one.name else ""),
                one.namespace,
                why[one],
            )
            for one, ok in zip(asked, answers, strict=True)
            if not ok
        ),
    )


class _Question(msgspec.Struct, frozen=True):
    verb: str
    group: str
    resource: str
    namespace: str
    name: str


def _questions(right: Right) -> Iterator[_Question]:
    for verb in right.verbs:
        for name in right.names or ("",):
            yield _Question(verb, right.group, right.resource, right.namespace, name)
