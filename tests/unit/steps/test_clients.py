"""Whether a client is a pod or a node of this cluster, by its address alone."""

from __future__ import annotations

from typing import Any, cast

from blueshift.cluster.errors import Forbidden
from blueshift.steps.clients import MOST, REMEMBERED, Clients
from tests.fakes import ManualClock

PODS = {
    "10.244.0.7": {"metadata": {"namespace": "apps", "name": "web-1"}, "spec": {}},
    "192.0.2.10": {"metadata": {"namespace": "kube-system", "name": "proxy"}, "spec": {"hostNetwork": True}},
}
NODE = {
    "metadata": {"name": "node-a"},
    "status": {
        "addresses": [{"type": "InternalIP", "address": "192.0.2.10"}, {"type": "Hostname", "address": "a"}]
    },
}


class Kube:
    """Answers for pods by address, and for nodes."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.forbidden = False

    async def list(self, path: str, **params: Any) -> list[Any]:
        if self.forbidden:
            raise Forbidden("pods is forbidden")
        if path == "/api/v1/nodes":
            return [NODE]
        address = params["fieldSelector"].removeprefix("status.podIP=")
        self.asked.append(address)
        return [PODS[address]] if address in PODS else []


def clients() -> tuple[Clients, Kube, ManualClock]:
    kube, clock = Kube(), ManualClock()
    return Clients(cast(Any, kube), clock), kube, clock


async def test_pods_and_nodes_are_told_from_strangers() -> None:
    known, _, _ = clients()
    found = await known.of_cluster(["10.244.0.7", "192.0.2.10", "203.0.113.9"])
    assert {one: said.partition(":")[0] for one, said in found.items()} == {
        "10.244.0.7": "a pod of this cluster (apps/web-1)",
        "192.0.2.10": "a node of this cluster (node-a)",
    }


async def test_an_address_is_asked_for_once_in_a_while() -> None:
    known, kube, clock = clients()
    for _ in range(3):
        await known.of_cluster(["10.244.0.7", "203.0.113.9"])
    assert kube.asked == ["10.244.0.7", "203.0.113.9"]
    clock.advance(REMEMBERED + 1)
    assert len(await known.of_cluster(["10.244.0.7"])) == 1
    assert kube.asked.count("10.244.0.7") == 2


async def test_of_many_clients_the_first_are_asked_for_and_junk_not_at_all() -> None:
    known, kube, _ = clients()
    many = [f"203.0.113.{number}" for number in range(MOST + 5)]
    for _ in range(2):
        await known.of_cluster(["203.0.113.1, 10.0.0.1", "unix:", *many])
    assert kube.asked == many[: MOST - 2]


async def test_who_may_not_ask_is_told_so_and_the_drain_goes_on() -> None:
    known, kube, _ = clients()
    kube.forbidden = True
    assert await known.of_cluster(["10.244.0.7"]) == {}
    assert "pods is forbidden" in known.unseen
    kube.forbidden = False
    assert await known.of_cluster(["10.244.0.7"])
    assert known.unseen == ""
