"""A file laid over a live object, as `kubectl apply` would: what the file does not name stays, unless an
earlier apply named it. So that the API server's own defaults are no difference."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from blueshift.discovery.raw import Raw, annotated, mapped

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_BY = ("mountPath", "containerPort", "port", "name")
"""Keys by which Kubernetes merges lists: of mounts, a container's ports, a Service's ports, all else."""


def laid_over(live: Raw, file: Raw) -> dict[str, Any]:
    """What a live object becomes. Text in `stringData` of a Secret becomes its data."""
    try:
        before = json.loads(annotated(live).get(LAST_APPLIED, "{}"))
    except ValueError:
        before = {}
    before = before if isinstance(before, Mapping) else {}
    result = _mapping(live, encoded(file), encoded(before))
    # Kubernetes keeps these itself.
    return {**result, "metadata": {**result["metadata"], "annotations": _marks(result)}}


def encoded(item: Raw) -> Raw:
    """A Secret as the API server keeps it; anything else as it is."""
    if item.get("kind") != "Secret" or not mapped(item, "stringData"):
        return item
    plain = {
        key: base64.b64encode(str(text).encode()).decode() for key, text in mapped(item, "stringData").items()
    }
    rest = {key: value for key, value in item.items() if key != "stringData"}
    return {**rest, "data": {**mapped(item, "data"), **plain}}


def _marks(item: Raw) -> dict[str, str]:
    return {key: value for key, value in annotated(item).items() if key != LAST_APPLIED}


def _over(live: Any, file: Any, before: Any) -> Any:
    if isinstance(live, Mapping) and isinstance(file, Mapping):
        return _mapping(live, file, before if isinstance(before, Mapping) else {})
    by = _merged_by(live, file)
    if by is None:
        return file
    had = {one.get(by): one for one in before} if _merged_by(before, file) == by else {}
    there = {one[by]: one for one in live}
    return [_over(there[one[by]], one, had.get(one[by], {})) if one[by] in there else one for one in file]


def _mapping(live: Raw, file: Raw, before: Raw) -> dict[str, Any]:
    kept = {key: value for key, value in live.items() if key in file or key not in before}
    named = {
        key: _over(live[key], value, before.get(key)) if live.get(key) is not None else value
        for key, value in file.items()
        if value is not None
    }
    dropped = {key for key, value in file.items() if value is None}
    return {**{key: value for key, value in kept.items() if key not in dropped}, **named}


def _merged_by(first: Any, second: Any) -> str | None:
    both = (first, second)
    if not all(isinstance(one, Sequence) and not isinstance(one, str) and one for one in both):
        return None
    items = [one for each in both for one in each]
    if not all(isinstance(one, Mapping) for one in items):
        return None
    return next((key for key in _BY if all(one.get(key) is not None for one in items)), None)
