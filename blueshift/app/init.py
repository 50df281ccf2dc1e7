"""What `blueshift init` finds out, and the commented settings that it writes. No secret goes into them."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from blueshift.app.target import rebuildable
from blueshift.clock import Clock
from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.identity import Cluster
from blueshift.controllers.registry import known
from blueshift.discovery.controllers import Controllers, controllers
from blueshift.discovery.found import each
from blueshift.discovery.releases import Found, Pointing, listing, pointing
from blueshift.discovery.traffic import RELEASES_AT_ONCE, measured, shares
from blueshift.dns.authority import Directory
from blueshift.dns.key import KeySource
from blueshift.dns.resolver import query
from blueshift.dns.wire import has_route
from blueshift.errors import BlueshiftError
from blueshift.helm.charts import ChartRef, read_local
from blueshift.helm.records import latest
from blueshift.together import together

# Hosts that are looked up; `blueshift check` looks at all.
MOST_HOSTS = 500


class Candidate(msgspec.Struct, frozen=True):
    """A Helm release that holds an ingress controller."""

    found: Found
    chart: str
    chart_version: str
    revision: int
    status: str
    rate: float | None = None
    """Requests per second over the life of its pods; None where metrics do not tell."""
    share: float | None = None
    """Of the traffic of all releases, from 0 to 1; None where one of them is not measured."""
    unfit: str = ""
    """Why no command would take it, and under `remedy` what to do."""
    remedy: str = ""

    @property
    def name(self) -> str:
        """`namespace/release`."""
        return f"{self.found.release_namespace}/{self.found.release}"

    @property
    def said(self) -> str:
        """Its version, classes and addresses in one line."""
        found = self.found
        points = [point for one in found.services for point in (*one.addresses, one.hostname) if point]
        parts = [
            f"{found.profile} {found.version}".strip(),
            f"class {' and '.join(found.classes) or 'of its own'}",
            f"{len(found.hosts)} hosts{self._traffic}",
            f"at {', '.join(points) or 'no address of a load balancer'}",
        ]
        owned = f"; ATTENTION: {found.owner} owns it" if found.owner else ""
        return ", ".join(parts) + owned + (f"; ATTENTION: {self.unfit}" if self.unfit else "")

    @property
    def _traffic(self) -> str:
        if self.rate is None:
            return ""
        part = "" if self.share is None else f", {self.share:.0%} of all traffic"
        return f" ({self.rate:.1f} requests/s{part})"


class Survey(msgspec.Struct, frozen=True):
    """The ingress controllers of a cluster."""

    cluster: Cluster
    releases: tuple[Candidate, ...]
    """Those with most hosts first."""
    others: tuple[str, ...] = ()
    """Controllers that no Helm release holds, as `Deployment namespace/name`."""


class Zones(msgspec.Struct, frozen=True):
    """Where DNS leads for the hosts of a release."""

    where: Pointing
    primaries: dict[str, str]
    """Zone → the server that takes its updates, as its SOA names it (RFC 1035 §3.3.13); "" if unknown."""

    @property
    def server(self) -> str:
        """The one that most names are updated at; empty if none is known."""
        ranked = sorted(self.where.here.items(), key=lambda item: (-item[1], item[0]))
        return next((self.primaries[zone] for zone, _ in ranked if self.primaries.get(zone)), "")

    @property
    def said(self) -> str:
        """How many hosts point where, in one line."""
        where = self.where
        told = [
            f"{count} point here from {zone} "
            f"(updates go to {self.primaries.get(zone) or 'an unknown server'})"
            for zone, count in sorted(where.here.items())
        ]
        left = {"elsewhere": where.elsewhere, "nowhere": where.none, "could not be asked": where.unknown}
        told += [f"{len(hosts)} {how}" for how, hosts in left.items() if hosts]
        return ", ".join(told) or "there are no hosts"


async def survey(kube: KubeApi, clock: Clock) -> Survey:
    """Look at a cluster. Raises BlueshiftError where there is no controller that can be upgraded."""
    cluster, all_of_it = await together(kube.identity(), controllers(kube, known))
    if all_of_it.unseen:
        raise BlueshiftError(
            all_of_it.unseen, hint="where clients come in is read from the Services of all namespaces"
        )
    found = listing(all_of_it)
    seen = Survey(
        cluster,
        await _candidates(kube, clock, [one for one in found if one.release], all_of_it),
        tuple(f"{one.kind} {one.namespace}/{one.workload}" for one in found if not one.release),
    )
    if not found:
        raise BlueshiftError(
            f"no workload on {cluster.server} is an ingress controller that Blueshift knows",
            hint="name another cluster by --kubeconfig or --context, or see a run in a lab: "
            "`blueshift lab demo`",
        )
    if not seen.releases:
        raise BlueshiftError(
            f"no Helm release holds {', '.join(seen.others)}: Blueshift upgrades Helm releases",
            hint="install it by its chart under Helm first, or see a run in a lab: `blueshift lab demo`",
        )
    return seen


async def _candidates(
    kube: KubeApi, clock: Clock, found: Sequence[Found], seen: Controllers
) -> tuple[Candidate, ...]:
    by_workload = {one.workload: one for one in seen.found}

    async def rate(one: Found) -> float | None:
        of = by_workload[f"{one.kind} {one.namespace}/{one.workload}"]
        by_host, why = await measured(kube, clock, [of])
        return None if why else sum(by_host.values())

    every = await together(*(_candidate(kube, one) for one in found))
    rates = await each(rate, found, at_once=RELEASES_AT_ONCE)
    return tuple(
        msgspec.structs.replace(one, rate=told, share=part)
        for one, told, part in zip(every, rates, shares(rates), strict=True)
    )


async def _candidate(kube: KubeApi, found: Found) -> Candidate:
    record = await latest(kube, found.release_namespace, found.release)
    if record is None:
        return Candidate(found, "", "", 0, "without a record")
    seen = Candidate(found, record.chart_name, record.chart_version, record.revision, record.status)
    try:
        rebuildable(record, found.profile)
    except BlueshiftError as error:
        return msgspec.structs.replace(seen, unfit=error.message, remedy=error.hint or "")
    return seen


def matching(seen: Survey, release: str | None, namespace: str | None) -> tuple[Candidate, ...]:
    """The releases that go by these names. Raises BlueshiftError when there is none."""
    chosen = tuple(
        one
        for one in seen.releases
        if release in (None, one.found.release) and namespace in (None, one.found.release_namespace)
    )
    if not chosen:
        asked = [f"release {release}"] if release else []
        asked += [f"namespace {namespace}"] if namespace else []
        raise BlueshiftError(
            f"there is no ingress controller of {' in '.join(asked)}",
            hint=f"this cluster has: {', '.join(one.name for one in seen.releases)}",
        )
    return chosen


async def zones(directory: Directory, found: Found, clock: Clock) -> Zones:
    """Ask DNS where the hosts of a release lead, and who takes updates. Raises nothing."""
    where = await pointing(directory, found, MOST_HOSTS)
    names = tuple(where.here)
    servers = await together(*(_primary(directory, zone, clock) for zone in names))
    return Zones(where, dict(zip(names, servers, strict=True)))


async def _primary(directory: Directory, zone: str, clock: Clock) -> str:
    try:
        for server in await directory.servers(zone):
            if has_route(server.address):
                answer = await query(server.address, server.port, zone, "SOA", clock)
                if answer.values:
                    return answer.values[0].split()[0].rstrip(".")
    except BlueshiftError:
        return ""  # what cannot be found out is asked
    return ""


async def see_key(kube: KubeApi, source: KeySource) -> None:
    """See that the key can be read. Raises UnusableKey; a variable may be set elsewhere alone."""
    if source.env is not None:
        return
    data: Mapping[str, bytes] = {}
    if source.secret is not None:
        place = (source.secret.namespace, source.secret.name)
        found = await kube.find(paths.core("secrets", *place))
        if found is None:
            raise BlueshiftError(
                f"there is no Secret {place[0]}/{place[1]}",
                hint=f"`kubectl get secrets -n {place[0]}` shows those that are there",
            )
        data = {name: base64.b64decode(value) for name, value in (found.get("data") or {}).items()}
    source.load(lambda _namespace, _name: data)


def see_chart(ref: str, running: str) -> None:
    """See that a chart on this machine is one of the `running` name; others are fetched by `check`.

    Raises BlueshiftError.
    """
    if "://" in ref:
        return
    with tempfile.TemporaryDirectory(prefix="blueshift-") as scratch:
        chart = read_local(ChartRef(ref), Path(scratch))
    if chart.name != running:
        raise BlueshiftError(
            f"this is the chart {chart.name}, and the release was made from {running}",
            place=ref,
            hint="name the right chart: `--chart REF`",
        )


def fit(candidate: Candidate) -> None:
    """See that the other commands will take the release. Raises BlueshiftError with what to do first."""
    if candidate.unfit:
        raise BlueshiftError(candidate.unfit, place=candidate.name, hint=candidate.remedy)


def write(text: str, path: Path, *, force: bool) -> None:
    """Write a new file; another one's place is taken only with `force`. Raises BlueshiftError."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise BlueshiftError(
            f"cannot be written: {error.strerror}", place=str(path), hint="name another file: `-o FILE`"
        ) from None


def exists(path: Path) -> BlueshiftError:
    """The refusal to overwrite."""
    return BlueshiftError(
        "this file exists already",
        place=str(path),
        hint="see what it says with `blueshift check`, name another with `-o FILE`, or overwrite: --force",
    )
