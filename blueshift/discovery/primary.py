"""The primary as the cluster and Helm show it: release, workload, Services, controller, hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.cluster.errors import Forbidden, NotFound
from blueshift.cluster.workloads import pods_of, ready_pods
from blueshift.discovery import ingresses as serving
from blueshift.discovery.owner import flux_release, owner
from blueshift.discovery.profile import Knowledge, Recognise
from blueshift.discovery.raw import Raw, containers, dig, listed
from blueshift.discovery.raw import namespace as namespace_of
from blueshift.discovery.seen import Ports
from blueshift.discovery.services import service_facts
from blueshift.discovery.settings import Settings
from blueshift.discovery.workload import KEDA, choose, scaled_object, scaler_of, workload_fact
from blueshift.discovery.world import ControllerFact, HostFact, ReleaseFact, ServiceFact, WorkloadFact
from blueshift.errors import BlueshiftError
from blueshift.helm import manifests
from blueshift.helm.records import ReleaseRecord, latest
from blueshift.together import together

WORKLOADS = {"Deployment": "deployments", "DaemonSet": "daemonsets"}


@dataclass(frozen=True)
class Primary:
    """What was found, raw objects included: nothing of them is kept in the World."""

    record: ReleaseRecord
    objects: tuple[dict[str, Any], ...]
    """Of the release's manifest, and its hooks."""
    raw: Raw
    """The workload."""
    pods: tuple[Raw, ...]
    """The ready ones."""
    known: Knowledge
    settings: Settings
    release: ReleaseFact
    workload: WorkloadFact
    controller: ControllerFact
    services: tuple[ServiceFact, ...]
    hosts: tuple[HostFact, ...]
    hostless: tuple[str, ...]
    ports: Ports
    served: tuple[Raw, ...]
    """The Ingresses that it serves."""
    ingress_classes: tuple[Raw, ...]
    """All of the cluster."""
    beside: tuple[Raw, ...]
    """The Services beside it."""
    unserved: str = ""
    """Why it is not known which Ingresses it serves."""


async def primary(
    kube: KubeApi, release: str, namespace: str, recognise: Recognise, *, hosts: bool = True
) -> Primary:
    """Look at a release. Raises BlueshiftError where there is none, or no controller that is known in it.

    Without `hosts` it does without the right to list Ingresses, and says so in `unserved`.
    """
    record = await latest(kube, namespace, release)
    if record is None:
        raise BlueshiftError(
            f"there is no Helm release {release} in namespace {namespace}",
            hint="`helm list -A` shows all; `release:` in blueshift.yaml names the one to upgrade",
        )
    objects = manifests.parse(record.manifest, f"manifest of {release}")
    hooks = [item for hook in record.hooks for item in manifests.parse(hook, f"a hook of {release}")]
    places = {manifests.key(item, namespace) for item in objects}
    unserved: list[str] = []

    async def routing(plural: str) -> list[dict[str, Any]]:
        try:
            return await kube.list(paths.apis("networking.k8s.io/v1", plural))
        except Forbidden as error:
            if hosts:
                raise
            unserved.append(error.message)
            return []

    found, services, scalers, classes, ingresses, flux = await together(
        _of_release(kube, places, WORKLOADS),
        _services(kube, places, namespace),
        _scalers(kube, places, namespace),
        routing("ingressclasses"),
        routing("ingresses"),
        _flux(kube),
    )
    workload = choose(found, recognise)
    known = recognise(workload) if workload else None
    if workload is None or known is None:
        images = sorted({str(one.get("image")) for item in found for one in containers(item)})
        raise BlueshiftError(
            f"no workload of the release {release} is an ingress controller that Blueshift knows "
            f"(images: {', '.join(images) or 'none'})",
            hint="`blueshift init` lists those of this cluster; for another controller write a profile "
            "(docs/configuration.md, `controller`) and name it by `controller.profile`",
        )
    config, pods, scaled = await together(
        _config(kube, known, workload), pods_of(kube, workload), _scaled(kube, workload, scalers)
    )
    settings = known.settings(workload, config)
    fronts = service_facts(services, workload)
    own_classes = serving.classes_of(classes, settings.controller)
    # By a part of what tells whose an Ingress is, others' would be among its own, or its own missing.
    served = () if unserved else serving.served(ingresses, own_classes, settings)
    return Primary(
        record=record,
        objects=(*objects, *hooks),
        raw=workload,
        pods=tuple(ready_pods(pods)),
        known=known,
        settings=settings,
        release=ReleaseFact(
            name=release,
            namespace=namespace,
            revision=record.revision,
            status=record.status,
            chart=record.chart_name,
            chart_version=record.chart_version,
            app_version=record.app_version,
            values_hash=record.values_hash,
            chart_hash=record.chart_hash,
            owner=owner([workload, *services]) or flux_release(flux, release, namespace),
        ),
        workload=workload_fact(workload, scalers, known.container_name(workload), scaled),
        controller=_controller(known, settings, own_classes, serving.published(served)),
        services=fronts,
        hosts=serving.host_facts(served, known.aliases),
        hostless=serving.hostless(served),
        ports=_ports(workload),
        served=served,
        ingress_classes=tuple(classes),
        beside=tuple(services),
        unserved="; ".join(unserved),
    )


