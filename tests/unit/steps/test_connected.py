from collections.abc import Collection
from typing import Any, cast

from blueshift.discovery.settings import Settings
from blueshift.steps.connected import MOST, Connected
from blueshift.steps.witness import Look, Witness
from blueshift.traffic.routes import Routes, Stream
from blueshift.traffic.sockets import HELD_FOR, Socket
from blueshift.traffic.status import Connections
from tests.fakes import ManualClock

SETTINGS = Settings("1.11.3", "k8s.io/ingress-nginx", "nginx")
CLIENT = Socket("198.18.0.100", 40_000, 80)


class Table:
    """Pods that tell their connections, or do not."""

    def __init__(self, **pods: frozenset[Socket]) -> None:
        self.pods = pods
        self.asked: list[tuple[list[str], set[int]]] = []

    async def sockets(
        self, _: str, pods: Collection[str], ports: Collection[int]
    ) -> dict[str, frozenset[Socket]]:
        self.asked.append((sorted(pods), set(ports)))
        return {pod: self.pods[pod] for pod in pods if pod in self.pods}


def look(pod: str, foreign: int | None) -> Look:
    counted = None if foreign is None else Connections(foreign + 1, 0, 1, foreign)
    return Look(pod, 0.0, None, counted)


async def twice(table: Table, *looks: Look, routes: Routes | None = None, settings: Any = SETTINGS) -> Any:
    clock = ManualClock()
    connected = Connected("primary", cast(Witness, table), clock)
    first = await connected.look(looks, settings, routes or Routes(), 1)
    await clock.sleep(HELD_FOR)
    second = await connected.look(looks, settings, routes or Routes(), 1)
    return first, second


async def test_who_stays_is_known_by_the_second_look() -> None:
    table = Table(p1=frozenset({CLIENT}), p2=frozenset())
    looks = (look("p1", 1), look("p2", 3), look("p3", 0))
    first, second = await twice(table, *looks, routes=Routes(streams=(Stream("tcp", 5432, "db"),)))
    assert first == {}
    assert second == {"p1": [CLIENT.client], "p2": [], "p3": []}
    assert table.asked == [(["p1", "p2"], {80, 443, 5432})] * 2


async def test_what_cannot_be_told_is_not() -> None:
    table = Table(many=frozenset({CLIENT}))
    _, second = await twice(table, look("many", MOST + 1), look("mute", 2), look("dark", None))
    assert second == {}
    assert (await twice(table, look("p1", 1), settings=None)) == ({}, {})
    udp = Routes(streams=(Stream("udp", 53, "dns"),))
    assert (await twice(table, look("p1", 1), routes=udp)) == ({}, {})
