"""Who has connections to a side that stay, as far as its pods can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from blueshift.clock import Clock
from blueshift.discovery.settings import Settings
from blueshift.engine.state import SideName
from blueshift.steps.witness import Look, Witness
from blueshift.traffic.routes import Routes
from blueshift.traffic.sockets import Ports, Staying

MOST = 500
"""Connections of one pod that are told apart; with more it serves, whoever they are."""


class Held(NamedTuple):
    """What is known of the connections that stay."""

    clients: Mapping[str, Sequence[str]] = {}
    """Pod → the client of each; without the pods of which that is not known (yet)."""
    untold: Mapping[str, str] = {}
    """Pod → why it will not be known."""
    inside: Mapping[str, int] = {}
    """Pod → connections that it has with itself, which nginx counts too."""


class Connected:
    """Looks at one side's connections, as often as it is asked; one look alone tells nothing of them."""

    def __init__(self, side: SideName, witness: Witness, clock: Clock) -> None:
        self._side = side
        self._witness = witness
        self._clock = clock
        self._pods: dict[str, Staying] = {}

    async def look(self, looks: Sequence[Look], settings: Settings, routes: Routes, own: int) -> Held:
        """Look once more; `looks` are of now, and `own` connections of each pod are ours."""
        foreign = {look.pod: look.connections.foreign(own) for look in looks if look.connections}
        if any(stream.protocol == "udp" for stream in routes.streams):
            return Held({}, dict.fromkeys(foreign, "UDP is served, whose sessions are in no table"))
        untold = {pod: f"there are more than {MOST}" for pod, count in foreign.items() if count > MOST}
        some = [pod for pod, count in foreign.items() if 0 < count <= MOST]
        named = frozenset((*settings.ports, settings.status_port, *(one.port for one in routes.streams)))
        tables = await self._witness.sockets(self._side, some, Ports(named, frozenset(settings.own_ports)))
        now = self._clock.now()
        untold |= {pod: why for pod, why in tables.items() if isinstance(why, str)}
        open_now = {pod: table for pod, table in tables.items() if not isinstance(table, str)}
        open_now |= {pod: frozenset() for pod, count in foreign.items() if not count}
        self._pods = {pod: self._pods.get(pod, Staying()) for pod in open_now}
        clients = {}
        for pod, found in open_now.items():
            self._pods[pod].look(found, now, foreign[pod])
            if (held := self._pods[pod].held()) is not None:
                clients[pod] = tuple(socket.client for socket in held)
        inside = {pod: sum(one.inside for one in found) for pod, found in open_now.items()}
        return Held(clients, untold, inside)
