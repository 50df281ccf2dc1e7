"""The controller's configuration in comparable parts, each under the rule that says what its change costs.

The controller reloads where anything but upstreams, endpoints and certificates differs between the running
configuration and the next one (`IsDynamicConfigurationEnough`). The parts here are those that it compares,
those that it leaves to Lua, and those that it forgets to compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from blueshift.controllers.ingress_nginx.reloads import table
from blueshift.controllers.ingress_nginx.reloads.digest import digest
from blueshift.controllers.ingress_nginx.reloads.ingress import Backend, read
from blueshift.controllers.ingress_nginx.reloads.part import Configuration, Part
from blueshift.controllers.ingress_nginx.reloads.scene import ABSENT, Scene
from blueshift.controllers.ingress_nginx.reloads.servers import DEFAULT, Location, Server, servers
from blueshift.controllers.ingress_nginx.reloads.upstreams import endpoints, upstreams

_FILES = {"auth-secret": "location", "proxy-ssl-secret": "location", "auth-tls-secret": "server"}
"""Annotations that name a Secret which nginx reads from a file, and where they count."""
_CONFIG_MAPS = ("auth-proxy-set-headers", "custom-headers", "fastcgi-params-configmap")
"""Annotations that name a ConfigMap."""
_READ_WHEN_WRITTEN = {"add-headers": "ConfigMap", "proxy-set-headers": "ConfigMap", "ssl-dh-param": "Secret"}
"""Settings that name another object."""


@lru_cache(maxsize=2)  # what follows from one change is what the next one begins with
def configuration(scene: Scene) -> Configuration:
    """All parts, as they would be in force."""
    ingresses = read(scene)
    fallback = _fallback(scene)
    found = servers(ingresses, fallback, scene.settings.version)
    parts: dict[Part, str] = dict(_global(scene))
    for server in found.values():
        parts.update(_server(scene, server))
    parts.update(upstreams(scene, ingresses, found))
    return parts


def _fallback(scene: Scene) -> Backend | None:
    service = scene.flags.get("default-backend-service", "")
    return Backend(service, "", DEFAULT) if "/" in service else None


def _global(scene: Scene) -> Iterator[tuple[Part, str]]:
    version = scene.settings.version
    for key, value in table.settings_in_force(scene.config, version).items():
        yield Part("setting", "settings", key), digest(value)
        if kind := _READ_WHEN_WRITTEN.get(key):
            yield Part("read-when-written", f"{key} ({value})"), scene.content(kind, value)
    if secret := scene.flags.get("default-ssl-certificate"):
        yield Part("default-certificate", "default certificate", secret), scene.content("Secret", secret)
    if template := scene.settings.template:
        yield Part("template", "nginx.tmpl", template), scene.content("ConfigMap", template)
    for kind, place in scene.settings.streams.items():
        namespace, _, called = place.partition("/")
        for port, target in (scene.one("ConfigMap", namespace, called).get("data") or {}).items():
            service, _, rest = str(target).partition(":")
            space, _, name = service.partition("/")
            behind = scene.endpoints(space, name, rest.partition(":")[0])
            if behind and str(port).isdigit():  # without endpoints the port is closed
                yield Part("stream", f"{kind} port {port}"), str(target)
                yield Part("endpoints", f"{kind} port {port}", service), behind


def _server(scene: Scene, server: Server) -> Iterator[tuple[Part, str]]:
    yield Part("server", f"host {server.host}"), ""
    for annotation, value in server.marks.items():
        yield Part("server-annotation", f"host {server.host}", annotation), value
        yield from _file(scene, server.host, annotation, value, "")
    if server.certificate is not None:
        held = {secret: scene.content("Secret", secret) for secret in server.certificate}
        yield Part("certificate", f"host {server.host}", " ".join(held)), digest(held)
    seen: Counter[str] = Counter()
    for location in server.locations:
        seen[location.path] += 1
        again = f" ({seen[location.path]})" if seen[location.path] > 1 else ""
        yield from _location(scene, f"{server.host}{location.path}{again}", location)


def _location(scene: Scene, where: str, location: Location) -> Iterator[tuple[Part, str]]:
    yield Part("location", where), "default" if location.default else "written"
    # Not compared: where a path is rewritten, Exact and Prefix are one to the controller.
    yield Part("waits-for-reload", where, "pathType"), location.kind
    upstream, reserve = _sent(scene, location)
    yield Part("upstream-name", where), upstream
    if reserve:
        yield Part("default-backend", where, reserve), upstream
    backend = location.backend
    if backend is not None:
        space, _, called = backend.service.partition("/")
        there = scene.service_there(space, called) or location.default
        yield Part("service-there", where, backend.service), "there" if there else ABSENT
    for annotation, value in location.marks.items():
        found = table.place(annotation, scene.settings.version)
        if found == "location" and annotation not in ("canary", "default-backend"):
            yield Part("location-annotation", where, annotation), value
        elif found == "waits-for-reload":
            yield Part("waits-for-reload", where, annotation), value
        yield from _file(scene, where, annotation, value, location.of.namespace if location.of else "")


def _file(scene: Scene, where: str, annotation: str, value: str, space: str) -> Iterator[tuple[Part, str]]:
    """The content of what an annotation names."""
    place = value if "/" in value or not space else f"{space}/{value}"
    if _FILES.get(annotation) == ("location" if space else "server"):
        yield Part("secret-file", where, place), scene.content("Secret", place)
    if annotation in _CONFIG_MAPS and space:
        yield Part("read-with-ingress", where, place), scene.content("ConfigMap", place)


def _sent(scene: Scene, location: Location) -> tuple[str, str]:
    """The upstream that a location names, and the one that the annotation default-backend puts beside it.

    That one counts for error pages, and where the Service has no endpoints.
    """
    if location.backend is None:
        return DEFAULT, ""
    reserve = location.marks.get("default-backend", "")
    if not reserve or location.of is None:
        return f"{location.backend.upstream} {location.backend.port}", ""
    empty = not endpoints(scene, location.backend)
    if not empty and "custom-http-errors" not in location.marks:
        return f"{location.backend.upstream} {location.backend.port}", ""
    named = f"custom-default-backend-{location.of.namespace}-{reserve}"
    return (named if empty else location.backend.upstream), named
