"""The traffic of a run: the demo's clients and sites, at so many requests per second over HTTP/1.1."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from blueshift.lab.demo.generator import plan
from blueshift.lab.demo.world import World
from blueshift.traffic.prober.plan import Plan, Stream

RATE = 300.0
"""Requests per second over HTTP/1.1; HTTP/2, WebSockets and long polls come beside them.

Issue 7 asks for 800. A lab on 2 cores held them around a plain `helm upgrade`, with nothing else at work, but
not beside the four controllers of a blue-green run: requests were up to 1.4 s late. Where there are more
cores: `--rate 800`."""
POLL = 60.0
"""Seconds that a poll of the scenario `long` waits for its answer."""
SESSION = 300.0
"""Seconds of a WebSocket there: more than nginx's workers get (worker-shutdown-timeout, 240 s)."""
SESSION_EVERY = 5.0
"""Seconds between two such sessions: sixty are open at any time."""

PINNED = 0.05
"""Share of the clients of HTTP that keep an answer of DNS for longer than its TTL."""
PINNED_FOR = 180.0
"""Seconds for which they keep it."""


def traffic(world: World, http1: float) -> Plan:
    """The demo's plan with this rate of HTTP/1.1, over both families."""
    trial = plan(world, rate=1000.0)
    beside = sum(stream.rate for stream in trial.streams if stream.kind in ("longpoll", "websocket"))
    share = sum(stream.rate for stream in trial.streams if stream.kind == "http1") / (trial.rate - beside)
    return plan(world, rate=http1 / share + beside)


def long_lived(load: Plan) -> Plan:
    """The same with polls of a minute in place of shorter ones, and sessions of five minutes all the time."""
    streams = [_longer(stream) if stream.kind == "longpoll" else stream for stream in load.streams]
    return msgspec.structs.replace(load, streams=(*streams, *_sessions(load)))


def pooled(load: Plan) -> Plan:
    """The same, but nobody gives a connection up by himself; and sessions of five minutes all the time."""
    personas = tuple(msgspec.structs.replace(one, max_age=None, max_idle=None) for one in load.personas)
    return msgspec.structs.replace(load, personas=personas, streams=(*load.streams, *_sessions(load)))


def pinned(load: Plan) -> Plan:
    """The same, but a share of what each client of HTTP asks comes from a twin that keeps DNS for long."""
    asking = {stream.persona for stream in load.streams if stream.kind in ("http1", "http2")}
    twins = [
        msgspec.structs.replace(persona, name=_twin(persona.name), cache=PINNED_FOR)
        for persona in load.personas
        if persona.name in asking
    ]
    streams = tuple(part for stream in load.streams for part in _shared(stream, stream.persona in asking))
    return msgspec.structs.replace(load, personas=(*load.personas, *twins), streams=streams)


def _twin(persona: str) -> str:
    return f"pinned-{persona}"


def _shared(stream: Stream, twin: bool) -> Iterator[Stream]:
    if not twin:
        yield stream
        return
    yield msgspec.structs.replace(stream, rate=stream.rate * (1 - PINNED))
    yield msgspec.structs.replace(stream, persona=_twin(stream.persona), rate=stream.rate * PINNED)


def _longer(stream: Stream) -> Stream:
    path = f"{stream.route.path.partition('?')[0]}?wait={POLL:g}"
    return msgspec.structs.replace(stream, route=msgspec.structs.replace(stream.route, path=path, wait=POLL))


def _sessions(load: Plan) -> Iterator[Stream]:
    """Each client of the short sessions holds long ones too, in turn."""
    short = [stream for stream in load.streams if stream.kind == "websocket"]
    moments = [SESSION_EVERY * number for number in range(1, int(load.duration / SESSION_EVERY))]
    for place, stream in enumerate(short):
        yield Stream(
            kind="websocket_long",
            persona=stream.persona,
            route=stream.route,
            at=tuple(moments[place :: len(short)]),
            hold=(SESSION, SESSION),
        )
