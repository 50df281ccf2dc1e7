"""The traffic of the demo: which clients ask which sites, how often, and over what kind of connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from blueshift.lab.sites import Site
from blueshift.traffic.prober.plan import Kind, Persona, Plan, Route, Stream

Family = Literal[4, 6]


class Beside(NamedTuple):
    """Clients beside the ordinary ones that do not follow DNS as it changes, by HTTP/1.1."""

    name: str
    cache: float
    """Seconds for which they keep what DNS answered first."""
    rate: float = 1.0
    """Requests per second, on top of the plan's."""
    hosts: int = 4
    """Asked by turns: each is looked up when it is first asked, which is to be soon."""


LONG_CACHED = Beside("long-cached", 60.0)
PINNED = Beside("pinned", 10 * 366 * 86400.0)
"""Never asks again."""
POLLS_PER_S = 0.5
SESSIONS_PER_S = 0.6
LONG_SESSIONS = (2.0, 4.0, 6.0)
"""Seconds after the start at which a session of five minutes begins."""
LONG_SESSION_S = 300.0
_HTTP2_SHARE = 1 / 3
_FRESH = 30.0
"""Seconds for which those clients that do give connections up keep them."""
_IDLE = 15.0
"""Seconds of idleness after which they do so as well (aiohttp's default)."""


def load(
    sites: Sequence[Site],
    *,
    rate: float,
    duration: float,
    ca: str,
    families: Sequence[Family] = (4, 6),
    sources: Sequence[tuple[str, ...]] = (),
    long_sessions: Sequence[float] = LONG_SESSIONS,
    beside: Sequence[Beside] = (),
) -> Plan:
    """Return a plan of `rate` requests per second over all sites and kinds, for `duration` seconds at most.

    `sources` are the clients' own addresses, a tuple for each of `families`; clients take them in turn.
    """
    others = [Persona(name=each.name, protocol="http1", cache=each.cache) for each in beside]
    personas = tuple(_personas((*_CLIENTS, *others), families, sources))
    streams = [*_ordinary(sites, rate - POLLS_PER_S - SESSIONS_PER_S, families)]
    polled = [route for site in sites for route in site.polled]
    joined = [route for site in sites for route in site.joined]
    streams += _spread("longpoll", "poller", polled, POLLS_PER_S, families)
    streams += _spread("websocket", "chatter", joined, SESSIONS_PER_S, families)
    for each in beside:
        streams += _spread("http1", each.name, known(sites)[: each.hosts], each.rate, families)
    for turn, moment in enumerate(long_sessions):
        family = families[turn % len(families)]
        route = joined[turn % len(joined)]
        hold = (LONG_SESSION_S, LONG_SESSION_S)
        streams.append(
            Stream(kind="websocket_long", persona=f"chatter-{family}", route=route, at=(moment,), hold=hold)
        )
    return Plan(personas=personas, streams=tuple(streams), duration=duration, ca=ca)


_CLIENTS = (
    # Browsers keep six connections to a host for as long as the server does; some services recycle theirs.
    Persona(name="browser", protocol="http1", most_connections=6),
    Persona(name="recycler", protocol="http1", max_age=_FRESH, max_idle=_IDLE),
    Persona(name="browser2", protocol="http2"),
    Persona(name="recycler2", protocol="http2", max_age=_FRESH),
    Persona(name="poller", protocol="http1"),
    Persona(name="chatter", protocol="websocket"),
)


def in_cluster(
    sites: Sequence[Site], addresses: Sequence[str], *, duration: float, ca: str, rate: float = 1.0
) -> Plan:
    """Return a plan of clients that go to a Service's own `addresses`, whatever host they want."""
    personas = [
        Persona(name=f"pod-{address}", protocol="http1", family=6 if ":" in address else 4, address=address)
        for address in addresses
    ]
    routes = known(sites)[:4]
    each = rate / (len(routes) * len(personas))
    streams = [
        Stream(kind="http1", persona=persona.name, route=route, rate=each)
        for persona in personas
        for route in routes
    ]
    return Plan(personas=tuple(personas), streams=tuple(streams), duration=duration, ca=ca)


def known(sites: Sequence[Site]) -> list[Route]:
    """The first question of each site whose host is a name."""
    return [site.asked[0] for site in sites if site.asked and "*" not in site.host]


def _personas(
    clients: Sequence[Persona], families: Sequence[Family], sources: Sequence[tuple[str, ...]]
) -> Iterator[Persona]:
    for place, family in enumerate(families):
        own = sources[place] if sources else ("",)
        for number, client in enumerate(clients):
            name, source = f"{client.name}-{family}", own[number % len(own)]
            yield msgspec.structs.replace(client, name=name, family=family, source=source)


def _ordinary(sites: Sequence[Site], rate: float, families: Sequence[Family]) -> Iterator[Stream]:
    """Every site gets the same; within it the questions by their share.

    A site is asked over HTTP/1.1 by a client that keeps its connections and by one that recycles them, each
    over another family, and over HTTP/2 by one of the two in turn. More clients would mean fewer requests on
    each connection, and a connection moves to another side only at the server's limit of requests.
    """
    asked = [site for site in sites if site.asked]
    # HTTP/2 is agreed on in TLS.
    for secure in (True, False):
        for turn, site in enumerate(site for site in asked if site.tls is secure):
            whole = sum(route.share for route in site.asked)
            for route in site.asked:
                per_route = rate / len(asked) * route.share / whole
                for kind, name, family, share in _clients(turn, secure, families):
                    yield Stream(kind=kind, persona=f"{name}-{family}", route=route, rate=per_route * share)


def _clients(
    turn: int, secure: bool, families: Sequence[Family]
) -> Iterator[tuple[Kind, str, Family, float]]:
    over_http2 = _HTTP2_SHARE if secure else 0.0
    for place, name in enumerate(("browser", "recycler")):
        yield "http1", name, families[(turn + place) % len(families)], (1 - over_http2) / 2
    if secure:
        yield "http2", ("browser2", "recycler2")[turn % 2], families[turn // 2 % len(families)], over_http2


def _spread(
    kind: Kind, name: str, routes: Sequence[Route], rate: float, families: Sequence[Family]
) -> Iterator[Stream]:
    each = rate / (len(routes) * len(families)) if routes else 0.0
    for route in routes:
        for family in families:
            yield Stream(kind=kind, persona=f"{name}-{family}", route=route, rate=each)
