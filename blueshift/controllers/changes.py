"""What a controller does with changes of objects: what it is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from blueshift.discovery.raw import Raw
from blueshift.helm.manifests import Key

Effect = Literal["nothing", "dynamic", "reload", "new pods"]
"""`dynamic`: taken up by the running workers; `reload`: new workers, the old ones end; `new pods`: pods are
replaced, or come and go."""

EFFECTS: tuple[Effect, ...] = ("nothing", "dynamic", "reload", "new pods")
"""From what clients never feel to what they feel most."""


def worst(effects: Any) -> Effect:
    """The one of them that clients feel most; `nothing` for none."""
    return max(effects, key=EFFECTS.index, default="nothing")


class Rule(msgspec.Struct, frozen=True):
    """Why the controller does what it does."""

    id: str
    effect: Effect
    why: str
    source: str
    """File and function of the controller, or what else it follows from."""


class Reason(msgspec.Struct, frozen=True):
    """One part of a changed object, and what follows from it."""

    what: str
    effect: Effect
    why: str
    rule: str
    source: str


class Explained(msgspec.Struct, frozen=True):
    """One changed object."""

    object: str
    action: Literal["create", "change", "delete"]
    effect: Effect
    """The worst of the reasons'."""
    connections: str
    """What it does to those that are open."""
    reasons: tuple[Reason, ...]


class Change(msgspec.Struct, frozen=True):
    """An object before and after; None where it is not there."""

    key: Key
    old: Raw | None
    new: Raw | None

    @property
    def action(self) -> Literal["create", "change", "delete"]:
        """What happens to it."""
        if self.old is None:
            return "create"
        return "delete" if self.new is None else "change"


class Surroundings(msgspec.Struct, frozen=True):
    """What stands around the changes, before any of them."""

    objects: Mapping[Key, Raw]
    workload: Raw | None = None
    """The controller's; None where only assumptions are to be had."""
    version: str = ""
    """Of the controller; empty to go by image and labels."""
    classes: tuple[str, ...] = ()
    """IngressClasses that count as the controller's though they are not among the objects."""
    complete: bool = False
    """Whether a Service that is not among the objects does not exist."""


class Explanation(msgspec.Struct, frozen=True):
    """All changes, in the order in which they were given."""

    controller: str
    version: str
    assumed: tuple[str, ...]
    """What could not be seen, and was taken to be so."""
    effect: Effect
    """The worst of all."""
    connections: str
    """What that does to those that are open."""
    worker_shutdown_timeout: int
    """Seconds, as in force before the changes: it is that of the workers which a reload replaces."""
    grace: int
    """Seconds that a pod may take to end."""
    changes: tuple[Explained, ...]
