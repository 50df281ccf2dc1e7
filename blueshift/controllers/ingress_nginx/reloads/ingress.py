"""An Ingress as the controller takes it: rules, and annotations that change anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from blueshift.controllers.ingress_nginx import annotations as official
from blueshift.controllers.ingress_nginx.reloads import table
from blueshift.controllers.ingress_nginx.reloads.scene import Scene
from blueshift.discovery.raw import Raw, dig, listed, mapped, name, namespace

NOBODY = "_"
"""The server of those without a host."""

_SNIPPETS = frozenset(
    {"auth-snippet", "configuration-snippet", "modsecurity-snippet", "server-snippet", "stream-snippet"}
)


@dataclass(frozen=True)
class Backend:
    """A Service and the port by which an Ingress names it."""

    service: str
    """`namespace/name`."""
    port: str
    upstream: str


@dataclass(frozen=True)
class Path:
    """A path of a rule."""

    path: str
    kind: str
    backend: Backend


@dataclass(frozen=True)
class Rule:
    """A host of an Ingress; `paths` is None where it has no `http` at all."""

    host: str
    paths: tuple[Path, ...] | None


@dataclass(frozen=True)
class Read:
    """One Ingress."""

    ref: str
    namespace: str
    marks: dict[str, str]
    """Annotations that change anything, without their prefix."""
    rules: tuple[Rule, ...]
    default: Backend | None
    tls: tuple[Raw, ...]

    @property
    def canary(self) -> bool:
        """Whether it only adds to what another one serves."""
        return self.marks.get("canary") == "true"


def read(scene: Scene) -> tuple[Read, ...]:
    """All that the controller serves, in the order in which they count."""
    return tuple(_read(one, scene) for one in scene.ingresses)


def snippet_off(scene: Scene, annotation: str) -> bool:
    """Whether an annotation is a snippet that the settings do not let in (`dropSnippetDirectives`)."""
    return annotation in _SNIPPETS and not scene.settings.snippets


def _read(ingress: Raw, scene: Scene) -> Read:
    space = namespace(ingress)
    rules, default = backends(ingress)
    written = official.below(ingress, scene.settings.prefix)
    allowed = {key: str(value) for key, value in written.items() if not snippet_off(scene, key)}
    return Read(
        ref=f"{space}/{name(ingress)}",
        namespace=space,
        marks=table.in_force(allowed, scene.config, scene.settings.version),
        rules=rules,
        default=default,
        tls=tuple(listed(ingress, "spec", "tls")),
    )


def backends(ingress: Raw) -> tuple[tuple[Rule, ...], Backend | None]:
    """The rules of an Ingress, and where it leads what they do not match."""
    space = namespace(ingress)
    found = dig(ingress, "spec", "defaultBackend") or dig(ingress, "spec", "backend")
    return tuple(_rules(ingress, space)), _backend(space, found) if found else None


def _rules(ingress: Raw, space: str) -> Iterator[Rule]:
    for rule in listed(ingress, "spec", "rules"):
        host = str(rule.get("host") or NOBODY)
        if rule.get("http") is None:
            yield Rule(host, None)
            continue
        yield Rule(
            host,
            tuple(
                Path(
                    str(path.get("path") or "/"),
                    _kind(path),
                    backend,
                )
                for path in listed(rule, "http", "paths")
                if (backend := _backend(space, path.get("backend") or {})) is not None
            ),
        )


def _kind(path: Raw) -> str:
    """Its type; what is left to the controller is a prefix (internal/k8s: SetDefaultNGINXPathType)."""
    written = str(path.get("pathType") or "")
    return "Prefix" if written in ("", "ImplementationSpecific") else written


def _backend(space: str, found: Any) -> Backend | None:
    """Of networking.k8s.io/v1, or as the versions before it wrote it; None for what is no Service."""
    service = mapped(found, "service")
    called = service.get("name") or found.get("serviceName")
    port = dig(service, "port", "number") or dig(service, "port", "name") or found.get("servicePort") or ""
    return Backend(f"{space}/{called}", str(port), f"{space}-{called}-{port}") if called else None
