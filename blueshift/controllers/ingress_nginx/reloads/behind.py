"""What stands behind a Service: its endpoints, or the workloads whose pods become them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from blueshift.controllers.ingress_nginx.reloads.digest import digest
from blueshift.discovery.raw import Raw, dig, labels, listed, mapped, name, namespace, pod_labels, selects
from blueshift.helm.manifests import Key

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")
_SERVICE_OF_SLICE = "kubernetes.io/service-name"
Place = tuple[str, str]
"""(namespace, name)."""


@dataclass(frozen=True, eq=False)
class Behind:
    """By Service."""

    objects: Mapping[Key, Raw]

    def endpoints(self, service: Raw, place: Place, port: str) -> str:
        """What the endpoints of a port (by number or name) follow from, as a digest; empty for none.

        `service` is empty where it is not known: then it is taken to have the port.
        """
        matched = self._port(service, port)
        if service and matched is None:
            return ""
        addresses, runs = self._addresses.get(place), self._runs(service, place[0])
        if self._count(addresses, runs) == 0:
            return ""
        how = {part: dig(service, "spec", part) for part in ("type", "externalName", "selector", "clusterIP")}
        return digest([how, matched, sorted(addresses or (), key=str), runs])

    def _port(self, service: Raw, port: str) -> Raw | None:
        """The Service's port that a backend names (controller.go: serviceEndpoints)."""
        if dig(service, "spec", "type") == "ExternalName":
            return {"port": port}
        for one in listed(service, "spec", "ports"):
            if port in {str(one.get("port")), str(one.get("targetPort")), str(one.get("name"))}:
                return {part: one.get(part) for part in ("targetPort", "protocol")}
        return None

    def _count(self, addresses: list[Any] | None, runs: list[Any]) -> int | None:
        """How many there are; None where nothing of it is known."""
        ready = [one for one, is_ready in addresses or () if one and is_ready is not False]
        if ready or (addresses is not None and not runs):
            return len(ready)
        if runs:
            return sum(1 if count is None else int(count) for _, count, _ in runs)
        return None

    @cached_property
    def _addresses(self) -> Mapping[Place, list[Any]]:
        found: dict[Place, list[Any]] = defaultdict(list)
        for key, item in self.objects.items():
            if key.kind == "EndpointSlice":
                there = found[key.namespace, labels(item).get(_SERVICE_OF_SLICE, "")]
                for one in listed(item, "endpoints"):
                    there.append([sorted(listed(one, "addresses")), mapped(one, "conditions").get("ready")])
            elif key.kind == "Endpoints":
                there = found[key.namespace, key.name]
                for subset in listed(item, "subsets"):
                    there.append([sorted(str(one.get("ip")) for one in listed(subset, "addresses")), True])
        return found

    @cached_property
    def _workloads(self) -> Mapping[str, list[Raw]]:
        found: dict[str, list[Raw]] = defaultdict(list)
        for key, item in self.objects.items():
            if key.kind in WORKLOADS:
                found[namespace(item)].append(item)
        return found

    def _runs(self, service: Raw, space: str) -> list[Any]:
        """[name, replicas, digest of the template] of each workload that the Service selects."""
        selector = mapped(service, "spec", "selector")
        return [
            [name(item), dig(item, "spec", "replicas"), digest(dig(item, "spec", "template"))]
            for item in self._workloads.get(space, ())
            if selects(selector, pod_labels(item))
        ]