def _controller(
    known: Knowledge, settings: Settings, classes: Sequence[str], published: tuple[str, ...]
) -> ControllerFact:
    return ControllerFact(
        profile=known.name,
        version=settings.version,
        controller=settings.controller,
        classes=tuple(sorted({*classes, settings.ingress_class} - {""})),
        watches=settings.watches,
        classless=settings.classless,
        metrics=settings.metrics,
        access_log=settings.access_log,
        proxy_protocol=settings.proxy_protocol,
        publishes=published,
    )


async def _of_release(
    kube: KubeApi, places: set[manifests.Key], plurals: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The live workloads of the release's manifest, in its order; what was deleted by hand is left out."""
    wanted = sorted(key for key in places if key.kind in plurals and key.group == "apps")
    found = await together(
        *(kube.find(paths.apis("apps/v1", plurals[key.kind], key.namespace, key.name)) for key in wanted)
    )
    return [item for item in found if item is not None]


async def _services(kube: KubeApi, places: set[manifests.Key], namespace: str) -> list[dict[str, Any]]:
    """All Services beside the workload: some people make the one in front of it themselves."""
    spaces = _spaces(places, namespace)
    lists = await together(*(kube.list(paths.core("services", space)) for space in spaces))
    return [item for items in lists for item in items]


async def _scalers(kube: KubeApi, places: set[manifests.Key], namespace: str) -> list[dict[str, Any]]:
    spaces = _spaces(places, namespace)
    lists = await together(
        *(kube.list(paths.apis("autoscaling/v2", "horizontalpodautoscalers", space)) for space in spaces)
    )
    return [item for items in lists for item in items]


def _spaces(places: set[manifests.Key], namespace: str) -> list[str]:
    """Namespaces of the workloads: `namespaceOverride` puts them elsewhere than the release."""
    return sorted({key.namespace for key in places if key.kind in WORKLOADS} or {namespace})


async def _scaled(kube: KubeApi, workload: Raw, scalers: Sequence[Raw]) -> Raw | None:
    """KEDA's object; where it is not ours to read, `cluster-rbac` says so before a run."""
    owner = scaled_object(scaler_of(workload, scalers))
    if not owner:
        return None
    try:
        return await kube.find(paths.apis(KEDA, "scaledobjects", namespace_of(workload), owner))
    except Forbidden:
        return None


async def _flux(kube: KubeApi) -> list[dict[str, Any]]:
    """HelmRelease objects of Flux; where its API is not served or not ours to list, there are none to see.

    The labels on the live objects tell too, so this is a second witness and no condition.
    """
    try:
        return await kube.list(paths.apis("helm.toolkit.fluxcd.io/v2", "helmreleases"))
    except (NotFound, Forbidden):
        return []


async def _config(kube: KubeApi, known: Knowledge, workload: Raw) -> Mapping[str, str]:
    place = known.config_map(workload)
    found = await kube.find(paths.core("configmaps", *place)) if place else None
    return dig(found or {}, "data") or {}


def _ports(workload: Raw) -> Ports:
    host_ports = [
        int(port["hostPort"])
        for container in containers(workload)
        for port in listed(container, "ports")
        if port.get("hostPort")
    ]
    network = bool(dig(workload, "spec", "template", "spec", "hostNetwork"))
    return Ports(host_network=network, host_ports=() if network else tuple(host_ports))
