"""What a change of the controller's own workload does to its pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blueshift.controllers.changes import Change
from blueshift.controllers.ingress_nginx.workload import matches
from blueshift.discovery.quantity import quantity
from blueshift.discovery.raw import Raw, dig, mapped
from blueshift.errors import BlueshiftError

_BY = ("mountPath", "containerPort", "name")
"""Keys by which elements of a pod's lists are told apart."""


def reasons(change: Change) -> Iterator[tuple[str, str]]:
    """(what, id of the rule) for each part that differs."""
    if change.old is None or change.new is None:
        yield str(change.key), "workload"
        return
    old, new = mapped(change.old, "spec"), mapped(change.new, "spec")
    found = [(path, "pod-template") for path in sorted({*paths(old.get("template"), new.get("template"))})]
    before, after = (1 if one.get("replicas") is None else one["replicas"] for one in (old, new))
    if before != after:
        found.append((f"replicas: {before} to {after}", "replicas"))
    rest = {key for key in {*old, *new} - {"template", "replicas"} if old.get(key) != new.get(key)}
    found += [(key, "rollout") for key in sorted(rest)]
    yield from found or [("metadata, or how an amount is written", "rollout")]


def paths(old: Any, new: Any, at: str = "") -> Iterator[str]:
    """Where two values differ, as `spec.containers[controller].image`."""
    if old == new or _same_quantity(old, new, at):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {*old, *new}:
            yield from paths(old.get(key), new.get(key), f"{at}.{key}" if at else str(key))
        return
    named_old, named_new = _named(old), _named(new)
    if named_old is not None and named_new is not None:
        if list(named_old) != list(named_new) and named_old.keys() == named_new.keys():
            yield f"{at} (order)"
        for key in {*named_old, *named_new}:
            yield from paths(named_old.get(key), named_new.get(key), f"{at}[{key}]")
        return
    yield at


def _named(found: Any) -> dict[str, Raw] | None:
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        return None
    if not all(isinstance(one, Mapping) for one in found):
        return None
    by = next((key for key in _BY if all(key in one for one in found)), None)
    if by is None:
        return None
    named = {str(one[by]): one for one in found}
    return named if len(named) == len(found) else None


def _same_quantity(old: Any, new: Any, at: str) -> bool:
    """`1000m` and `1` of a CPU are one amount, and the API server writes it in its own way."""
    if ".resources." not in at or old is None or new is None:
        return False
    try:
        return quantity(old) == quantity(new)
    except BlueshiftError:
        return False


def is_controller(workload: Raw | None, change: Change) -> bool:
    """Whether a change is of the controller's own workload, or of one of another kind in its place."""
    if change.key.kind not in ("Deployment", "DaemonSet"):
        return False
    here = dig(workload or {}, "metadata", "namespace")
    if change.key.namespace != here:
        return False
    return dig(workload or {}, "metadata", "name") == change.key.name or matches(change.new or {}) is not None
