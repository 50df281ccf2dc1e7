"""Servers and locations as the controller makes them of its Ingresses (controller.go: createServers,
getBackendServers; location.go: updateServerLocations)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from blueshift.controllers.ingress_nginx.reloads.ingress import NOBODY, Backend, Path, Read
from blueshift.controllers.ingress_nginx.reloads.table import place

DEFAULT = "upstream-default-backend"
PREFIX, EXACT = "Prefix", "Exact"


@dataclass(frozen=True)
class Location:
    """One location block."""

    path: str
    kind: str
    backend: Backend | None
    """None for the controller's default backend."""
    of: Read | None
    """The Ingress that it is of."""
    default: bool = False
    """Whether it stands in for a path that nobody wrote."""
    written: tuple[str, str] = ("", "")
    """Path and type as the Ingress has them."""

    @property
    def marks(self) -> Mapping[str, str]:
        """Annotations in force here."""
        return self.of.marks if self.of else {}


@dataclass
class Server:
    """One server block."""

    host: str
    locations: list[Location]
    marks: dict[str, str] = field(default_factory=dict)
    """Annotations in force for all of it; the first Ingress that has one counts."""
    certificate: tuple[str, ...] | None = None
    """`namespace/name` of Secrets; None without TLS."""


def no_servers(ingresses: Sequence[Read]) -> frozenset[str]:
    """Upstreams that a canary made first: nothing else is served by these (`NoServer`)."""
    made: dict[str, bool] = {}
    for one in ingresses:
        if one.default:
            made[one.default.upstream] = one.canary
        for rule in one.rules:
            for path in rule.paths or ():
                made.setdefault(path.backend.upstream, one.canary)
    return frozenset(upstream for upstream, canary in made.items() if canary)


def servers(ingresses: Sequence[Read], default: Backend | None, version: str) -> dict[str, Server]:
    """By host; `default` is the Service of `--default-backend-service`."""
    found = {NOBODY: Server(NOBODY, [Location("/", PREFIX, default, None, default=True)], {}, ())}
    own = [one for one in ingresses if not one.canary]
    for one in own:
        _begin(found, one, default)
    for one in own:
        for rule in one.rules:
            _mark(found[rule.host], one, version)
    hidden = no_servers(ingresses)
    for one in ingresses:
        for rule in one.rules:
            server = found.get(rule.host, found[NOBODY])
            for path in rule.paths or ():
                if path.backend.upstream not in hidden:
                    _locate(server, path, one)
    for server in found.values():
        by_path = sorted(server.locations, key=lambda location: location.path, reverse=True)
        ordered = sorted(by_path, key=lambda location: len(location.path), reverse=True)
        server.locations = list(_widened(ordered))
    return found


def _begin(found: dict[str, Server], one: Read, default: Backend | None) -> None:
    """Make the servers of an Ingress that are not there yet."""
    catch_all = found[NOBODY].locations[0]
    if one.default and not one.rules and catch_all.default:
        found[NOBODY].locations[0] = Location("/", PREFIX, one.default, one)
    for rule in one.rules:
        if rule.host not in found:
            root = Location("/", PREFIX, one.default or default, one, default=True)
            found[rule.host] = Server(rule.host, [root])
            if "ssl-passthrough" in one.marks:  # of the first Ingress alone
                found[rule.host].marks["ssl-passthrough"] = one.marks["ssl-passthrough"]


def _mark(server: Server, one: Read, version: str) -> None:
    for annotation, value in one.marks.items():
        if place(annotation, version) == "server" and annotation != "ssl-passthrough":
            server.marks.setdefault(annotation, value)
    if server.certificate is None and one.tls:
        server.certificate = tuple(_secrets(server.host, one))


def _secrets(host: str, one: Read) -> Iterator[str]:
    """The Secret that names the host, else all: which of those fits is in the certificates."""
    named = [
        str(block.get("secretName") or "")
        for block in one.tls
        if host.lower() in {str(each).lower() for each in block.get("hosts") or ()}
    ]
    for secret in named[:1] or [str(block.get("secretName") or "") for block in one.tls]:
        if secret:
            yield f"{one.namespace}/{secret}"


def _locate(server: Server, path: Path, one: Read) -> None:
    made = Location(path.path, path.kind, path.backend, one, written=(path.path, path.kind))
    for index, location in enumerate(server.locations):
        if location.path != path.path:
            continue
        if location.kind != path.kind:
            break  # the same path of another type stands beside it
        if location.default:
            server.locations[index] = made
        return
    server.locations.append(made)


def _widened(locations: Sequence[Location]) -> Iterator[Location]:
    """A prefix is two locations: `/a/`, and `= /a`, unless a path is rewritten or a regular expression."""
    exact = {location.path for location in locations if location.kind == EXACT}
    for location in locations:
        target = location.marks.get("rewrite-target", "")
        plain = not (target and target != location.path) and "use-regex" not in location.marks
        if location.path == "/" or location.kind != PREFIX or not plain:
            yield location
            continue
        closed = location.path if location.path.endswith("/") else location.path + "/"
        yield replace(location, path=closed)
        if location.path not in exact:
            yield replace(location, kind=EXACT)
