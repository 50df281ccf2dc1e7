"""What Helm needs for the objects of a release, and the rights that these objects pass on to pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from blueshift.cluster.versions import Served
from blueshift.discovery.placed import placed, plural
from blueshift.discovery.raw import Raw, listed
from blueshift.discovery.world import Right
from blueshift.helm import manifests
from blueshift.helm.manifests import Key

_HELM = "Helm makes, changes and removes the objects of a release"
_HOOK = "Helm makes and removes the chart's hooks, and waits for their Jobs"
_PASSED = "{} {} grants it, and who makes that must hold it"
_ROLES = ("Role", "ClusterRole")


def needed(old: Sequence[Raw], new: Sequence[Raw], namespace: str, served: Served) -> tuple[Right, ...]:
    """For the way from `old` (empty: an install) to `new` and back; hooks are among the objects.

    What is in both is changed; what is in one alone is made on one way and removed on the other. A change of
    a ClusterRole asks for all its rights (Kubernetes: prevention of privilege escalation), which is why
    `escalate` and `bind` are never among them.
    """
    before, after = _kept(old, namespace, served), _kept(new, namespace, served)
    rights: list[Right] = []
    for one in sorted(before.keys() | after.keys()):
        if one in before and one in after:
            rights.append(_right(one, served, ("get", "patch"), _HELM))
        else:
            rights += [
                _right(one, served, ("get", "patch", "delete"), _HELM),
                _right(one, served, ("create",), _HELM, named=False),
            ]
    hooks = (item for item in (*old, *new) if manifests.is_hook(item))
    for one in sorted({placed(manifests.key(item, namespace), served) for item in hooks}):
        rights += [
            _right(one, served, ("get", "patch", "delete"), _HOOK),
            _right(one, served, ("create",), _HOOK, named=False),
        ]
        if one.kind == "Job":
            rights.append(_right(one, served, ("list", "watch"), _HOOK, named=False))
    return tuple(dict.fromkeys((*rights, *passed_on((*old, *new), namespace))))


def passed_on(objects: Iterable[Raw], namespace: str) -> Iterator[Right]:
    """The rights that Roles and ClusterRoles among the objects grant."""
    for item in objects:
        if item.get("kind") not in _ROLES:
            continue
        key = manifests.key(item, namespace)
        why = _PASSED.format(key.kind, key.name)
        for rule in listed(item, "rules"):
            names = tuple(rule.get("resourceNames") or ())
            for group in rule.get("apiGroups") or ():
                for resource in rule.get("resources") or ():
                    verbs = tuple(rule["verbs"])
                    yield Right(key.namespace, group, resource, verbs, why, names, passed=True)


def _kept(objects: Iterable[Raw], namespace: str, served: Served) -> Mapping[Key, Raw]:
    kept = (item for item in objects if not manifests.is_hook(item))
    return {placed(manifests.key(item, namespace), served): item for item in kept}


def _right(key: Key, served: Served, verbs: tuple[str, ...], why: str, *, named: bool = True) -> Right:
    names = (key.name,) if named else ()
    return Right(key.namespace, key.group, plural(key, served), verbs, why, names)
