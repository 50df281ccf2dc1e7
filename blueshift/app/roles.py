"""Least-privilege manifests for whoever runs, approves or looks: pure, from the rights that a run needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from blueshift.discovery.world import Right
from blueshift.engine import policy

Role = Literal["runner", "approver", "viewer"]
ROLES: tuple[Role, ...] = ("runner", "approver", "viewer")
Json = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
_LABELS = {"app.kubernetes.io/managed-by": "blueshift"}
_LOOKS = frozenset({"get", "list"})
_JOURNALS = "runs are shown"
_WORDS = "words to runs, which are never changed"


class Subject(msgspec.Struct, frozen=True):
    """Whom a role is bound to."""

    kind: Literal["User", "Group", "ServiceAccount"]
    name: str
    namespace: str = ""
    """Of a ServiceAccount."""

    def manifest(self) -> Json:
        """As a binding names it."""
        if self.kind == "ServiceAccount":
            return {"kind": self.kind, "name": self.name, "namespace": self.namespace}
        return {"apiGroup": RBAC, "kind": self.kind, "name": self.name}


class Prepared(msgspec.Struct, frozen=True):
    """The temporary's namespace, made before the run so that rights can be given in it alone."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def runner(
    rights: Sequence[Right],
    name: str,
    subjects: Sequence[Subject],
    *,
    spaces: Sequence[str],
    prepared: Prepared | None,
) -> list[Json]:
    """The runner's objects; `spaces` are namespaces to be made if they are missing."""
    return [*_spaces(spaces, prepared), *_roles(f"blueshift-runner-{name}", rights, subjects)]


def viewer(
    rights: Sequence[Right],
    name: str,
    subjects: Sequence[Subject],
    *,
    state: str,
    spaces: Sequence[str],
    prepared: Prepared | None,
) -> list[Json]:
    """What `status`, `history`, `show`, `plan` and `check` read: the runner's own rights that only look."""
    looks = [
        msgspec.structs.replace(right, verbs=tuple(verb for verb in right.verbs if verb in _LOOKS))
        for right in rights
        if not right.passed
        and right.resource != "pods/exec"
        and (right.namespace, right.resource) != (state, "secrets")
    ]
    return [*_spaces(spaces, prepared), *_roles(f"blueshift-viewer-{name}", looks, subjects)]


def _spaces(spaces: Sequence[str], prepared: Prepared | None) -> list[Json]:
    found = [_namespace(space) for space in spaces]
    if prepared is not None:
        found.append(_namespace(prepared.name, prepared.labels, prepared.annotations))
    return found


def approver(state: str, control: str, subjects: Sequence[Subject]) -> list[Json]:
    """What words to runs need, and the policy that holds them to their names."""
    rights = (
        Right(state, "", "configmaps", ("get", "list"), _JOURNALS),
        Right(control, "", "configmaps", ("create", "get", "list"), _WORDS),
    )
    return [
        _namespace(state),
        _namespace(control),
        *policy.manifests(control),
        *_roles("blueshift-approver", rights, subjects),
    ]


def _roles(name: str, rights: Iterable[Right], subjects: Sequence[Subject]) -> list[Json]:
    """A Role and its binding in each namespace, and the ClusterRole with its own."""
    by_space: dict[str, list[Right]] = {}
    for right in rights:
        if right.verbs:
            by_space.setdefault(right.namespace, []).append(right)
    return [item for space in sorted(by_space) for item in _role(name, space, by_space[space], subjects)]


def _role(name: str, space: str, rights: Sequence[Right], subjects: Sequence[Subject]) -> Iterable[Json]:
    kind = "Role" if space else "ClusterRole"
    metadata: Json = {"name": name, "labels": dict(_LABELS)}
    if space:
        metadata["namespace"] = space
    yield {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": merged(rights)}
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
        "subjects": [subject.manifest() for subject in subjects],
    }


def merged(rights: Iterable[Right]) -> list[Json]:
    """Rules of one Role: verbs of the same objects together, and resources with the same verbs."""
    whole: dict[tuple[str, str], set[str]] = {}
    named: dict[tuple[str, str, str], set[str]] = {}
    for right in rights:
        thing = (right.group, right.resource)
        if right.names:
            for name in right.names:
                named.setdefault((*thing, name), set()).update(right.verbs)
        else:
            whole.setdefault(thing, set()).update(right.verbs)
    rules: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (group, resource), verbs in sorted(whole.items()):
        rules.setdefault((group, tuple(sorted(verbs)), ()), []).append(resource)
    of_names: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, resource, name), verbs in sorted(named.items()):
        if left := tuple(sorted(verbs - whole.get((group, resource), set()))):
            of_names.setdefault((group, resource, left), []).append(name)
    for (group, resource, verbs_left), names in of_names.items():
        rules.setdefault((group, verbs_left, tuple(names)), []).append(resource)
    return [
        {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}
        | ({"resourceNames": list(names)} if names else {})
        for (group, verbs, names), resources in rules.items()
    ]


def _namespace(
    name: str, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
) -> Json:
    metadata: Json = {"name": name, "labels": {**_LABELS, **(labels or {})}}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
