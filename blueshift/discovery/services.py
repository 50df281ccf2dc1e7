"""The Services by which clients reach a workload."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

from blueshift.discovery.raw import Raw, dig, listed, mapped, name, namespace, pod_labels, selects, uid
from blueshift.discovery.world import Role, ServiceFact


def service_facts(services: Iterable[Raw], workload: Raw) -> tuple[ServiceFact, ...]:
    """The Services in front of the pods of a Deployment or DaemonSet, the external ones first.

    What clients cannot come by is left out: metrics and webhook Services (they serve neither port 80 nor
    443 by the controller's HTTP ports) and headless ones.
    """
    labels = pod_labels(workload)
    found = [
        _fact(service, workload)
        for service in services
        if selects(mapped(service, "spec", "selector"), labels) and _serves(service)
    ]
    return tuple(sorted(found, key=lambda fact: (fact.role, fact.type != "LoadBalancer", fact.name)))


def role_of(service: str, workloads: Collection[str]) -> Role:
    """What a Service is to its release, by its name and those of the workloads of that.

    The official charts call the second one `…-internal` (4.15.1, templates/controller-service-internal.yaml),
    and the first one as the workload: with `controller.name: internal` that ends so too.
    """
    return "internal" if service.endswith("-internal") and service not in workloads else "external"


def _serves(service: Raw) -> bool:
    if dig(service, "spec", "clusterIP") == "None":
        return False
    return any(
        _is(port, "http", 80) or _is(port, "https", 443) for port in _ports(service) if not _hook(port)
    )


def _ports(service: Raw) -> list[Raw]:
    return [port for port in listed(service, "spec", "ports") if port.get("protocol", "TCP") == "TCP"]


def _is(port: Raw, called: str, number: int) -> bool:
    return port.get("name") == called or port.get("port") == number


def _hook(port: Raw) -> bool:
    # An admission webhook listens on 443 too; its port and target carry the word in every chart we know.
    return "webhook" in str(port.get("name", "")) or "webhook" in str(port.get("targetPort", ""))


def _number(service: Raw, called: str, number: int) -> int:
    ports = _ports(service)
    by_name = [int(port["port"]) for port in ports if port.get("name") == called]
    by_number = [number for port in ports if port.get("port") == number]
    return next(iter([*by_name, *by_number]), number)


def _fact(service: Raw, workload: Raw) -> ServiceFact:
    points = listed(service, "status", "loadBalancer", "ingress")
    addresses = [ipaddress.ip_address(point["ip"]) for point in points if point.get("ip")]
    kind = str(dig(service, "spec", "type") or "ClusterIP")
    return ServiceFact(
        name=name(service),
        namespace=namespace(service),
        uid=uid(service),
        role=role_of(name(service), [name(workload)]),
        type=kind,
        ipv4=tuple(str(address) for address in addresses if address.version == 4),
        ipv6=tuple(str(address) for address in addresses if address.version == 6),
        hostname=next((str(point["hostname"]) for point in points if point.get("hostname")), ""),
        http=_number(service, "http", 80),
        https=_number(service, "https", 443),
        traffic_policy=str(dig(service, "spec", "externalTrafficPolicy") or "Cluster"),
    )
