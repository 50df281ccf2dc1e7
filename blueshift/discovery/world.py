"""The World: everything that checks, plans and a run's snapshot know of a cluster and its DNS at one moment.

Frozen and serialisable: a plan made from a saved World needs no cluster. It holds no credential: values
are redacted and Secrets in rendered differences are masked before they come in here.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from blueshift.cluster.identity import Cluster
from blueshift.discovery.pods import Pods, RenderedService
from blueshift.discovery.seen_apply import Applied
from blueshift.discovery.settings import Side
from blueshift.dns.records import RecordSet
from blueshift.errors import BlueshiftError
from blueshift.playbook import files

SCHEMA = 1

NameState = Literal["move", "elsewhere", "none", "proxied"]
Role = Literal["external", "internal"]


class ReleaseFact(msgspec.Struct, frozen=True):
    """The primary as Helm knows it."""

    name: str
    namespace: str
    revision: int
    status: str
    chart: str
    chart_version: str
    app_version: str
    values_hash: str
    chart_hash: str
    owner: str = ""
    """Who owns it beside Helm: `argocd:<app>`, `flux:<helmrelease>`, or empty."""


class ServiceFact(msgspec.Struct, frozen=True):
    """A Service by which clients reach a side."""

    name: str
    namespace: str
    uid: str
    role: Role
    type: str
    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    hostname: str = ""
    """Where the load balancer gives a name instead of addresses."""
    http: int = 80
    https: int = 443
    traffic_policy: str = "Cluster"

    @property
    def addresses(self) -> tuple[str, ...]:
        """All its addresses."""
        return self.ipv4 + self.ipv6


class WorkloadFact(msgspec.Struct, frozen=True):
    """The Deployment or DaemonSet of a side."""

    kind: str
    name: str
    namespace: str
    uid: str
    replicas: int
    ready: int
    image: str
    container: str
    args: tuple[str, ...]
    selector: dict[str, str]
    grace: int
    """terminationGracePeriodSeconds."""
    prestop: tuple[str, ...] = ()
    hpa: str = ""
    """Name of the HorizontalPodAutoscaler that scales it, if any."""
    hpa_min: int = 0
    scaled_object: str = ""
    """For which KEDA made that one: its own minimum counts, and KEDA puts the other's back."""
    sleeps: bool = False
    """Whether KEDA takes it to no pod at all when nothing comes, as while traffic is away."""
    generation: int = 0


class ControllerFact(msgspec.Struct, frozen=True):
    """What the profile read from the running controller."""

    profile: str
    version: str
    controller: str
    """`spec.controller` of its classes, `k8s.io/ingress-nginx`."""
    classes: tuple[str, ...]
    watches: str = ""
    """The one namespace that it watches; empty for all."""
    classless: bool = False
    """Whether it serves Ingresses without a class."""
    metrics: bool = True
    access_log: bool = True
    proxy_protocol: bool = False
    publishes: tuple[str, ...] = ()
    """Addresses in the status of its Ingresses."""


class HostFact(msgspec.Struct, frozen=True):
    """A host of the controller's Ingresses."""

    host: str
    ingresses: tuple[str, ...]
    """`namespace/name` of each."""
    paths: tuple[str, ...] = ()
    tls: bool = False


class NameFact(msgspec.Struct, frozen=True):
    """A DNS name by which hosts are reached: the last name of a CNAME chain, once for all its hosts."""

    name: str
    zone: str
    state: NameState
    hosts: tuple[str, ...]
    records: tuple[RecordSet, ...] = ()
    """The A and AAAA sets as the authority serves them."""
    why: str = ""
    here: bool = False
    """Whether it brings clients to the primary, also where it cannot be moved."""
    balancer: str = ""
    """The load balancer's own name, where this is it or an alias of it."""


class ServerFact(msgspec.Struct, frozen=True):
    """One address of an authoritative server of a zone."""

    zone: str
    name: str
    address: str
    serial: int | None = None
    unknown: str = ""
    """Why it did not answer, if it did not."""


class DnsFact(msgspec.Struct, frozen=True):
    """The zones at stake."""

    backend: str
    min_ttl: int
    servers: tuple[ServerFact, ...] = ()
    rights: dict[str, str] = {}
    """Name → what a signed no-op update answered: `granted`, or the refusal."""
    disagreements: tuple[str, ...] = ()


class ObjectChange(msgspec.Struct, frozen=True):
    """One object that a revision creates, changes or deletes, with a unified diff (Secrets masked)."""

    action: Literal["create", "change", "delete"]
    object: str
    difference: str = ""


class ValueChange(msgspec.Struct, frozen=True):
    """One Helm value that Blueshift sets, and why."""

    path: str
    old: str
    new: str
    reason: str


