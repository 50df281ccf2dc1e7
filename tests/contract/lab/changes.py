"""What there is before each change that is explained and made, and the changes: one row each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.contract.lab.edge import ingress, secret

Object = dict[str, Any]
Change = Callable[[Mapping[str, Object]], Object]
NAMES = ("web", "second", "reserve", "marker", "stream", "third", "fourth")
PREFIX = "nginx.ingress.kubernetes.io/"
CONFIG = "main-ingress-nginx-controller"


class Row(NamedTuple):
    """A change, and what the controller does with it."""

    name: str
    effect: str
    change: Change
    delete: bool = False
    """The object is deleted and not applied."""
    back: bool = True
    """Whether it can be known what taking it back does."""
    unseen: bool = False
    """What is sent to the Lua of TCP ports cannot be asked for: only that nothing was reloaded is seen."""
    waits: bool = False
    """Any other change takes it along."""


def service(name: str, port: int = 80) -> Object:
    """A Service whose endpoints are written by hand."""
    spec = {"ports": [{"name": "http", "port": port, "targetPort": 8080}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _in_shop(name), "spec": spec}


def slice_of(name: str, *addresses: str) -> Object:
    """The endpoints of a Service."""
    metadata = _in_shop(f"{name}-1", {"kubernetes.io/service-name": name})
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [one], "conditions": {"ready": True}} for one in addresses],
    }


def config_map(name: str, data: Mapping[str, str], namespace: str = "shop") -> Object:
    """A ConfigMap."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def _in_shop(name: str, labels: Mapping[str, str] | None = None) -> Object:
    return {"name": name, "namespace": "shop", **({"labels": dict(labels)} if labels else {})}


def base(pairs: Mapping[str, tuple[bytes, bytes]]) -> dict[str, Object]:
    """By short names; `pairs` are certificates with their keys."""
    tls = {
        name: secret(name, {"tls.crt": cert, "tls.key": key}, "kubernetes.io/tls")
        for name, (cert, key) in pairs.items()
        if name != "ca"
    }
    services = {f"service {name}": service(name) for name in NAMES}
    slices = {
        f"slice {name}": slice_of(name, f"198.18.200.{number}") for number, name in enumerate(NAMES, start=1)
    }
    ingresses = {
        "web": ingress("web", "a.test", paths=[("/api", "Prefix")], service="web"),
        "exact": ingress("exact", "exact.test", paths=[("/only", "Exact")], service="web"),
        "tls": ingress("tls", "tls.test", secret="cert", service="web"),
        "auth": ingress("auth", "auth.test", {"auth-type": "basic", "auth-secret": "users"}, service="web"),
        "mutual": ingress("mutual", "mutual.test", {"auth-tls-secret": "shop/ca"}, service="web"),
        "allowed": ingress(
            "allowed",
            "allowed.test",
            {"whitelist-source-range": "192.0.2.0/24,198.51.100.0/24"},
            service="web",
        ),
        "regex": ingress(
            "regex", "regex.test", {"use-regex": "true"}, paths=[("/item/[0-9]+", "Prefix")], service="web"
        ),
        "shared": ingress("shared", "shared.test", service="third"),
        "spare": ingress("spare", "spare.test", {"default-backend": "reserve"}, service="second"),
        "outer": ingress("outer", "outer.test", {"auth-url": "http://198.18.200.9/check"}, service="web"),
        "inner": ingress(
            "inner",
            "inner.test",
            {"backend-protocol": "HTTPS", "proxy-ssl-secret": "shop/plain"},
            service="web",
        ),
        "marker": ingress("marker", "marker.test", service="marker"),
    }
    return {
        **services,
        **slices,
        **tls,
        "ca": secret("ca", {"ca.crt": pairs["ca"][0]}),
        "users": secret("users", {"auth": b"ann:$apr1$12345678$Q1qQ1qQ1qQ1qQ1qQ1qQ1q."}),
        "loose": secret("loose", {"key": b"one"}),
        "loose map": config_map("loose", {"key": "one"}),
        "extra": config_map("extra", {"X-One": "1"}),
        **ingresses,
    }


def annotated(name: str, **marks: str) -> Change:
    """An Ingress with annotations more; `_` stands for `-`."""

    def change(there: Mapping[str, Object]) -> Object:
        item = copy.deepcopy(there[name])
        for key, value in marks.items():
            item["metadata"]["annotations"][PREFIX + key.replace("_", "-")] = value
        return item

    return change


def edited(name: str, edit: Callable[[Object], object]) -> Change:
    """An object with an edit."""

    def change(there: Mapping[str, Object]) -> Object:
        item = copy.deepcopy(there[name])
        edit(item)
        return item

    return change


def new(item: Object) -> Change:
    """An object that was not there."""
    return lambda _there: item


def setting(**values: str) -> Change:
    """Settings of the controller more; `_` stands for `-`."""
    return edited(
        "config", lambda item: item["data"].update({k.replace("_", "-"): v for k, v in values.items()})
    )


def path(item: Object) -> Object:
    """The first path of an Ingress."""
    found: Object = item["spec"]["rules"][0]["http"]["paths"][0]
    return found


def rule(item: Object, host: str) -> None:
    """A further host with the same paths."""
    item["spec"]["rules"].append({**copy.deepcopy(item["spec"]["rules"][0]), "host": host})


def of_class(item: Object, name: str | None) -> Object:
    """The same Ingress with another class or none."""
    spec = {key: value for key, value in item["spec"].items() if key != "ingressClassName"}
    return {**item, "spec": {**spec, **({"ingressClassName": name} if name else {})}}


MARKS = {"canary": "true", "canary-weight": "30"}
