"""Upstreams as the controller sends them to Lua (controller.go: createUpstreams, getBackendServers)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from blueshift.controllers.ingress_nginx.reloads import table
from blueshift.controllers.ingress_nginx.reloads.ingress import Backend, Path, Read
from blueshift.controllers.ingress_nginx.reloads.part import Part
from blueshift.controllers.ingress_nginx.reloads.scene import Scene
from blueshift.controllers.ingress_nginx.reloads.servers import Server, no_servers

_AFFINITY = ("affinity", "affinity-mode")


def upstreams(
    scene: Scene, ingresses: Sequence[Read], found: Mapping[str, Server]
) -> Iterator[tuple[Part, str]]:
    """One for each Service and port that is named; later parts overrule earlier ones of the same name."""
    hidden = no_servers(ingresses)
    made: set[str] = set()
    sticky: set[Part] = set()
    for one in ingresses:
        for at, backend in _named(one):
            merged = one.canary and (at is None or _merges(found, at[0], at[1], backend, hidden))
            if backend.upstream in hidden and not merged:
                continue  # there is nothing that it could be an alternative of: the controller drops it
            where = f"upstream {backend.upstream}"
            if backend.upstream not in made:  # how to balance is said by the first Ingress that names it
                made.add(backend.upstream)
                yield Part("upstream", where), ""
                yield Part("endpoints", where), endpoints(scene, backend)
                yield from _balanced(one, where, scene.settings.version)
            if merged:  # also where it is a Service that others name, and no split follows
                place = f"{at[0]}{at[1].path}" if at else "every host"
                yield Part("canary", place, backend.upstream), one.ref
            if at is not None and backend.upstream not in hidden:
                for part, value in _sticky(one, where, scene.settings.version):
                    # Of the kind of affinity the first one counts, of its cookie the last one.
                    if part.name not in _AFFINITY or part not in sticky:
                        sticky.add(part)
                        yield part, value


def endpoints(scene: Scene, backend: Backend) -> str:
    """What the endpoints of a backend follow from; empty where there are none."""
    space, _, called = backend.service.partition("/")
    return scene.endpoints(space, called, backend.port)


def _named(one: Read) -> Iterator[tuple[tuple[str, Path] | None, Backend]]:
    """Host and path (None for all that nothing else matches), and what they lead to."""
    if one.default:
        yield None, one.default
    for rule in one.rules:
        yield from (((rule.host, path), path.backend) for path in rule.paths or ())


def _balanced(one: Read, where: str, version: str) -> Iterator[tuple[Part, str]]:
    for name, value in one.marks.items():
        if name.startswith(("affinity", "session-cookie")) and name != "affinity-canary-behavior":
            continue
        match table.place(name, version):
            case "backend":
                yield Part("upstream-annotation", where, name), value
            case "waits-for-change":
                yield Part("waits-for-change", where, name), value


def _sticky(one: Read, where: str, version: str) -> Iterator[tuple[Part, str]]:
    for name, value in one.marks.items():
        if name in _AFFINITY:
            yield Part("upstream-annotation", where, name), value
        elif name.startswith("session-cookie") and one.marks.get("affinity") == "cookie":
            waits = table.place(name, version) == "waits-for-change"
            yield Part("waits-for-change" if waits else "upstream-annotation", where, name), value


def _merges(
    found: Mapping[str, Server], host: str, path: Path, backend: Backend, hidden: frozenset[str]
) -> bool:
    """Whether there is something that a canary is an alternative of."""
    server = found.get(host)
    if server is None:
        return backend.upstream in hidden  # kept, and of no use to anybody
    return any(
        location.backend is not None
        and location.backend.upstream not in {*hidden, backend.upstream}
        and not location.default
        for location in server.locations
        if location.written == (path.path, path.kind)
    )
