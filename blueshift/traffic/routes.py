"""What a controller serves, as its generated configuration says, and how two such sets differ."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

Kind = Literal["exact", "prefix", "regex"]
Key = tuple[str, str, str, str]

ANY_HOST = "_"
"""The host of the server that takes every request whose host no other server has (nginx's catch-all)."""


class Route(msgspec.Struct, frozen=True, order=True):
    """One location of one server name: two controllers with the same routes serve the same."""

    host: str
    """A name, `*.example.com`, a regular expression after `~`, or `_` for every other host."""
    path: str
    kind: Kind = "prefix"
    flags: str = ""
    """`i` for a regex path that ignores case."""
    tls: bool = True
    """Whether the server answers over TLS too."""
    namespace: str = ""
    ingress: str = ""
    service: str = ""
    port: str = ""
    """Number or name, as the Ingress wrote it."""
    returns: str = ""
    """Status that the configuration itself answers with, where no backend is asked (`308`)."""

    @property
    def key(self) -> Key:
        """What a client can ask for: the same on both sides for the same route."""
        return (self.host, self.path, self.kind, self.flags)

    def __str__(self) -> str:
        return f"{self.host}{'~' if self.kind == 'regex' else ''}{self.path}"


class Stream(msgspec.Struct, frozen=True, order=True):
    """One TCP or UDP port that the controller passes on."""

    protocol: Literal["tcp", "udp"]
    port: int
    upstream: str

    def __str__(self) -> str:
        return f"{self.protocol}/{self.port}"


class Routes(msgspec.Struct, frozen=True):
    """All that one side serves."""

    routes: tuple[Route, ...] = ()
    streams: tuple[Stream, ...] = ()
    unlogged: tuple[str, ...] = ()
    """Hosts of which a location has its access log off: their requests are seen in the metrics alone."""
    proxy_protocol: bool = False
    """Whether listeners expect a PROXY header: a client without it gets nothing."""

    def hosts(self) -> frozenset[str]:
        """Every host by name, with wildcards and expressions, without the catch-all."""
        return frozenset(route.host for route in self.routes) - {ANY_HOST}

    def unseen(self) -> tuple[str, ...]:
        """Hosts whose requests have no series of their own in the metrics of ingress-nginx.

        Wildcards, expressions and Ingresses without a host (seen on 1.15.1): only the access log shows them.
        """
        return tuple(
            sorted(
                {
                    route.host
                    for route in self.routes
                    if route.host[:1] in "*~" or (route.host == ANY_HOST and route.ingress)
                }
            )
        )


def known(host: str, hosts: Collection[str]) -> bool:
    """Whether a host belongs to an Ingress, `hosts` being `Routes.hosts()`; scanners ask for any name."""
    parent = host.partition(".")[2]
    return host in hosts or f"*.{parent}" in hosts


class RouteDiff(msgspec.Struct, frozen=True):
    """How two sides differ, as sentences' material: nothing in it means that they serve the same."""

    only_left: tuple[Route, ...] = ()
    only_right: tuple[Route, ...] = ()
    changed: tuple[tuple[Route, Route], ...] = ()
    """Same host and path, another backend or answer."""
    streams_left: tuple[Stream, ...] = ()
    streams_right: tuple[Stream, ...] = ()
    proxy_protocol: bool = False
    """Whether one side wants PROXY headers and the other does not."""

    def __bool__(self) -> bool:
        return bool(
            self.only_left
            or self.only_right
            or self.changed
            or self.streams_left
            or self.streams_right
            or self.proxy_protocol
        )


def compare(left: Routes, right: Routes) -> RouteDiff:
    """Compare two sides. Equal sets give a difference that is false."""
    ours = {route.key: route for route in left.routes}
    theirs = {route.key: route for route in right.routes}
    return RouteDiff(
        only_left=tuple(sorted(route for key, route in ours.items() if key not in theirs)),
        only_right=tuple(sorted(route for key, route in theirs.items() if key not in ours)),
        changed=tuple(
            sorted((route, theirs[key]) for key, route in ours.items() if theirs.get(key, route) != route)
        ),
        streams_left=tuple(sorted({*left.streams} - {*right.streams})),
        streams_right=tuple(sorted({*right.streams} - {*left.streams})),
        proxy_protocol=left.proxy_protocol != right.proxy_protocol,
    )