class Right(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that a user of the cluster is allowed."""

    namespace: str
    """Empty for all namespaces and for cluster-scoped kinds."""
    group: str
    resource: str
    """`pods/log` for a subresource."""
    verbs: tuple[str, ...]
    why: str
    names: tuple[str, ...] = ()
    """Of these objects alone."""
    passed: bool = False
    """Held because an object of a release passes it on to its pods."""


class Rendered(msgspec.Struct, frozen=True):
    """A revision before it is made: what it would change, or why it does not render."""

    chart: str = ""
    chart_version: str = ""
    app_version: str = ""
    values_hash: str = ""
    values: tuple[ValueChange, ...] = ()
    objects: tuple[ObjectChange, ...] = ()
    collisions: tuple[str, ...] = ()
    """Objects that exist and belong to somebody else."""
    fixed: tuple[str, ...] = ()
    """Of an install: addresses, ports and names that its objects ask for and only one release can have."""
    error: str = ""
    rights: tuple[Right, ...] = ()
    """What Helm needs for the objects, and what they pass on to pods."""
    pods: tuple[Pods, ...] = ()
    services: tuple[RenderedService, ...] = ()
    side: Side | None = None
    """What would be in force."""
    unseen: str = ""
    """Why that is not known, although it renders."""
    kube_version: str = ""
    """Versions of Kubernetes that the chart allows; empty for any."""
    source: str = ""
    """Where the chart comes from: `record`, or `repo URL`, `registry URL`, `path FOLDER`; empty: not kept."""
    immutable: tuple[str, ...] = ()
    """Fields that would change and must not, as `Deployment ns/name: spec.selector`."""
    readdressed: tuple[str, ...] = ()
    """Services that stay and lose their load balancer's address, as `Service ns/name`."""
    forgotten: tuple[str, ...] | None = None
    """Values that are set, that the running chart knows and this one does not; None: not compared."""
    strange: tuple[str, ...] = ()
    """Keys at the top of the values that this chart does not know, nor did the running one."""
    reused: bool = False
    """Whether the chart's defaults hold every value that is set, as `--reuse-values` leaves a record."""
    applied: Applied | None = None
    """What a try on the server said; None for an install, and where it was not tried."""

    def deletes(self, kind: str) -> tuple[str, ...]:
        """The objects of a kind that it deletes, as `Service ns/name`."""
        gone = (one.object for one in self.objects if one.action == "delete")
        return tuple(one for one in gone if one.startswith(f"{kind} "))


class World(msgspec.Struct, frozen=True):
    """One look."""

    taken: datetime
    cluster: Cluster
    release: ReleaseFact
    workload: WorkloadFact
    controller: ControllerFact
    services: tuple[ServiceFact, ...]
    hosts: tuple[HostFact, ...]
    names: tuple[NameFact, ...]
    dns: DnsFact
    temporary: Rendered
    harden: Rendered
    target: Rendered
    temporary_release: str
    temporary_namespace: str
    baseline: dict[str, int] = {}
    """Host → the worst status at its root over the primary's addresses that were asked; 0 for no answer."""
    findings: dict[str, Any] = {}
    """What single checks looked up, by check id."""
    quiesced: dict[str, Rendered] = {}
    """Side → the revision that ends its connections early, where the playbook makes one."""
    prepared: bool = False
    """The temporary's namespace was made for it beforehand, and stays."""
    schema: int = SCHEMA

    def moving(self) -> tuple[NameFact, ...]:
        """The names that a shift moves."""
        return moving(self.names)

    def service(self) -> ServiceFact:
        """The Service of which names are moved. Raises BlueshiftError if there is none."""
        if found := front(self.services):
            return found
        raise BlueshiftError(
            f"no Service leads to the pods of {self.release.name}",
            hint="`blueshift check --only cluster-lb-address` says what is needed",
        )


def contract(world: World) -> dict[str, Any]:
    """The fields that a plan stands or falls with: a change in any of them makes it stale."""
    target = [world.target.chart, world.target.chart_version, world.target.values_hash]
    return {**standing(world.cluster, world.release, world.services, world.names), "target": target}


def standing(
    cluster: Cluster, release: ReleaseFact, services: Sequence[ServiceFact], names: Sequence[NameFact]
) -> dict[str, Any]:
    """Those of them that somebody else may change while a person reads the plan."""
    return {
        "cluster": cluster.uid,
        "release": f"{release.namespace}/{release.name}",
        "revision": release.revision,
        "values": release.values_hash,
        "chart": release.chart_hash,
        "services": {service.name: [service.uid, *sorted(service.addresses)] for service in services},
        "names": {
            name.name: [[record.type, record.ttl, *record.values] for record in name.records]
            for name in moving(names)
        },
    }


def front(services: Iterable[ServiceFact]) -> ServiceFact | None:
    """The Service by which clients come, and of whose addresses names are moved.

    The external one, also where it is beside an internal one; of a release that clients of a private network
    alone may reach (`controller.service.external.enabled: false`, or an external Service of type ClusterIP)
    the internal one.
    """
    return min(services, key=_rank, default=None)


def _rank(service: ServiceFact) -> tuple[bool, str, bool, bool, str]:
    reached = bool(service.addresses or service.hostname)
    return (
        service.type == "ClusterIP",
        service.role,
        service.type != "LoadBalancer",
        not reached,
        service.name,
    )


def moving(names: Sequence[NameFact]) -> tuple[NameFact, ...]:
    """The names that a shift moves."""
    return tuple(name for name in names if name.state == "move")


def contract_hash(world: World) -> str:
    """SHA-256 of the contract's canonical JSON."""
    text = msgspec.json.encode(contract(world), order="deterministic")
    return hashlib.sha256(text).hexdigest()


def save(world: World, path: Path) -> None:
    """Write a World as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(world)))


def load(path: Path) -> World:
    """Read a saved World. Raises BlueshiftError with the place for a file that is not one."""
    again = "`blueshift plan --save-world FILE` writes one"
    data = files.read(path, most=files.MOST_SAVED, hint=again)
    try:
        world = msgspec.json.decode(data, type=World)
        for service in world.services:
            for address in (*service.ipv4, *service.ipv6):
                ipaddress.ip_address(address)
        return world
    except (ValueError, RecursionError) as error:  # msgspec's are ValueErrors
        raise BlueshiftError(f"this is not a saved World: {error}", place=str(path), hint=again) from None
