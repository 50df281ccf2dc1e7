"""Where a balancer's address and port lead, and how long a pod that ends is still sent to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

from blueshift.lab.loadbalancer import Service, addresses_of

Slice = Mapping[str, Any]
"""An EndpointSlice (discovery.k8s.io/v1)."""


class Front(NamedTuple):
    """What clients connect to."""

    address: str
    protocol: str
    """`tcp` or `udp`."""
    port: int
    announced: bool = False
    """Its Service asks that pods are told the client, by a PROXY header."""


ANNOUNCED = "lab.blueshift.dev/proxy-protocol"
"""Annotation of a Service that asks for it, as clouds have one each."""


class Backend(NamedTuple):
    """A pod's address and port."""

    address: str
    port: int


Ready = Mapping[Front, frozenset[Backend]]
Table = Mapping[Front, tuple[Backend, ...]]


def ready(services: Iterable[Service], slices: Iterable[Slice]) -> Ready:
    """The ready pods of every port of every Service that has balancer addresses, of each address's family."""
    by_service: dict[tuple[str, str], list[Slice]] = {}
    for one in slices:
        metadata = one["metadata"]
        owner = metadata.get("labels", {}).get("kubernetes.io/service-name", "")
        by_service.setdefault((metadata["namespace"], owner), []).append(one)
    found: dict[Front, frozenset[Backend]] = {}
    for service in services:
        metadata = service["metadata"]
        own = by_service.get((metadata["namespace"], metadata["name"]), [])
        announced = metadata.get("annotations", {}).get(ANNOUNCED) == "true"
        for address in addresses_of(service):
            family = f"IPv{ip_address(address).version}"
            within = [one for one in own if one["addressType"] == family]
            for port in service["spec"]["ports"]:
                front = Front(address, port.get("protocol", "TCP").lower(), port["port"], announced)
                found[front] = frozenset(_ready_of(within, port.get("name", "")))
    return found


def _ready_of(slices: Iterable[Slice], name: str) -> Iterator[Backend]:
    for one in slices:
        ports = [port["port"] for port in one.get("ports") or () if (port.get("name") or "") == name]
        for endpoint in one.get("endpoints") or ():
            # Absent means ready (EndpointConditions); a pod that ends is not.
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                for port in ports:
                    yield Backend(endpoint["addresses"][0], port)


class Backends:
    """Takes pods in at once, and leaves them out `lag` seconds after they were last ready."""

    def __init__(self, lag: float) -> None:
        self._lag = lag
        self._ready: Ready = {}
        self._leaving: dict[Front, dict[Backend, float]] = {}
        """When each is left out."""

    def settle(self, ready: Ready, now: float) -> tuple[Table, float | None]:
        """Where connections that begin now go, and when that changes next by itself (None: never)."""
        for front in [front for front in self._leaving if front not in ready]:
            del self._leaving[front]  # with the Service its balancer goes
        for front, there in ready.items():
            leaving = self._leaving.setdefault(front, {})
            for backend in self._ready.get(front, frozenset()) - there:
                leaving[backend] = now + self._lag
            for backend, ends in list(leaving.items()):
                if backend in there or ends <= now:
                    del leaving[backend]
        self._ready = ready
        table = {front: tuple(sorted(there | self._leaving[front].keys())) for front, there in ready.items()}
        left_out = [moment for leaving in self._leaving.values() for moment in leaving.values()]
        return table, min(left_out, default=None)
