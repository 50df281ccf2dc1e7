"""The shapes of objects that people write into files, as far as Blueshift reads them: the API server would
refuse others."""

from __future__ import annotations

from typing import Any

import msgspec

from blueshift.discovery.raw import Raw

Text = dict[str, str] | None


class Metadata(msgspec.Struct):
    """Of any object."""

    name: str
    namespace: str | None = None
    labels: Text = None
    annotations: Text = None


class Item(msgspec.Struct):
    """Any object."""

    kind: str
    metadata: Metadata
    apiVersion: str = "v1"  # noqa: N815  # as Kubernetes writes it


class _Port(msgspec.Struct):
    number: int | None = None
    name: str | None = None


class _Named(msgspec.Struct):
    name: str
    port: _Port | None = None


class _Backend(msgspec.Struct):
    service: _Named | None = None
    serviceName: str | None = None  # noqa: N815
    servicePort: int | str | None = None  # noqa: N815


class _Path(msgspec.Struct):
    backend: _Backend
    path: str | None = None
    pathType: str | None = None  # noqa: N815


class _Http(msgspec.Struct):
    paths: list[_Path] | None = None


class _Rule(msgspec.Struct):
    host: str | None = None
    http: _Http | None = None


class _Tls(msgspec.Struct):
    hosts: list[str] | None = None
    secretName: str | None = None  # noqa: N815


class _IngressSpec(msgspec.Struct):
    ingressClassName: str | None = None  # noqa: N815
    defaultBackend: _Backend | None = None  # noqa: N815
    backend: _Backend | None = None
    rules: list[_Rule] | None = None
    tls: list[_Tls] | None = None


class _Ingress(Item, kw_only=True):
    spec: _IngressSpec | None = None


class _ServicePort(msgspec.Struct):
    port: int
    name: str | None = None
    targetPort: int | str | None = None  # noqa: N815


class _ServiceSpec(msgspec.Struct):
    selector: Text = None
    ports: list[_ServicePort] | None = None


class _Service(Item, kw_only=True):
    spec: _ServiceSpec | None = None


class _Endpoint(msgspec.Struct):
    addresses: list[str] | None = None
    conditions: dict[str, bool | None] | None = None


class _Slice(Item, kw_only=True):
    endpoints: list[_Endpoint] | None = None


class _Subset(msgspec.Struct):
    addresses: list[dict[str, Any]] | None = None


class _Endpoints(Item, kw_only=True):
    subsets: list[_Subset] | None = None


class _Data(Item, kw_only=True):
    data: dict[str, str] | None = None
    stringData: Text = None  # noqa: N815


class _Container(msgspec.Struct):
    name: str
    image: str | None = None
    args: list[str] | None = None
    command: list[str] | None = None
    env: list[dict[str, Any]] | None = None


class _PodSpec(msgspec.Struct):
    containers: list[_Container] | None = None
    volumes: list[dict[str, Any]] | None = None


class _PodMetadata(msgspec.Struct):
    labels: Text = None
    annotations: Text = None


class _Template(msgspec.Struct):
    metadata: _PodMetadata | None = None
    spec: _PodSpec | None = None


class _WorkloadSpec(msgspec.Struct):
    replicas: int | None = None
    template: _Template | None = None


class _Workload(Item, kw_only=True):
    spec: _WorkloadSpec | None = None


_SHAPES: dict[str, type[Item]] = {
    "Ingress": _Ingress,
    "Service": _Service,
    "EndpointSlice": _Slice,
    "Endpoints": _Endpoints,
    "ConfigMap": _Data,
    "Secret": _Data,
    **dict.fromkeys(("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"), _Workload),
}


def wrong(item: Raw) -> str:
    """What is wrong with the shape of an object, with the path to it; empty for nothing."""
    kind = item.get("kind")
    try:
        msgspec.convert(item, _SHAPES.get(kind, Item) if isinstance(kind, str) else Item)
    except msgspec.ValidationError as error:
        return str(error)
    return ""
