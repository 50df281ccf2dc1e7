"""What a look found of other controllers that serve what the primary serves."""

from __future__ import annotations

import msgspec


class Other(msgspec.Struct, frozen=True):
    """Another ingress controller of the cluster that takes Ingresses by the same marks, where both watch."""

    workload: str
    """`Deployment namespace/name`."""
    release: str = ""
    """`namespace/name` of its Helm release; empty where none made it."""
    marks: tuple[str, ...] = ()
    """What both go by, for a person: the class, the annotation, no class at all."""
    ingresses: tuple[str, ...] = ()
    """`namespace/name` of each Ingress that both serve now."""
    idle: bool = False
    """Whether it is scaled to no pods."""
    temporary: bool = False
    """Whether it is the temporary release of a run."""


class Sharing(msgspec.Struct, frozen=True):
    """All controllers that a profile knows, held against the primary."""

    looked: int = 0
    """How many others there are."""
    others: tuple[Other, ...] = ()
    """Those that share something."""
