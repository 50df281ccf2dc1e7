"""Who owns a field: what we set for a while must not stand in the way of its owner's next apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from blueshift.cluster.errors import Conflict, Invalid

if TYPE_CHECKING:  # client libraries that a plan does not need
    from blueshift.cluster.api import KubeApi

# The object may change between our look and our write: a status, mostly.
_TRIES = 5


def owns(found: Mapping[str, Any]) -> bool:
    """Whether we own any field of an object."""
    from blueshift.cluster.api import MANAGER

    return any(one["manager"] == MANAGER for one in found.get("metadata", {}).get("managedFields") or ())


async def disown(kube: KubeApi, path: str) -> None:
    """Give up every field of an object that we own; values stay as they are.

    Helm 4 applies on the server: a field that a plain patch of ours changed, even there and back, makes the
    user's next `helm upgrade` to another value fail with a conflict. Raises Conflict or Invalid when the
    object changes faster than we can write.
    """
    from blueshift.cluster.api import MANAGER

    for left in reversed(range(_TRIES)):
        found = await kube.get(path)
        if not owns(found):
            return
        kept = [one for one in found["metadata"]["managedFields"] if one["manager"] != MANAGER]
        change = [
            {
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": found["metadata"]["resourceVersion"],
            },
            # An empty list would be taken as "leave as it is" (server-side apply: clearing managedFields).
            {"op": "replace", "path": "/metadata/managedFields", "value": kept or [{}]},
        ]
        try:
            await kube.patch(path, change, "json")
            return
        except (Conflict, Invalid):
            if not left:
                raise
