"""Servers and locations out of `nginx -T` of ingress-nginx, of all template versions from 0.34 to 1.15."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from blueshift.controllers.ingress_nginx.lexer import Statement, statements
from blueshift.errors import BlueshiftError
from blueshift.traffic.routes import ANY_HOST, Kind, Route, Routes, Stream

START = "# configuration file "

# How the template writes `*.example.com`, since nginx's own wildcards take more than one label.
_WILDCARD = re.compile(r"~\^\(\?<subdomain>\[\\w-\]\+\)\\\.(.+)\$$")

_MODIFIERS: dict[str, tuple[Kind, str]] = {
    "=": ("exact", ""),
    "^~": ("prefix", ""),
    "~": ("regex", ""),
    "~*": ("regex", "i"),
}

_LUA_UPSTREAM = re.compile(r"""proxy_upstream_name\s*=\s*["']([^"']+)["']""")
_PORT = re.compile(r"(?:\[::\]:|\*:|0\.0\.0\.0:)?(\d+)$")
_OWN_PATHS = {"/healthz", "/nginx_status"}


@dataclass
class _Location:
    path: str
    kind: Kind
    flags: str
    variables: dict[str, str] = field(default_factory=dict)
    returns: str = ""
    internal: bool = False
    unlogged: bool = False


@dataclass
class _Server:
    names: list[str] = field(default_factory=list)
    ports: list[tuple[int, str]] = field(default_factory=list)
    tls: bool = False
    proxy_protocol: bool = False
    returns: str = ""
    upstream: str = ""
    locations: list[_Location] = field(default_factory=list)


def parse(dump: str) -> Routes:
    """Read a dump. Raises BlueshiftError for text that is no dump, or one that was cut off."""
    start = dump.find(START)
    if start < 0:
        raise BlueshiftError(
            "this is not the output of `nginx -T`",
            hint="run `nginx -T` inside the controller's container; its errors say what is wrong",
        )
    reader = _Reader()
    for statement in statements(dump[start:]):
        reader.take(statement)
    public = [server for server in reader.http if server.names]
    return Routes(
        routes=tuple(sorted({route.key: route for server in public for route in _routes(server)}.values())),
        streams=tuple(sorted({stream for server in reader.stream for stream in _streams(server)})),
        unlogged=tuple(sorted({host for server in public for host in _unlogged(server)})),
        proxy_protocol=any(server.proxy_protocol for server in public),
    )


class _Reader:
    """Follows blocks; keeps only the servers of `http` and `stream`."""

    def __init__(self) -> None:
        self.http: list[_Server] = []
        self.stream: list[_Server] = []
        self._blocks: list[str] = []
        self._server = _Server()
        self._inside: list[_Location] = []

    def take(self, statement: Statement) -> None:
        """Take the next statement."""
        words = statement.words
        if statement.kind == "open":
            self._open(words)
        elif statement.kind == "close":
            if self._blocks.pop() == "location":
                self._inside.pop()
        elif words and self._blocks:
            here = self._blocks[-1]
            if here == "server":
                self._in_server(words)
            elif here == "location":
                self._in_location(self._inside[-1], words)

    def _open(self, words: tuple[str, ...]) -> None:
        name = words[0] if words else ""
        if name == "server" and self._blocks in (["http"], ["stream"]):
            self._server = _Server()
            (self.http if self._blocks == ["http"] else self.stream).append(self._server)
        elif name == "server":
            name = "other"
        if name == "location":
            modifier, path = (words[1], words[2]) if len(words) > 2 else ("^~", words[1])
            kind, flags = _MODIFIERS.get(modifier, ("prefix", ""))
            location = _Location(path, kind, flags)
            self._inside.append(location)
            self._server.locations.append(location)
        self._blocks.append(name)

    def _in_server(self, words: tuple[str, ...]) -> None:
        server = self._server
        if words[0] == "server_name":
            server.names += words[1:]
        elif words[0] == "listen":
            _listen(server, words[1:])
        elif words[0] == "return":
            server.returns = words[1]
        elif words[:2] == ("set", "$proxy_upstream_name"):
            server.upstream = words[2]
        elif words[0] == "preread_by_lua_block" and (found := _LUA_UPSTREAM.search(words[-1])):
            server.upstream = found[1]

    def _in_location(self, location: _Location, words: tuple[str, ...]) -> None:
        if words[0] == "set" and len(words) == 3:
            location.variables[words[1]] = words[2]
        elif words[0] == "return":
            location.returns = words[1]
        elif words[0] == "internal":
            location.internal = True
        elif words[:2] == ("access_log", "off"):
            location.unlogged = True


def _listen(server: _Server, words: tuple[str, ...]) -> None:
    server.tls |= "ssl" in words
    # With --enable-ssl-passthrough the TLS port is the controller's own, behind its own PROXY line.
    server.proxy_protocol |= "proxy_protocol" in words and "ssl" not in words
    if port := _PORT.match(words[0]):
        server.ports.append((int(port[1]), "udp" if "udp" in words else "tcp"))


def host_of(name: str) -> str:
    """A server name as Ingresses write it: `*.example.com` for the template's expression of it."""
    if wildcard := _WILDCARD.match(name):
        return "*." + wildcard[1].replace("\\", "")
    return name if name.startswith("~") else name.lower()


def _routes(server: _Server) -> list[Route]:
    locations = [location for location in server.locations if _asked_for(server, location)]
    if server.returns and not locations:  # a server that only redirects, from-to-www
        locations = [_Location("/", "prefix", "", returns=server.returns)]
    return [
        Route(
            host=host_of(name),
            path=location.path,
            kind=location.kind,
            flags=location.flags,
            tls=server.tls,
            namespace=location.variables.get("$namespace", ""),
            ingress=location.variables.get("$ingress_name", ""),
            service=location.variables.get("$service_name", ""),
            port=location.variables.get("$service_port", ""),
            returns=location.returns,
        )
        for name in server.names
        for location in locations
    ]


def _unlogged(server: _Server) -> Iterator[str]:
    """Its names, if an Ingress has its access log off there; the catch-all's own locations always have."""
    for location in server.locations:
        if location.unlogged and location.variables.get("$ingress_name") and _asked_for(server, location):
            yield from map(host_of, server.names)


def _asked_for(server: _Server, location: _Location) -> bool:
    if location.internal or location.path.startswith("@"):
        return False
    own = ANY_HOST in server.names and location.path in _OWN_PATHS
    return not (own and "$ingress_name" not in location.variables)


def _streams(server: _Server) -> list[Stream]:
    return [
        Stream("udp" if protocol == "udp" else "tcp", port, server.upstream)
        for port, protocol in server.ports
    ]
