"""Who has connections to a side that stay, as far as its pods can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blueshift.clock import Clock
from blueshift.discovery.settings import Settings
from blueshift.engine.state import SideName
from blueshift.steps.witness import Look, Witness
from blueshift.traffic.routes import Routes
from blueshift.traffic.sockets import Staying

MOST = 500
"""Connections of one pod that are told apart; with more it serves, whoever they are."""


class Connected:
    """Looks at one side's connections, as often as it is asked; one look alone tells nothing of them."""

    def __init__(self, side: SideName, witness: Witness, clock: Clock) -> None:
        self._side = side
        self._witness = witness
        self._clock = clock
        self._staying = Staying()

    async def look(
        self, looks: Sequence[Look], settings: Settings | None, routes: Routes, own: int
    ) -> Mapping[str, Sequence[str]]:
        """Pod → the client of each connection that stays; without the pods of which that cannot be told.

        `looks` are of now, and `own` connections of each pod are ours.
        """
        if settings is None or any(stream.protocol == "udp" for stream in routes.streams):
            return {}  # sessions of UDP are connections to nginx, and are in no table
        ports = {*settings.ports, *(stream.port for stream in routes.streams)}
        foreign = {look.pod: look.connections.foreign(own) for look in looks if look.connections}
        some = [pod for pod, count in foreign.items() if 0 < count <= MOST]
        tables = await self._witness.sockets(self._side, some, ports)
        now = self._clock.utc().timestamp()
        for look in looks:
            none = foreign.get(look.pod) == 0
            self._staying.look(look.pod, frozenset() if none else tables.get(look.pod), now)
        held = ((look.pod, self._staying.held(look.pod)) for look in looks)
        return {pod: [socket.client for socket in sockets] for pod, sockets in held if sockets is not None}
