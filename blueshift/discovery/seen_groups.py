"""Traffic groups as a look found them: each ingress controller with what tells it from others."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Group(msgspec.Struct, frozen=True):
    """One controller: a Helm release, or a workload that none made."""

    name: str
    """That of the settings (`groups`), else its classes, else its release or workload."""
    named: bool
    """Whether the settings name it."""
    release: str
    """`namespace/name` of its Helm release; empty where none made it."""
    workloads: tuple[str, ...]
    """`Deployment namespace/name`; a chart can make both kinds at once."""
    profile: str
    version: str
    classes: tuple[str, ...]
    """Values of `spec.ingressClassName` that it takes."""
    annotation: str
    """Value of the old annotation that it takes; empty for none."""
    watches: str
    """The one namespace that it watches; empty for all."""
    classless: bool
    """Whether it takes Ingresses without a class."""
    hosts: tuple[str, ...]
    unclassed: tuple[str, ...]
    """`namespace/name` of the Ingresses without a class that it takes."""
    noted: tuple[str, ...]
    """Of those that it takes by the old annotation."""
    addresses: tuple[str, ...]
    """Of its load balancers; names where they have no addresses."""
    idle: bool = False
    """Whether it is scaled to no pods."""
    run: str = ""
    """The run of which it is the temporary release."""
    revision: int | None = None
    """Of its Helm release; None where that may not be read."""
    digests: dict[str, str] = {}
    """Workload, Service, IngressClass → a digest of its spec and, of a Service, of its addresses. The number
    of replicas is left out: autoscalers write it."""

    @property
    def who(self) -> str:
        """Name and release as a sentence has them."""
        return f"{self.name} ({self.release or self.workloads[0]})"


class Groups(msgspec.Struct, frozen=True):
    """All of a cluster."""

    groups: tuple[Group, ...] = ()
    unseen: str = ""
    """Why the addresses are not known."""
    unserved: dict[str, str] = {}
    """IngressClass → its controller, where none of the groups is that."""

    def others(self, release: str) -> tuple[Group, ...]:
        """All but the release `namespace/name`, and temporary releases, which come and go."""
        return tuple(one for one in self.groups if one.release != release and not one.run)


def changes(before: Group, now: Group | None) -> Iterator[str]:
    """What is no longer as it was."""
    if now is None:
        yield "it is gone"
        return
    if None not in (before.revision, now.revision) and before.revision != now.revision:
        yield f"revision {before.revision} → {now.revision}"
    for what in sorted({*before.digests, *now.digests}):
        if what not in now.digests:
            yield f"{what} is gone"
        elif what not in before.digests:
            yield f"{what} is new"
        elif before.digests[what] != now.digests[what]:
            yield f"{what} is another"
