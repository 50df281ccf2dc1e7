"""What looks for single checks find: plain data that a World keeps, free of every client library."""

from __future__ import annotations

import msgspec

from blueshift.discovery.world import ServerFact

GRANTED = "granted"


class Hosts(msgspec.Struct, frozen=True):
    """What is known of hosts beside their names."""

    unknown: dict[str, str] = {}
    """Host → why its name could not be looked up."""
    hostless: tuple[str, ...] = ()
    """Ingresses that serve whatever host a client asks for."""
    acknowledged: tuple[str, ...] = ()
    """Hosts (or `*.suffix`) of which the user says that they rightly point elsewhere."""
    requests: dict[str, float] = {}
    """Host → requests since the pods started, as their metrics count."""
    unmeasured: str = ""
    """Why there are no such counts."""

    def accepts(self, host: str) -> bool:
        """Whether the user has acknowledged that it stays."""
        return any(
            host == given or (given.startswith("*.") and host.endswith(given[1:]))
            for given in self.acknowledged
        )


class Ports(msgspec.Struct, frozen=True):
    """How the controller's pods take traffic beside Services, and which ways this machine lacks to these."""

    host_network: bool = False
    host_ports: tuple[int, ...] = ()
    unrouted: tuple[str, ...] = ()
    """Addresses of the external Service to which this machine has no route."""


class Instance(msgspec.Struct, frozen=True):
    """One external-dns that runs in this cluster."""

    workload: str
    """`namespace/name`."""
    sources: tuple[str, ...] = ()
    policy: str = ""
    registry: str = "txt"
    domains: tuple[str, ...] = ()
    """Domains that it keeps to; empty for all that its provider holds."""
    excluded: tuple[str, ...] = ()
    prefix: str = ""
    """Of its TXT names."""
    suffix: str = ""
    annotations: str = ""
    """The annotation prefix that it was told to read; its default changed in v0.22 (issue 6424 there)."""
    pattern: str = ""
    """`--regex-domain-filter`, which replaces the other filters."""


class Ownership(msgspec.Struct, frozen=True):
    """What was seen of external-dns."""

    instances: tuple[Instance, ...] = ()
    records: dict[str, str] = {}
    """Name → owner id in its TXT record."""


class Servers(msgspec.Struct, frozen=True):
    """One round of questions to every authoritative server."""

    servers: tuple[ServerFact, ...] = ()
    differences: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    """Servers none of whose addresses answered."""
    notes: tuple[str, ...] = ()
    """Addresses that were skipped or silent while another one of the same server answered."""


class Rights(msgspec.Struct, frozen=True):
    """What the server said to a signed update that changes nothing."""

    by_name: dict[str, str] = {}
    """Name → `granted`, or the refusal."""
    kind: str = ""
    """BADKEY, BADSIG, BADTIME, REFUSED, NOTAUTH where the whole try was turned down."""
    reason: str = ""
    hint: str = ""
    made_up: tuple[str, ...] = ()
    """Names that the server answers for without a record of that name and type in the zone."""
    ahead: float | None = None
    """Seconds by which this machine's clock is ahead of the server's; None where no signature told."""


class Denied(msgspec.Struct, frozen=True):
    """A rule that the user does not have."""

    verb: str
    resource: str
    """With its group, `deployments.apps`."""
    namespace: str
    why: str


class Permissions(msgspec.Struct, frozen=True):
    """What was asked and what of it is missing."""

    asked: int = 0
    denied: tuple[Denied, ...] = ()


class Hook(msgspec.Struct, frozen=True):
    """What was seen of a preStop hook."""

    programs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    pod: str = ""
    """Where it was tried."""
