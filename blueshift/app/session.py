"""A session: one configuration, one cluster, the drivers for both."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from blueshift.clock import Clock, SystemClock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.identity import Cluster
from blueshift.cluster.one_look import OneLook
from blueshift.controllers.profile import Profile, Workload
from blueshift.controllers.registry import known, recognise, refuse
from blueshift.controllers.registry import load as load_profile
from blueshift.dns.agreement import agreement, exactly
from blueshift.dns.authority import Directory, usable
from blueshift.dns.backend import DnsBackend
from blueshift.dns.key import KeySource
from blueshift.dns.records import RecordSet
from blueshift.dns.registry import backend as dns_backend
from blueshift.dns.wire import endpoint
from blueshift.engine.store import Runs
from blueshift.errors import BlueshiftError
from blueshift.helm.client import Helm
from blueshift.playbook.config import Config
from blueshift.shift.protocol import Landed
from blueshift.together import together


@dataclass(frozen=True)
class Session:
    """What commands work with."""

    config: Config
    clock: Clock
    kube: KubeApi
    cluster: Cluster
    helm: Helm
    dns: DnsBackend
    directory: Directory
    runs: Runs
    recursives: tuple[tuple[str, int], ...] = ()
    """Host and port of resolvers whose answers are shown."""

    def recognise(self, workload: Workload) -> Profile | None:
        """The profile that knows a workload: the one that the configuration names, or the surest.

        Raises BlueshiftError for a controller that no profile may upgrade.
        """
        refuse(workload)
        if self.config.controller.profile is None:
            found = recognise(workload)
            return found[0] if found else None
        profile = load_profile(self.config.controller.profile)
        return profile if profile.matches(workload) else None

    def one_look(self) -> Session:
        """The same, reading the cluster as it is within one look; no run may be carried with it."""
        kube = OneLook(self.kube)
        return replace(self, kube=kube, helm=self.helm.asking(kube))

    def knows(self, workload: Workload) -> Profile | None:
        """The profile of any controller of the cluster, also of one that no profile may upgrade."""
        return known(workload, self.config.controller.profile)

    async def agree(self, records: Sequence[RecordSet], *, every: float) -> Landed:
        """Whether every authoritative server serves exactly these record sets, three rounds in a row."""
        found = await agreement(exactly(records), self.directory, self.clock, every=every)
        return Landed(found.agreed, found.sentence, found.unknown)


@asynccontextmanager
async def connect(clock: Clock, *, kubeconfig: str | None, context: str | None) -> AsyncIterator[KubeApi]:
    """A cluster alone, for commands that only read runs."""
    kube = await KubeApi.connect(clock, kubeconfig=kubeconfig, context=context)
    try:
        yield kube
    finally:
        await kube.close()


@asynccontextmanager
async def known_runs(kubeconfig: Path | None, context: str | None, namespace: str) -> AsyncIterator[Runs]:
    """The runs of a cluster that are kept in `namespace`, for commands that need nothing beside them."""
    clock = SystemClock()
    path = str(kubeconfig) if kubeconfig else None
    async with connect(clock, kubeconfig=path, context=context) as kube:
        yield Runs(kube, clock, namespace)


@asynccontextmanager
async def open_session(
    config: Config, clock: Clock, *, kubeconfig: str | None = None, context: str | None = None
) -> AsyncIterator[Session]:
    """Open everything. Options win over the file. Changes nothing."""
    kubeconfig = kubeconfig or (str(config.cluster.kubeconfig) if config.cluster.kubeconfig else None)
    context = context or config.cluster.context
    async with connect(clock, kubeconfig=kubeconfig, context=context) as kube:
        kind = dns_backend(config.dns.backend)
        recursives = tuple(usable("dns.recursives", one, endpoint) for one in config.dns.recursives)
        secrets = await _secrets(kube, config)
        directory = Directory(config.dns.resolver, authorities=config.dns.authorities, zones=config.dns.zones)
        backend = kind.create(
            config.dns.settings,
            lambda namespace, name: secrets[namespace, name],
            clock,
            directory,
            zones=config.dns.zones,
        )
        cluster, helm = await together(kube.identity(), Helm.open(kube, clock))
        yield Session(
            config=config,
            clock=clock,
            kube=kube,
            cluster=cluster,
            helm=helm,
            dns=backend,
            directory=directory,
            runs=Runs(kube, clock, config.cluster.state_namespace),
            recursives=recursives,
        )


async def _secrets(kube: KubeApi, config: Config) -> dict[tuple[str, str], Mapping[str, bytes]]:
    """The Kubernetes Secret that the DNS key is in, read before the backend asks for it."""
    source = getattr(config.dns.settings, "key", None)
    if not isinstance(source, KeySource) or source.secret is None:
        return {}
    place = (source.secret.namespace, source.secret.name)
    found = await kube.find(paths.core("secrets", *place))
    if found is None:
        raise BlueshiftError(
            f"there is no Secret {place[0]}/{place[1]}",
            hint="`dns.settings.key.secret` in blueshift.yaml names the Secret with the TSIG key",
        )
    try:
        return {place: {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}}
    except (ValueError, TypeError, AttributeError):
        raise BlueshiftError(
            "its data is not base64, as every Secret's is",
            place=f"Secret {place[0]}/{place[1]}",
            hint="make it anew: `kubectl create secret generic NAME --from-file=key=FILE`",
        ) from None
