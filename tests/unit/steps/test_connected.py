from collections.abc import Collection
from typing import cast

from blueshift.discovery.settings import Settings
from blueshift.steps.connected import MOST, Connected, Held
from blueshift.steps.witness import Look, Witness
from blueshift.traffic.routes import Routes, Stream
from blueshift.traffic.sockets import HELD_FOR, Ports, Socket
from blueshift.traffic.status import Connections
from tests.fakes import ManualClock

SETTINGS = Settings("1.11.3", "k8s.io/ingress-nginx", "nginx")
CLIENT = Socket("198.18.0.100", 40_000, 80)


class Table:
    """Pods that tell their connections, or why they do not."""

    def __init__(self, **pods: frozenset[Socket] | str) -> None:
        self.pods = pods
        self.asked: list[tuple[list[str], Ports]] = []

    async def sockets(
        self, _: str, pods: Collection[str], ports: Ports
    ) -> dict[str, frozenset[Socket] | str]:
        self.asked.append((sorted(pods), ports))
        return {pod: self.pods[pod] for pod in pods}


def look(pod: str, foreign: int | None) -> Look:
    counted = None if foreign is None else Connections(foreign + 1, 0, 1, foreign)
    return Look(pod, 0.0, None, counted)


async def twice(table: Table, *looks: Look, routes: Routes | None = None) -> tuple[Held, Held]:
    clock = ManualClock()
    connected = Connected("primary", cast(Witness, table), clock)
    first = await connected.look(looks, SETTINGS, routes or Routes(), 1)
    await clock.sleep(HELD_FOR)
    return first, await connected.look(looks, SETTINGS, routes or Routes(), 1)


async def test_who_stays_is_known_by_the_second_look() -> None:
    table = Table(p1=frozenset({CLIENT}), p2=frozenset({CLIENT}))
    looks = (look("p1", 1), look("p2", 3), look("p3", 0))
    first, second = await twice(table, *looks, routes=Routes(streams=(Stream("tcp", 5432, "db"),)))
    assert first.clients == {}
    assert second.clients == {"p1": (CLIENT.client,), "p3": ()}, "p2 has more than its table"
    ports = Ports(frozenset({80, 443, 10246, 5432}), frozenset({10254, 8443}))
    assert table.asked == [(["p1", "p2"], ports)] * 2


async def test_what_a_pod_has_with_itself_is_told_apart() -> None:
    table = Table(p1=frozenset({CLIENT, Socket("127.0.0.1", 46_508, 8181)}))
    _, held = await twice(table, look("p1", 2))
    assert held == Held({"p1": (CLIENT.client,)}, {}, {"p1": 1})


async def test_what_cannot_be_told_is_said() -> None:
    why = "its table of connections: sh: not found"
    table = Table(mute=why)
    _, second = await twice(table, look("many", MOST + 1), look("mute", 2), look("dark", None))
    assert second == Held({}, {"many": "there are more than 500", "mute": why}, {})
    _, second = await twice(table, look("p1", 1), routes=Routes(streams=(Stream("udp", 53, "dns"),)))
    assert "UDP" in second.untold["p1"]


async def test_a_pod_that_was_away_begins_anew() -> None:
    table, clock = Table(p1=frozenset({CLIENT})), ManualClock()
    connected = Connected("primary", cast(Witness, table), clock)
    for looks in ([look("p1", 1)], [look("p1", None)], [look("p1", 1)]):
        held = await connected.look(looks, SETTINGS, Routes(), 1)
        await clock.sleep(HELD_FOR)
    assert held == Held({}, {}, {"p1": 0})
