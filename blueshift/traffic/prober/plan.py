"""What to ask, as whom, and how often. A plan is data, written by the lab and read by its generator."""

from __future__ import annotations

from typing import Literal

import msgspec

from blueshift import __version__
from blueshift.errors import BlueshiftError

Kind = Literal["http1", "http2", "websocket", "longpoll", "websocket_long"]
Protocol = Literal["http1", "http2", "websocket"]
KINDS: tuple[Kind, ...] = ("http1", "http2", "websocket", "longpoll")
"""What is counted together; `websocket_long` (sessions of minutes) is counted apart (issue 4)."""


class Persona(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One client with its own DNS cache and connections, as a browser or a service is one."""

    name: str
    protocol: Protocol
    family: Literal[4, 6] = 4
    max_age: float | None = None
    """Seconds after which it gives up a pooled connection by itself; None: never, as most clients."""
    max_idle: float | None = None
    """Seconds without use after which it gives up a connection (aiohttp: 15, Go: 90); None: never."""
    most_connections: int = 16
    """Of HTTP/1.1, to one host at once; between a browser's six and what services allow themselves. Further
    requests wait for one, begun but not sent: without a bound, a server that stalls would get a storm."""
    source: str = ""
    """Its own address, so that servers can tell clients apart; "": the machine's choice."""
    cache: float | None = None
    """Seconds for which it keeps what DNS answered, whatever the TTL was, as many programs do (Java's
    `networkaddress.cache.ttl`, proxies that look a name up at their start); None: the TTL."""
    address: str = ""
    """Where every host leads, and DNS is not asked: a hosts file, or a cluster whose own DNS sends a host to
    the controller's Service; "": by DNS."""


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question, and the answer that is right."""

    host: str
    path: str = "/"
    """With the query. The echo application reads `wait`, `stream` and `every` there."""
    tls: bool = True
    port: int = 0
    """0: 443 or 80."""
    method: str = "GET"
    headers: dict[str, str] = {}
    upload: int = 0
    """Bytes of body to send."""
    status: int = 200
    service: str = ""
    """Marker of the Service that must answer; "" where the controller itself answers."""
    backend_host: str = ""
    """The Host that the backend must see; "": the one that is asked for."""
    backend_path: str = ""
    """The path that the backend must see, without the query; "": the same as asked."""
    wait: float = 0.0
    """Seconds after which the answer of a long poll comes; an earlier one is a failure."""
    lines: int = 0
    """Lines of a streamed answer, after the first."""
    answer_headers: dict[str, str] = {}
    """Headers that the answer must have, names in lower case."""
    share: float = 1.0
    """How often it is asked beside the other routes of its site."""

    @property
    def to_port(self) -> int:
        """The port to connect to."""
        return self.port or (443 if self.tls else 80)

    @property
    def authority(self) -> str:
        """What stands in Host: the port too, where it is not the scheme's own (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.to_port == (443 if self.tls else 80) else f"{host}:{self.to_port}"

    @property
    def sees_host(self) -> str:
        """The Host that the backend must see."""
        return self.backend_host or self.authority

    @property
    def sees_path(self) -> str:
        """The path that the backend must see."""
        return self.backend_path or self.path.partition("?")[0]


class Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One persona asks one route at a fixed rate, or at given moments."""

    kind: Kind
    persona: str
    route: Route
    rate: float = 0.0
    """Per second, evenly spaced."""
    at: tuple[float, ...] = ()
    """Seconds after the start, instead of a rate."""
    hold: tuple[float, float] = (5.0, 30.0)
    """A WebSocket session's shortest and longest life in seconds."""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a run of the generator does."""

    personas: tuple[Persona, ...]
    streams: tuple[Stream, ...]
    duration: float
    """Seconds of sending at most; a stop may come earlier."""
    ca: str = ""
    """PEM file that certificates must lead to, or `connect.SYSTEM_CA`; "": they are not verified."""
    connect_timeout: float = 5.0
    answer_timeout: float = 10.0
    """Seconds without the whole answer after which a client gives up (beyond `wait` and `lines`)."""
    most_in_flight: int = 10_000
    """Requests beyond this are not sent, which is counted and voids the run."""
    seed: int = 1
    """Of the lives of sessions, so that two runs of a plan do the same."""
    agent: str = f"blueshift-traffic/{__version__}"
    """How the user agent of every request begins. This one is a user's; what begins with `logs.PROBE_AGENT`
    is known as our own in access logs, and holds no drain up."""

    @property
    def rate(self) -> float:
        """Requests per second over all streams."""
        return sum(stream.rate for stream in self.streams)


def check_plan(plan: Plan, place: str) -> None:
    """Raise BlueshiftError if a stream names a persona that is not there or does not speak its protocol."""
    personas = {persona.name: persona for persona in plan.personas}
    for number, stream in enumerate(plan.streams):
        persona = personas.get(stream.persona)
        where = f"{place}: streams[{number}]"
        if persona is None:
            raise BlueshiftError(
                f"there is no persona {stream.persona!r}",
                place=where,
                hint=f"Use one of {', '.join(personas)}.",
            )
        spoken = {"longpoll": "http1", "websocket_long": "websocket"}.get(stream.kind, stream.kind)
        if persona.protocol != spoken:
            raise BlueshiftError(
                f"{stream.persona!r} speaks {persona.protocol} and not {stream.kind}",
                place=where,
                hint="Give the stream a persona of its own protocol.",
            )
        if not (stream.rate > 0 or stream.at):
            raise BlueshiftError("neither a rate nor moments", place=where, hint="Set `rate` or `at`.")
