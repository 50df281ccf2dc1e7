"""Which Ingresses a controller serves, and by which hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from blueshift.discovery.raw import Raw, annotated, dig, listed, mapped, name, namespace, ref
from blueshift.discovery.world import HostFact

LEGACY_CLASS = "kubernetes.io/ingress.class"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"

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


def class_of(ingress: Raw) -> str:
    """The class that an Ingress names; the old annotation wins where both are set, as in ingress-nginx.

    ingress-nginx looks at the annotation first (internal/ingress/controller/store, controller 1.15.1).
    """
    return annotated(ingress).get(LEGACY_CLASS) or str(dig(ingress, "spec", "ingressClassName") or "")


def served(
    ingresses: Iterable[Raw], classes: Sequence[str], *, classless: bool = False, watches: str = ""
) -> tuple[Raw, ...]:
    """The Ingresses that a controller with these classes serves.

    `classless`: those without a class too. `watches`: those of one namespace only. Hidden ones (being
    deleted) still serve until they are gone.
    """
    wanted = {*classes, ""} if classless else set(classes)
    return tuple(
        found
        for found in ingresses
        if (not watches or namespace(found) == watches) and class_of(found) in wanted
    )


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
