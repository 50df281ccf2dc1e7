"""What the API server says when the objects of a revision are applied as a dry run."""

from __future__ import annotations

import msgspec


class Owned(msgspec.Struct, frozen=True):
    """A field that another manager owns and the revision would set otherwise."""

    object: str
    field: str
    manager: str


class Applied(msgspec.Struct, frozen=True):
    """One try of all objects, each as `PATCH ?dryRun=All&fieldManager=helm`."""

    conflicts: tuple[Owned, ...] = ()
    refused: dict[str, str] = {}
    """Object → why the API server would not take it."""
    deprecated: dict[str, str] = {}
    """Object → the API server's warning."""
    unserved: tuple[str, ...] = ()
    """Objects whose apiVersion this cluster does not serve, with it."""
    untried: dict[str, str] = {}
    """Object → why it could not be tried."""


class Drift(msgspec.Struct, frozen=True):
    """What differs between the running revision's manifest and the live objects."""

    fields: tuple[str, ...] = ()
    """`Deployment ns/name: spec.template…`, or that the object is gone."""
    unread: dict[str, str] = {}
    """Object → why it could not be compared."""
