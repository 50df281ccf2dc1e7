"""Which Ingresses a controller serves, and by which hosts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from blueshift.discovery.raw import Raw, annotated, dig, listed, mapped, name, namespace, ref
from blueshift.discovery.world import HostFact

LEGACY_CLASS = "kubernetes.io/ingress.class"

Aliases = Callable[[Raw], Sequence[str]]
"""Hosts that an Ingress serves beside its rules, by annotations that only the profile knows."""


def no_aliases(_ingress: Raw) -> Sequence[str]:
    """For controllers without such annotations."""
    return ()


def classes_of(ingress_classes: Iterable[Raw], controller: str) -> tuple[str, ...]:
    """Names of the IngressClasses whose `spec.controller` is this one."""
    return tuple(
        sorted(name(found) for found in ingress_classes if dig(found, "spec", "controller") == controller)
    )


class Scope(Protocol):
    """Which Ingresses a controller takes, out of its flags."""

    @property
    def ingress_class(self) -> str:
        """The class that the old annotation must name."""

    @property
    def class_by_name(self) -> bool:
        """Whether `spec.ingressClassName` may name it too, without an IngressClass."""

    @property
    def classless(self) -> bool:
        """Whether it serves those without a class."""

    @property
    def watches(self) -> str:
        """The one namespace that it watches; empty for all."""


def served(ingresses: Iterable[Raw], classes: Sequence[str], scope: Scope) -> tuple[Raw, ...]:
    """The Ingresses that a controller with these IngressClasses serves."""
    by_name = {*classes, scope.ingress_class} if scope.class_by_name else set(classes)
    return tuple(
        found
        for found in ingresses
        if (not scope.watches or namespace(found) == scope.watches) and _takes(found, by_name, scope)
    )


def _takes(ingress: Raw, by_name: Collection[str], scope: Scope) -> bool:
    """As ingress-nginx decides: the old annotation first (internal/ingress/controller/store, 1.15.1)."""
    if old := annotated(ingress).get(LEGACY_CLASS):
        return old == scope.ingress_class
    if named := dig(ingress, "spec", "ingressClassName"):
        return named in by_name
    return scope.classless


def host_facts(ingresses: Iterable[Raw], aliases: Aliases = no_aliases) -> tuple[HostFact, ...]:
    """Every host of these Ingresses, once, by name; what has no host has no name to move (see `hostless`)."""
    by_host: dict[str, tuple[list[str], list[str], bool]] = {}
    for found in ingresses:
        secured = {
            str(host).lower() for block in listed(found, "spec", "tls") for host in block.get("hosts") or ()
        }
        for host, paths in _hosts(found, aliases):
            owners, all_paths, tls = by_host.get(host, ([], [], False))
            owners += [ref(found)] if ref(found) not in owners else []
            all_paths += [path for path in paths if path not in all_paths]
            by_host[host] = (owners, all_paths, tls or host in secured)
    return tuple(
        HostFact(host=host, ingresses=tuple(owners), paths=tuple(paths), tls=tls)
        for host, (owners, paths, tls) in sorted(by_host.items())
    )


def _hosts(ingress: Raw, aliases: Aliases) -> list[tuple[str, list[str]]]:
    rules = [rule for rule in listed(ingress, "spec", "rules") if rule.get("host")]
    named = [
        (str(rule["host"]).lower(), [str(path.get("path") or "/") for path in listed(rule, "http", "paths")])
        for rule in rules
    ]
    first = named[0][1] if named else ["/"]
    return named + [(alias.lower(), list(first)) for alias in aliases(ingress)]


def hostless(ingresses: Iterable[Raw]) -> tuple[str, ...]:
    """`namespace/name` of each Ingress that serves whatever host a client asks for."""
    return tuple(
        ref(found)
        for found in ingresses
        if mapped(found, "spec", "defaultBackend")
        or any(not rule.get("host") for rule in listed(found, "spec", "rules"))
    )


def published(ingresses: Iterable[Raw]) -> tuple[str, ...]:
    """Addresses (or names) that the controller wrote into the status of its Ingresses."""
    points = [point for found in ingresses for point in listed(found, "status", "loadBalancer", "ingress")]
    return tuple(sorted({str(point.get("ip") or point.get("hostname")) for point in points}))
