"""What looks found of what acts on pods and writes from outside, or watches them: budgets, policies, meshes,
webhooks, Prometheus."""

from __future__ import annotations

import msgspec


class Budget(msgspec.Struct, frozen=True):
    """A PodDisruptionBudget that selects the primary's pods."""

    name: str
    """`namespace/name`."""
    least: str = ""
    """minAvailable."""
    most: str = ""
    """maxUnavailable."""


class Budgets(msgspec.Struct, frozen=True):
    """All of them."""

    budgets: tuple[Budget, ...] = ()


class Closed(msgspec.Struct, frozen=True):
    """A NetworkPolicy that admits the primary's pods and not the temporary's."""

    policy: str
    """`namespace/name`."""
    namespace: str
    by: str
    """How it knows the primary."""


class Policies(msgspec.Struct, frozen=True):
    """What NetworkPolicies mean for the temporary."""

    own: tuple[str, ...] = ()
    """Those that select the primary's pods and have no counterpart at the temporary's."""
    closed: tuple[Closed, ...] = ()
    barred: tuple[str, ...] = ()
    """Those that select the temporary's pods, where all of them together admit nobody."""


class Mesh(msgspec.Struct, frozen=True):
    """Signs of a service mesh around the primary."""

    name: str = ""
    signs: tuple[str, ...] = ()


class Webhook(msgspec.Struct, frozen=True):
    """An admission webhook behind which nothing answers."""

    kind: str
    configuration: str
    service: str
    """`namespace/name`."""
    why: str
    policy: str
    """failurePolicy."""
    resources: tuple[str, ...]
    """What it is asked about, of all that a run or users of Ingresses write."""
    certain: bool = True
    """No selector or condition of it could let these writes pass."""
    release: str = ""
    """`namespace/name` of the Helm release that made it."""


class Webhooks(msgspec.Struct, frozen=True):
    """All of them."""

    asked: int = 0
    """Webhooks with a Service that were looked at."""
    orphans: tuple[Webhook, ...] = ()


class Identity(msgspec.Struct, frozen=True):
    """Which cluster answered at the end of a look."""

    uid: str
    """Of the namespace kube-system."""


class StandIn(msgspec.Struct, frozen=True, omit_defaults=True):
    """The Prometheus that is to tell counters of pods that cannot be read."""

    url: str = ""
    """Empty where none is configured."""
    known: tuple[str, ...] = ()
    """Pods of the primary of which it has a recent sample."""
    lacking: tuple[str, ...] = ()
    behind: float = 0.0
    """Seconds: the age of the oldest of these samples, by this machine's clock."""
    unusable: str = ""
    """Why it could not be asked."""
