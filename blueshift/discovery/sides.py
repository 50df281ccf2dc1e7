"""A side as it is in force: its workload with the ConfigMaps and Services beside it, live or rendered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from blueshift.cluster import paths
from blueshift.cluster.api import KubeApi
from blueshift.discovery import ingresses as serving
from blueshift.discovery.primary import WORKLOADS, Primary
from blueshift.discovery.profile import Knowledge
from blueshift.discovery.raw import Raw, annotated, mapped, name, namespace, pod_labels, ref, selects
from blueshift.discovery.seen_sides import Comparison, Running
from blueshift.discovery.settings import Side
from blueshift.discovery.workload import choose
from blueshift.discovery.world import Rendered
from blueshift.errors import BlueshiftError
from blueshift.helm import manifests
from blueshift.helm.charts import Chart
from blueshift.together import together

_PROXY = re.compile(
    r"[^=]*proxy-?protocol[^=]*=(?!(false|off|none|disabled)?$)|[^=]*=.*proxy_protocol_v2\.enabled=true",
    re.IGNORECASE,
)
"""Annotations (`name=value`) by which clouds switch PROXY headers on: by their name, or as an attribute."""


async def side(
    kube: KubeApi,
    known: Knowledge,
    workload: Raw,
    beside: Sequence[Raw],
    *,
    chart_version: str,
    chart_image: str,
    version: str = "",
) -> Side:
    """What is in force there; ConfigMaps that are not among the objects `beside` are read from the cluster.

    `version` is the controller's where it is known better than by image and labels. Raises ApiError where the
    controller's own ConfigMap may not be read; others that may not be are `unread`.
    """
    unread: dict[str, str] = {}

    async def other(place: str) -> Mapping[str, str]:
        try:
            return await _data(kube, beside, place)
        except BlueshiftError as error:
            unread[place] = error.message
            return {}

    own = "/".join(known.config_map(workload) or ())
    settings = known.settings(workload, await _data(kube, beside, own), version)
    template, *served = await together(other(settings.template), *map(other, settings.streams.values()))
    return Side(
        settings=settings,
        chart_version=chart_version,
        chart_image=chart_image,
        classes=serving.classes_of((one for one in beside if _is(one, "IngressClass")), settings.controller),
        streams={
            f"{kind} {port}": str(service)
            for kind, found in zip(settings.streams, served, strict=True)
            for port, service in sorted(found.items())
        },
        template_uses=known.template_uses("\n".join(template.values())),
        sends_proxy=_sends_proxy(beside, pod_labels(workload)),
        unread=unread,
    )


async def rendered_side(
    kube: KubeApi, known: Knowledge, objects: Sequence[Raw], namespace: str, chart: Chart
) -> Side:
    """The side that the rendered objects of a release would make.

    Raises BlueshiftError where the controller is not among them, and what `side` raises.
    """
    placed = [_placed(item, namespace) for item in objects]
    workload = choose((one for one in placed if one.get("kind") in WORKLOADS), known.container_name)
    if workload is None:
        raise BlueshiftError(f"no workload that the chart {chart.name} renders is a controller of this kind")
    image = known.default_image(chart.defaults, chart.app_version)
    return await side(kube, known, workload, placed, chart_version=chart.version, chart_image=image)


async def running(kube: KubeApi, found: Primary) -> Running:
    """The primary, its program asked for its version. Raises ApiError where settings may not be read."""
    release, unasked = await _release(kube, found)
    made = await side(
        kube,
        found.known,
        found.raw,
        found.beside,
        chart_version=found.record.chart_version,
        chart_image=found.known.default_image(mapped(found.record.chart, "values"), found.record.app_version),
        version=release,
    )
    prefix = made.settings.prefix
    return Running(
        side=made,
        release=release,
        unasked=unasked,
        unlogged=tuple(ref(one) for one in found.served if found.known.unlogged(one, prefix)),
    )


async def comparison(found: Primary, now: Running, target: Rendered) -> Comparison:
    """How the target would serve the primary's Ingresses. Raises BlueshiftError where it does not render."""
    if target.side is None:
        raise BlueshiftError(target.error or target.unseen or "the target was not looked at")
    return found.known.compare(now.side, target.side, found.served, found.ingress_classes)


async def _release(kube: KubeApi, found: Primary) -> tuple[str, str]:
    if not found.pods:
        return "", "no pod is ready to be asked"
    pod = found.pods[0]
    try:
        result = await kube.exec(
            namespace(pod), name(pod), found.known.release_command, container=found.workload.container
        )
    except BlueshiftError as error:
        return "", error.message
    release = found.known.release(result.stdout.decode(errors="replace"))
    return release, "" if release else f"{name(pod)} does not say its version"


async def _data(kube: KubeApi, beside: Sequence[Raw], place: str) -> Mapping[str, str]:
    """Of a ConfigMap, rendered or live; one that is nowhere is empty, as it is to the controller."""
    found = next((item for item in beside if _is(item, "ConfigMap") and ref(item) == place), None)
    space, _, called = place.partition("/")
    if found is None and called:
        found = await kube.find(paths.core("configmaps", space, called))
    # A chart may render a number or a boolean, which the API server would refuse and not we.
    return {key: str(value) for key, value in mapped(found or {}, "data").items()}


def _sends_proxy(objects: Sequence[Raw], labels: Mapping[str, str]) -> dict[str, str]:
    """Services to these pods whose load balancer is asked to send PROXY headers, as their annotations say."""
    sending: dict[str, str] = {}
    for item in objects:
        if not (_is(item, "Service") and selects(mapped(item, "spec", "selector"), labels)):
            continue
        for key, value in annotated(item).items():
            if _PROXY.match(f"{key}={value}"):
                sending.setdefault(ref(item), f"{key}: {value}")
    return sending


def _is(item: Raw, kind: str) -> bool:
    return item.get("kind") == kind


def _placed(item: Raw, space: str) -> dict[str, Any]:
    """With its namespace written out, as the API server will."""
    key = manifests.key(item, space)
    marks = {**mapped(item, "metadata")} | ({"namespace": key.namespace} if key.namespace else {})
    return {**item, "metadata": marks}
