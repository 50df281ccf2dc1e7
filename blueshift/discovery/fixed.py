"""Addresses and ports that rendered objects ask for by name: a second release must not ask for one.

The API server gives a cluster address or node port once per cluster, a load balancer its address once, a node
its host ports once; an external-dns annotation publishes the temporary under the primary's names. What a
profile knows to take away is gone before this looks: this finds what stayed, such as that of a chart or
object of the user's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blueshift.discovery.identity import claims
from blueshift.discovery.raw import Raw, annotated, listed, mapped
from blueshift.helm import manifests


def fixed(objects: Iterable[Raw], namespace: str) -> tuple[str, ...]:
    """Each fixed address as a sentence; `namespace` is the release's, for objects that name none."""
    return tuple(
        f"{manifests.key(item, namespace)}: {what}"
        for item in objects
        for what in (*_service(item), *_pods(item), *_annotations(item))
    )


def _service(item: Raw) -> Iterator[str]:
    if item.get("kind") != "Service":
        return
    spec = mapped(item, "spec")
    for field in ("loadBalancerIP", "clusterIP", "healthCheckNodePort"):
        if spec.get(field) not in (None, "", 0, "None"):
            yield f"{field} {spec[field]}"
    for field in ("clusterIPs", "externalIPs"):
        if given := [str(address) for address in spec.get(field) or () if address != "None"]:
            yield f"{field} {', '.join(given)}"
    for port in listed(item, "spec", "ports"):
        if port.get("nodePort"):
            yield f"nodePort {port['nodePort']}"


def _pods(item: Raw) -> Iterator[str]:
    place = ("spec",) if item.get("kind") == "Pod" else ("spec", "template", "spec")
    spec = mapped(item, *place)
    if spec.get("hostNetwork"):
        yield "hostNetwork: every port of its pods is one of the node's"
    for group in ("initContainers", "containers"):
        for container in listed(spec, group):
            for port in listed(container, "ports"):
                if port.get("hostPort"):
                    yield f"hostPort {port['hostPort']} of container {container.get('name', '')}"


def _annotations(item: Raw) -> Iterator[str]:
    of_pods = mapped(item, "spec", "template", "metadata", "annotations")
    for name, why in claims([*annotated(item), *of_pods]).items():
        yield f"annotation {name}: {why}"
