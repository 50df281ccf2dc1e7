"""What looks found of the room for pods: nodes, quotas, images, ports."""

from __future__ import annotations

from typing import Any

import msgspec


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a pod might run."""

    name: str
    labels: dict[str, str] = {}
    """Those alone that a rendered pod asks for."""
    taints: tuple[dict[str, Any], ...] = ()
    """Those that keep pods away: NoSchedule and NoExecute."""


class Ground(msgspec.Struct, frozen=True):
    """All nodes, and where the primary's ready pods are."""

    nodes: tuple[Node, ...] = ()
    pods: dict[str, int] = {}
    """Node → ready pods of the primary on it."""
    spaces: dict[str, dict[str, str]] = {}
    """Namespace → its labels, of the primary's and the temporary's."""


class Free(msgspec.Struct, frozen=True):
    """What pods that are there leave of a node's allocatable amounts (`quantity.whole`)."""

    cpu: int
    memory: int
    pods: int


class Room(msgspec.Struct, frozen=True):
    """What is free on each node."""

    free: dict[str, Free] = {}
    autoscaler: str = ""
    """What shows that nodes are added when pods do not fit; empty where nothing does."""


class Quota(msgspec.Struct, frozen=True):
    """What a ResourceQuota leaves."""

    name: str
    """`namespace/name`."""
    namespace: str
    left: dict[str, int] = {}
    """Resource → what is left of it (`quantity.whole`)."""
    scopes: tuple[str, ...] = ()
    """It counts pods of all these kinds alone."""


class Limits(msgspec.Struct, frozen=True):
    """One rule of a LimitRange."""

    name: str
    namespace: str
    type: str
    """`Container` or `Pod`."""
    least: dict[str, int] = {}
    most: dict[str, int] = {}
    limits: dict[str, int] = {}
    """For containers that say nothing."""
    requests: dict[str, int] = {}
    """The same."""


class Quotas(msgspec.Struct, frozen=True):
    """Of the namespaces in which a run makes pods."""

    quotas: tuple[Quota, ...] = ()
    limits: tuple[Limits, ...] = ()


class Image(msgspec.Struct, frozen=True):
    """An image that pods of a revision need."""

    image: str
    revision: str
    """`temporary` or `target`."""
    held: int
    """Nodes that have it, of those where the pods may run."""
    nodes: int
    always: bool = False
    """Its registry is asked at each start all the same (imagePullPolicy Always)."""
    secrets: tuple[str, ...] = ()
    """The pull secrets that the pods name."""
    missing: tuple[str, ...] = ()
    """Those of them that do not exist, as `namespace/name`."""


class Images(msgspec.Struct, frozen=True):
    """Every image of the temporary and of the target."""

    images: tuple[Image, ...] = ()


class Taken(msgspec.Struct, frozen=True):
    """Node ports that Services of this cluster have."""

    ports: dict[str, str] = {}
    """Port → `namespace/name` of the Service."""
